/** Who of those in a room is the caller: the rule by itself. */
import { ParticipantKind, type RemoteParticipant, TrackKind, TrackSource } from '@livekit/rtc-node';
import { describe, expect, test } from 'vitest';
import { type CallerWish, choose, whoIsThere, whyNot } from '../../src/livekit/caller/choice.ts';

type Wish = {
  kind?: ParticipantKind;
  attributes?: Record<string, string>;
  permission?: object;
  tracks?: { kind: TrackKind; source: TrackSource }[];
};
const microphone = { kind: TrackKind.KIND_AUDIO, source: TrackSource.SOURCE_MICROPHONE };
const somebody = (
  identity: string,
  { kind = ParticipantKind.STANDARD, attributes = {}, permission, tracks = [] }: Wish = {},
) =>
  ({
    identity,
    info: { kind, ...(permission && { permission: { canPublishSources: [], ...permission } }) },
    attributes,
    trackPublications: new Map(tracks.map((track, index) => [String(index), track])),
  }) as unknown as RemoteParticipant;
const telephone = (identity: string, status: string, more: Record<string, string> = {}) =>
  somebody(identity, { kind: ParticipantKind.SIP, attributes: { 'sip.callStatus': status, ...more } });
const nothing = { acted: new Set<string>(), dialled: new Set<string>(), called: new Set<string>() };
const chosen = (people: RemoteParticipant[], wish: CallerWish = {}, seen: Partial<typeof nothing> = {}) =>
  choose(undefined, people, wish, { ...nothing, ...seen })?.identity;

const ada = somebody('ada');
const withMicrophone = somebody('bea', { tracks: [microphone] });
const agent = somebody('agent', { kind: ParticipantKind.AGENT });
const mayNothing = { canPublish: false, canPublishData: false };

describe('nobody is named', () => {
  test.each([
    ['an agent', agent],
    ['an avatar', somebody('avatar', { attributes: { 'lk.publish_on_behalf': 'agent' } })],
    ['a recorder', somebody('recorder', { kind: ParticipantKind.EGRESS })],
    ['a stream from outside', somebody('stream', { kind: ParticipantKind.INGRESS })],
    ['somebody who may neither speak nor write', somebody('observer', { permission: mayNothing })],
    [
      'somebody who may send a picture alone',
      somebody('camera', {
        permission: { canPublish: true, canPublishSources: [TrackSource.SOURCE_CAMERA], canPublishData: false },
      }),
    ],
    ['somebody who is hidden', somebody('hidden', { permission: { canPublish: true, hidden: true } })],
    ['a telephone on its way out', telephone('phone', 'dialing')],
    ['a telephone that still sends tones', telephone('phone', 'automation')],
  ])('O-C2 %s is not the caller, and does not keep the next one from being it', (_, other) => {
    expect(chosen([other])).toBeUndefined();
    expect(chosen([other, ada])).toBe('ada');
  });

  test.each([
    ['a person without a microphone yet', ada],
    ['a person of whose permissions the server says nothing', somebody('old', {})],
    ['a person who may only write', somebody('writer', { permission: { canPublish: false, canPublishData: true } })],
    ['a telephone', telephone('phone', 'active')],
    ['a telephone that rings', telephone('phone', 'ringing')],
    ['a connector', somebody('whatsapp', { kind: ParticipantKind.CONNECTOR })],
  ])('O-C2 %s alone is the caller, without a moment of waiting', (_, one) => {
    expect(chosen([one])).toBe(one.identity);
  });

  test('O-C2 of several who can be it the surest counts: a telephone, then a microphone, then the first', () => {
    expect(chosen([ada, somebody('carl')])).toBe('ada');
    expect(chosen([ada, withMicrophone])).toBe('bea');
    expect(chosen([ada, withMicrophone, telephone('phone', 'active')])).toBe('phone');
    expect(chosen([ada, somebody('carl')], {}, { acted: new Set(['carl']) })).toBe('carl');
  });

  test('O-C2 the picture of a screen is no microphone, nor is its sound', () => {
    const screen = { kind: TrackKind.KIND_AUDIO, source: TrackSource.SOURCE_SCREENSHARE_AUDIO };
    expect(chosen([ada, somebody('screen', { tracks: [screen] })])).toBe('ada');
  });

  test('O-C1 a telephone that rings and was not dialled is the caller; one that was dialled is nobody', () => {
    const phone = telephone('phone', 'ringing');
    expect(chosen([ada, phone])).toBe('phone');
    expect(chosen([phone], {}, { dialled: new Set(['phone']) })).toBeUndefined();
  });

  test('somebody who was called for a transfer is never the caller', () => {
    expect(chosen([withMicrophone], {}, { called: new Set(['bea']) })).toBeUndefined();
  });
});

