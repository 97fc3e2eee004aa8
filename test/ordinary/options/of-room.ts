/** Rows of `AgentSession.start()`: a room with the SDK's own RoomIO, and what Lastword says itself. */
import { AudioFrame, FrameProcessor, ParticipantKind, TrackPublishOptions } from '@livekit/rtc-node';
import type { StartOptions } from '../../../src/livekit/definition.ts';
import { startProblem } from '../../../src/livekit/start-options.ts';
import type { Life } from '../harness/call.ts';
import { ASKED, type Row, type Rows, withOptions, writes } from './row.ts';

const inRoom = (start: StartOptions) => withOptions({}, { start });
const input = (inputOptions: NonNullable<StartOptions['inputOptions']>) => inRoom({ inputOptions });
const output = (outputOptions: NonNullable<StartOptions['outputOptions']>) => inRoom({ outputOptions });
const written = (start: StartOptions) => withOptions({}, { start, asked: { transcript: 'other' } });

const deletes = { hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } } as const;
const leaves = { hangUp: { ...deletes.hangUp, normal: 'leave' } } as const;
const refused = (
  value: string,
  inputOptions: object,
  definition: Parameters<typeof startProblem>[1],
  says: string,
): Row => ({
  value,
  problem: () => startProblem({ inputOptions }, definition),
  says,
});
/** Resampled sound cannot be read, but it is heard. */
const listens = async ({ caller, soundtrack }: Life): Promise<void> => {
  await caller.says(ASKED);
  await soundtrack.until('an answer is heard to its end', () =>
    soundtrack.sounds.some(({ voice: whose, to }) => whose === 'agent' && to !== undefined),
  );
  await caller.pauses(3000);
};
const resampled = (start: StartOptions) => withOptions({}, { start, asked: { transcript: 'other' } });

class Passes extends FrameProcessor<AudioFrame> {
  isEnabled(): boolean {
    return true;
  }
  setEnabled(): void {}
  process(frame: AudioFrame): AudioFrame {
    return frame;
  }
  close(): void {}
}

export const ofStart: Rows = {
  agent: [{ value: 'given by Lastword', untried: '`agent` of the definition' }],
  room: [{ value: 'given by Lastword', untried: 'the room of the job' }],
  inputOptions: [{ value: 'nothing in it', given: input({}) }],
  outputOptions: [{ value: 'nothing in it', given: output({}) }],
  record: [
    { value: 'left out', given: inRoom({}) },
    { value: 'false', given: inRoom({ record: false }) },
    { value: 'true', given: inRoom({ record: true }) },
  ],
};
export const ofRecording: Rows = Object.fromEntries(
  ['audio', 'traces', 'logs', 'transcript', 'redaction'].map((name): [string, Row[]] => [
    name,
    [
      { value: 'true', given: inRoom({ record: { [name]: true } }) },
      { value: 'false', given: inRoom({ record: { [name]: false } }) },
    ],
  ]),
);

export const ofRoomInput: Rows = {
  audioSampleRate: [{ value: '16 kHz', given: input({ audioSampleRate: 16_000 }) }],
  audioNumChannels: [{ value: '1', given: input({ audioNumChannels: 1 }) }],
  textEnabled: [
    { value: 'true, and the caller types', given: written({ inputOptions: { textEnabled: true } }), live: writes },
    { value: 'false', given: input({ textEnabled: false }) },
  ],
  audioEnabled: [
    { value: 'true', given: input({ audioEnabled: true }) },
    { value: 'false, and the caller types', given: written({ inputOptions: { audioEnabled: false } }), live: writes },
  ],
  videoEnabled: [{ value: 'true', given: input({ videoEnabled: true }) }],
  participantIdentity: [{ value: 'the caller’s', given: input({ participantIdentity: 'caller' }) }],
  noiseCancellation: [{ value: 'a processor of frames', given: input({ noiseCancellation: new Passes() }) }],
  textInputCallback: [
    {
      value: 'the user’s own',
      given: written({
        inputOptions: { textInputCallback: (session, { text }) => void session.generateReply({ userInput: text }) },
      }),
      live: writes,
    },
  ],
  participantKinds: [{ value: 'the standard kind', given: input({ participantKinds: [ParticipantKind.STANDARD] }) }],
  closeOnDisconnect: [
    { value: 'true: as it is anyway', given: input({ closeOnDisconnect: true }) },
    refused('false', { closeOnDisconnect: false }, deletes, 'policy.callerGraceMs'),
  ],
  deleteRoomOnClose: [
    { value: 'true: as it is anyway', given: input({ deleteRoomOnClose: true }) },
    refused('false, where the room is deleted', { deleteRoomOnClose: false }, deletes, "hangUp: { normal: 'leave' }"),
    refused('true, where it is left', { deleteRoomOnClose: true }, leaves, "hangUp: { normal: 'delete-room' }"),
  ],
};

export const ofRoomOutput: Rows = {
  transcriptionEnabled: [
    { value: 'true', given: output({ transcriptionEnabled: true }) },
    { value: 'false', given: output({ transcriptionEnabled: false }) },
  ],
  audioEnabled: [
    { value: 'true', given: output({ audioEnabled: true }) },
    { value: 'false: it writes', given: written({ outputOptions: { audioEnabled: false } }), live: writes },
  ],
  audioSampleRate: [
    { value: '48 kHz', given: resampled({ outputOptions: { audioSampleRate: 48_000 } }), live: listens },
  ],
  audioNumChannels: [{ value: '1', given: output({ audioNumChannels: 1 }) }],
  syncTranscription: [
    { value: 'true', given: output({ syncTranscription: true }) },
    { value: 'false', given: output({ syncTranscription: false }) },
  ],
  audioPublishOptions: [
    { value: 'the user’s own', given: output({ audioPublishOptions: new TrackPublishOptions({ dtx: false }) }) },
  ],
  queueSizeMs: [
    { value: '200 ms', given: output({ queueSizeMs: 200 }) },
    { value: '2 s', given: output({ queueSizeMs: 2000 }) },
  ],
  jsonFormat: [{ value: 'true', given: output({ jsonFormat: true }) }],
};
