/** What `start(call)` and `connect(call)` may return, and what is said when it is something else. */
import { AutoSubscribe } from '@livekit/agents';
import { ParticipantKind } from '@livekit/rtc-node';
import { describe, expect, test } from 'vitest';
import { connectArguments, connectProblem } from '../../src/livekit/connect-options.ts';
import { startProblem } from '../../src/livekit/start-options.ts';

const deletes = { hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } } as const;
const leaves = { hangUp: { ...deletes.hangUp, normal: 'leave' } } as const;
const input = (options: object) => ({ inputOptions: options });

describe('start(call)', () => {
  test.each([
    ['nothing', {}, deletes],
    [
      'all that RoomIO takes',
      {
        inputOptions: {
          audioSampleRate: 16_000,
          audioNumChannels: 1,
          textEnabled: false,
          audioEnabled: true,
          videoEnabled: true,
          participantIdentity: 'caller',
          participantKinds: [ParticipantKind.SIP],
          textInputCallback: () => {},
        },
        outputOptions: { transcriptionEnabled: false, audioEnabled: false, syncTranscription: false, jsonFormat: true },
        record: false,
      },
      deletes,
    ],
    ['what happens anyway: the call ends with its caller', input({ closeOnDisconnect: true }), deletes],
    ['what happens anyway: the room is deleted', input({ deleteRoomOnClose: true }), deletes],
    ['what happens anyway: the room is left to the others', input({ deleteRoomOnClose: false }), leaves],
    ['a program that names its caller', input({ participantIdentity: 'caller' }), { ...deletes, program: () => {} }],
  ])('%s is taken', (_, options, definition) => expect(startProblem(options, definition)).toBeUndefined());

  test.each([
    ['no object', 'x', deletes, /^start\(call\): expected options .*got "x"$/],
    ['nothing at all', undefined, deletes, /^start\(call\): expected options .*got nothing$/],
    ['a room', { room: {} }, deletes, /^start\(call\)\.room: expected one of inputOptions, .*given by Lastword$/],
    ['input that is none', { inputOptions: true }, deletes, /inputOptions: expected an object, got true$/],
    ['an empty identity', input({ participantIdentity: '' }), deletes, /participantIdentity: .*got an empty string$/],
    ['an identity that is a number', input({ participantIdentity: 7 }), deletes, /participantIdentity: .*got 7$/],
    ['no kind', input({ participantKinds: [] }), deletes, /participantKinds: .*not empty.*got a list of 0$/],
    [
      'kinds by name',
      input({ participantKinds: ['sip'] }),
      deletes,
      /participantKinds\[0\]: expected a ParticipantKind, got "sip"$/,
    ],
    [
      'a session that outlives its caller',
      input({ closeOnDisconnect: false }),
      deletes,
      /closeOnDisconnect: expected true or nothing: .*policy\.callerGraceMs, got false$/,
    ],
    [
      'a room that is to stay, and is deleted',
      input({ deleteRoomOnClose: false }),
      deletes,
      /deleteRoomOnClose: expected true or nothing: .*hangUp: \{ normal: 'leave' \}, got false$/,
    ],
    [
      'a room that is to be deleted, and stays',
      input({ deleteRoomOnClose: true }),
      leaves,
      /deleteRoomOnClose: expected false or nothing: .*hangUp: \{ normal: 'delete-room' \}, got true$/,
    ],
    [
      'options for a program',
      { record: true },
      { ...deletes, program: () => {} },
      /^start\(call\)\.record: .*; a program has no/,
    ],
    [
      'an ear for a program',
      input({ audioEnabled: true }),
      { ...deletes, program: () => {} },
      /audioEnabled: .*; a program has no/,
    ],
  ])('%s is refused in one line', (_, options, definition, message) => {
    const problem = startProblem(options, definition);
    expect(problem).toMatch(message);
    expect(problem).not.toContain('\n');
  });
});

describe('connect(call)', () => {
  const e2ee = { keyProviderOptions: { sharedKey: new Uint8Array(16) } };
  const rtcConfig = { iceTransportType: 0, continualGatheringPolicy: 0, iceServers: [] };

  test('nothing, and all that the SDK takes', () => {
    expect(connectProblem(undefined)).toBeUndefined();
    expect(connectProblem({})).toBeUndefined();
    const all = { e2ee, autoSubscribe: AutoSubscribe.AUDIO_ONLY, rtcConfig };
    expect(connectProblem(all)).toBeUndefined();
    expect(connectArguments(all)).toEqual([e2ee, AutoSubscribe.AUDIO_ONLY, rtcConfig]);
    expect(connectArguments({})).toEqual([undefined, undefined, undefined]);
  });

  test.each([
    ['a list', [e2ee], /^connect\(call\): expected \{ e2ee, autoSubscribe, rtcConfig \} or nothing, got a list of 1$/],
    ['null', null, /got null$/],
    ['a text', 'AUDIO_ONLY', /got "AUDIO_ONLY"$/],
    ['an unknown field', { dynacast: true }, /^connect\(call\)\.dynacast: expected one of e2ee/],
    ['an unknown value', { autoSubscribe: 9 }, /autoSubscribe: expected a value of AutoSubscribe, got 9$/],
    ['autoSubscribe by name', { autoSubscribe: 'AUDIO_ONLY' }, /autoSubscribe: .*got "AUDIO_ONLY"$/],
    ['a key that is none', { e2ee: 'secret' }, /e2ee: expected an object/],
    ['ICE servers alone', { rtcConfig: 5 }, /rtcConfig: expected an object, got 5$/],
  ])('%s is refused in one line', (_, options, message) => {
    expect(connectProblem(options)).toMatch(message);
  });
});