describe('who was the caller so far', () => {
  const after = (linked: RemoteParticipant, people: RemoteParticipant[], acted: string[] = []) =>
    choose(linked, [linked, ...people], {}, { ...nothing, acted: new Set(acted) })?.identity;

  test('O-C2 makes room for a microphone while they gave no sign themselves', () => {
    expect(after(ada, [withMicrophone])).toBe('bea');
    expect(after(ada, [somebody('carl')])).toBe('ada');
  });
  test('O-C2 stays it once they gave a sign, whoever comes', () => {
    expect(after(ada, [withMicrophone, telephone('phone', 'active')], ['ada'])).toBe('ada');
    expect(after(withMicrophone, [telephone('phone', 'active')])).toBe('bea');
  });
  test('O-C1 rings: makes room for a telephone that is picked up, and for no microphone', () => {
    const desk = telephone('desk', 'ringing');
    expect(after(desk, [withMicrophone])).toBe('desk');
    expect(after(desk, [telephone('mobile', 'active')])).toBe('mobile');
    const known = telephone('desk', 'ringing', { 'sip.ruleID': 'SDR_1' });
    expect(after(known, [telephone('mobile', 'active')])).toBe('desk');
  });
  test('O-C2 loses a right in the middle of the call: stays it', () => {
    const muted = somebody('ada', { permission: mayNothing });
    expect(after(muted, [withMicrophone], ['ada'])).toBe('ada');
  });
});

describe('somebody is named', () => {
  test('O-C2 the identity alone counts, of whatever kind', () => {
    expect(chosen([ada, withMicrophone], { identity: 'carl' })).toBeUndefined();
    expect(chosen([ada, withMicrophone, agent], { identity: 'agent' })).toBe('agent');
    expect(chosen([telephone('phone', 'dialing')], { identity: 'phone' })).toBe('phone');
  });
  test('O-C2 the kinds count: an agent that is called by an agent', () => {
    const kinds = [ParticipantKind.AGENT];
    expect(chosen([ada, agent], { kinds })).toBe('agent');
    expect(chosen([ada], { kinds })).toBeUndefined();
    expect(chosen([ada, agent], { identity: 'ada', kinds })).toBeUndefined();
  });
});

test('O-C2 who did not come, and who was there instead, in words', () => {
  expect(whoIsThere([], {})).toBe('nobody was there');
  expect(whoIsThere([ada, agent], { identity: 'caller-7' })).toBe(
    'expected caller-7; there: ada (somebody else is expected), agent (somebody else is expected)',
  );
  expect(whoIsThere([agent, telephone('phone', 'ringing')], {})).toBe(
    'there: agent (agent), phone (was not picked up)',
  );
  expect(whoIsThere([ada], { kinds: [ParticipantKind.SIP] })).toBe(
    'expected one of the kinds sip; there: ada (standard is not among participantKinds)',
  );
  expect(whyNot(somebody('observer', { permission: mayNothing }), {})).toBe('may neither speak nor write');
});
