import { DisconnectReason } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { departureOf, expulsionOf, reasonName } from '../../src/livekit/observe/disconnect.ts';

const all = Object.values(DisconnectReason).filter((reason): reason is DisconnectReason => typeof reason === 'number');

test('D1 all 17 disconnect reasons are mapped: who left for good ends the call, who was lost may come back', () => {
  expect(all).toHaveLength(17);
  const said = Object.fromEntries(
    all.map((reason) => {
      const departure = departureOf(reason);
      return [DisconnectReason[reason], departure.kind === 'left' ? departure.end.reason : 'lost'];
    }),
  );
  expect(said).toEqual({
    UNKNOWN_REASON: 'lost',
    CLIENT_INITIATED: 'caller_hung_up',
    DUPLICATE_IDENTITY: 'lost',
    SERVER_SHUTDOWN: 'lost',
    PARTICIPANT_REMOVED: 'removed',
    ROOM_DELETED: 'room_deleted',
    STATE_MISMATCH: 'lost',
    JOIN_FAILURE: 'lost',
    MIGRATION: 'lost',
    SIGNAL_CLOSE: 'lost',
    ROOM_CLOSED: 'room_deleted',
    USER_UNAVAILABLE: 'never_joined',
    USER_REJECTED: 'caller_hung_up',
    SIP_TRUNK_FAILURE: 'caller_lost',
    CONNECTION_TIMEOUT: 'lost',
    MEDIA_FAILURE: 'lost',
    AGENT_ERROR: 'caller_lost',
  });
});

test('a reason that is missing (a killed server) or unknown to this version counts as lost, not as left', () => {
  expect(departureOf(undefined)).toEqual({ kind: 'lost' });
  expect(departureOf(99 as never)).toEqual({ kind: 'lost' });
  expect(reasonName(undefined)).toBe('unknown (undefined)');
});

test('the agent that leaves by itself was not expelled; every other way out of the room ends the call', () => {
  expect(expulsionOf(DisconnectReason.CLIENT_INITIATED)).toBeUndefined();
  for (const reason of all.filter((each) => each !== DisconnectReason.CLIENT_INITIATED))
    expect(expulsionOf(reason)?.reason).toMatch(/^(room_deleted|removed|caller_lost)$/);
});

test('D1 D3 LiveKit closes a room because nobody is in it: the caller was lost, or never came, and no operator did it', () => {
  const closed = (caller: 'there' | 'lost' | 'never met') => expulsionOf(DisconnectReason.ROOM_CLOSED, caller);
  expect(closed('lost')).toMatchObject({ reason: 'caller_lost', by: 'limit', fault: 'platform' });
  expect(closed('never met')).toMatchObject({ reason: 'never_joined', by: 'limit', fault: 'caller' });
  expect(closed('there')).toMatchObject({ reason: 'room_deleted', by: 'operator' });
});

test('C13 a telephone that was refused, not answered or not reached: the detail tells which', () => {
  const details = (['USER_REJECTED', 'USER_UNAVAILABLE', 'SIP_TRUNK_FAILURE'] as const).map((name) => {
    const departure = departureOf(DisconnectReason[name]);
    return departure.kind === 'left' ? departure.end.detail : undefined;
  });
  expect(details).toEqual(['the callee rejected the call', 'the callee did not answer', 'the SIP trunk failed']);
});
