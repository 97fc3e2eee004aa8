import { describe, expect, it } from 'vitest';
import type { HangUpRequest } from '../../src/rooms/rooms.ts';
import { RoomsError } from '../../src/rooms/rooms-error.ts';
import { openRooms } from '../../src/rooms/server-api.ts';
import type { RoomsOptions } from '../../src/rooms/server-api.ts';
import { startStandIn } from './twirp-stand-in.ts';
import type { Participant, StandIn } from './twirp-stand-in.ts';

const caller: Participant = { identity: 'caller', sid: 'PA_1', kind: 'STANDARD' };
const phone: Participant = { identity: 'phone', sid: 'PA_2', kind: 'SIP' };
const agent: Participant = { identity: 'agent', sid: 'PA_3', kind: 'AGENT' };

// Long, so that a busy machine makes no second attempt; short where the server is to keep silent.
const SILENT_MS = 400;
const clientOf = (server: StandIn, { attemptMs = 2_500, log }: RoomsOptions = {}) =>
  openRooms(
    { url: server.url, apiKey: 'key', apiSecret: 'secret-of-at-least-thirty-two-bytes' },
    { attemptMs, ...(log && { log }) },
  );
const ask = (strategy: HangUpRequest['strategy'], more: Partial<HangUpRequest> = {}): HangUpRequest => ({
  room: 'r',
  strategy,
  signal: AbortSignal.timeout(10_000),
  ...more,
});
const count = (server: StandIn, method: string) => server.asked.filter((one) => one.startsWith(method)).length;

describe('deleting the room', () => {
  it('C3 a deletion is verified by asking the server', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, agent]);
    expect(await clientOf(server).hangUp(ask('delete-room'))).toEqual({ verified: true, attempts: 1, left: [] });
    expect(server.asked).toEqual(['ListParticipants', 'DeleteRoom', 'ListRooms']);
  });

  it('C4 deleting a room that is not there is a success', async () => {
    await using server = await startStandIn();
    expect(await clientOf(server).hangUp(ask('delete-room'))).toEqual({ verified: true, attempts: 1, left: [] });
  });

  it('C3 T11 a deletion is tried again after 503', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller]);
    server.next('DeleteRoom', 503, 503);
    expect(await clientOf(server).hangUp(ask('delete-room'))).toMatchObject({ verified: true, attempts: 3 });
  });

  it('C3 T11 a deletion is tried again after an attempt without an answer', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller]);
    server.next('DeleteRoom', 'hang');
    expect(await clientOf(server, { attemptMs: SILENT_MS }).hangUp(ask('delete-room'))).toMatchObject({
      verified: true,
      attempts: 2,
    });
    expect(count(server, 'DeleteRoom')).toBe(2);
  });

  it('C3 T52 a deletion is not sent again when the silent attempt has worked', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller]);
    server.next('DeleteRoom', 'hang-but-do');
    expect(await clientOf(server, { attemptMs: SILENT_MS }).hangUp(ask('delete-room'))).toMatchObject({
      verified: true,
      attempts: 2,
    });
    expect(count(server, 'DeleteRoom')).toBe(1);
  });

  it('C3 a deletion that the server only claims to have done is not verified until the room is gone', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller]);
    server.next('DeleteRoom', 'ghost');
    expect(await clientOf(server).hangUp(ask('delete-room'))).toMatchObject({ verified: true, attempts: 2 });
    expect(server.rooms.has('r')).toBe(false);
  });

  it('C3 T11 a deletion that is stopped by its signal says who is left', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, agent]);
    server.next('DeleteRoom', ...Array.from({ length: 50 }, () => 'ghost' as const));
    const stop = new AbortController();
    const hangingUp = clientOf(server).hangUp(ask('delete-room', { signal: stop.signal }));
    await expect.poll(() => count(server, 'ListParticipants'), { timeout: 10_000 }).toBeGreaterThan(1);
    stop.abort();
    const result = await hangingUp;
    expect(result).toMatchObject({ verified: false, left: ['caller', 'agent'] });
    expect(result.error).toContain('still listed');
  });

  it('H5 C3 a deletion settles when its signal says stop, with a server that never answers', async () => {
    await using server = await startStandIn();
    server.next('DeleteRoom', 'hang', 'hang', 'hang', 'hang');
    server.next('ListRooms', 'hang', 'hang', 'hang', 'hang');
    const stop = new AbortController();
    const attemptMs = 8_000;
    const began = performance.now();
    const hangingUp = clientOf(server, { attemptMs }).hangUp(ask('delete-room', { signal: stop.signal }));
    await expect.poll(() => count(server, 'DeleteRoom'), { timeout: 10_000 }).toBe(1);
    stop.abort();
    expect(await hangingUp).toMatchObject({ verified: false, error: expect.stringContaining('stopped') });
    expect(performance.now() - began).toBeLessThan(attemptMs);
  });

  it('makes no request when the signal has stopped already', async () => {
    await using server = await startStandIn();
    const result = await clientOf(server).hangUp(ask('delete-room', { signal: AbortSignal.abort() }));
    expect(result).toEqual({ verified: false, attempts: 0, left: [], error: 'stopped before the first attempt' });
    expect(server.asked).toEqual([]);
  });

  it('T52 a deletion is in flight once for a room, whoever asks', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller]);
    server.slowDeletion(60);
    const rooms = clientOf(server);
    const results = await Promise.all([1, 2, 3].map(() => rooms.hangUp(ask('delete-room'))));
    expect(results.map(({ verified }) => verified)).toEqual([true, true, true]);
    expect(server.mostDeletions()).toBe(1);
    expect(count(server, 'DeleteRoom')).toBe(1);
  });

  it('of two rooms goes on side by side', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', []).set('s', []);
    server.slowDeletion(60);
    await Promise.all(['r', 's'].map((room) => clientOf(server).hangUp(ask('delete-room', { room }))));
    expect(server.mostDeletions()).toBe(2);
  });
});

describe('a telephone in a room that is deleted', () => {
  const roomOf = (server: StandIn) => server.rooms.set('r', [phone, caller, agent]);

  it('A25 a telephone is removed before its room is deleted, so that its BYE carries the headers of the call', async () => {
    await using server = await startStandIn();
    roomOf(server);
    const result = await clientOf(server).hangUp(ask('delete-room', { sip: ['phone'] }));
    expect(result).toEqual({ verified: true, attempts: 1, left: [] });
    expect(server.asked).toEqual(['RemoveParticipant phone', 'DeleteRoom', 'ListRooms']);
  });

  it('A25 telephones are looked for when nobody says who they are', async () => {
    await using server = await startStandIn();
    roomOf(server);
    expect(await clientOf(server).hangUp(ask('delete-room'))).toMatchObject({ verified: true });
    expect(server.asked).toEqual(['ListParticipants', 'RemoveParticipant phone', 'DeleteRoom', 'ListRooms']);
  });

  it('A25 a room without a telephone is deleted without another request', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, agent]);
    await clientOf(server).hangUp(ask('delete-room', { sip: [] }));
    expect(server.asked).toEqual(['DeleteRoom', 'ListRooms']);
  });

  describe('A25 C3 a telephone that cannot be removed does not keep the room, in the same attempt', () => {
    it.each([503, 404, 'hang', 'ghost'] as const)('%s', async (how) => {
      await using server = await startStandIn();
      roomOf(server);
      server.next('RemoveParticipant', how);
      const hangUp = clientOf(server, { attemptMs: 1_000 }).hangUp(ask('delete-room', { sip: ['phone'] }));
      expect(await hangUp).toMatchObject({ verified: true, attempts: 1 });
      expect(server.rooms.has('r')).toBe(false);
    });
  });

  it('A25 C3 a telephone that cannot be removed takes half of an attempt at most, so that the deletion comes before the deadline', async () => {
    await using server = await startStandIn();
    roomOf(server);
    server.next('RemoveParticipant', 'hang');
    const request = ask('delete-room', { sip: ['phone'], signal: AbortSignal.timeout(1_900) });
    expect(await clientOf(server, { attemptMs: 2_000 }).hangUp(request)).toMatchObject({ verified: true });
  });

  it('A25 a telephone that nobody can list does not keep the room either', async () => {
    await using server = await startStandIn();
    roomOf(server);
    server.next('ListParticipants', 'hang');
    const hangUp = clientOf(server, { attemptMs: 1_000 }).hangUp(ask('delete-room'));
    expect(await hangUp).toMatchObject({ verified: true, attempts: 1 });
  });
});

describe('a room that was made anew under the same name', () => {
  it('C5 a room that is made anew in the middle of a deletion is another call: it stays, and the hang-up is verified', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, agent]);
    server.next('DeleteRoom', 'hang-but-do');
    const rooms = clientOf(server, { attemptMs: SILENT_MS });
    const hangingUp = rooms.hangUp(ask('delete-room', { roomSid: 'RM_r', sip: [] }));
    await expect.poll(() => server.rooms.has('r'), { timeout: 10_000 }).toBe(false);
    server.rooms.set('r', [caller]);
    server.sids.set('r', 'RM_anew');
    expect(await hangingUp).toMatchObject({ verified: true });
    expect(server.rooms.get('r')).toEqual([caller]);
    expect(count(server, 'DeleteRoom')).toBe(1);
  });

  describe('C5 a room that is made anew between two attempts is left alone', () => {
    it.each(['remove-sip', 'remove-caller', 'leave'] as const)('%s', async (strategy) => {
      await using server = await startStandIn();
      server.rooms.set('r', [phone, agent]);
      server.sids.set('r', 'RM_anew');
      server.next('RemoveParticipant', 503);
      const who = { caller: 'phone', agent: 'agent', roomSid: 'RM_r' };
      expect(await clientOf(server).hangUp(ask(strategy, who))).toMatchObject({
        verified: true,
        attempts: 2,
        left: [],
      });
      expect(server.rooms.get('r')).toHaveLength(2);
    });
  });
});

describe('C3 a refused key is not tried again, and is said once, loudly', () => {
  for (const status of [401, 403]) {
    it(`with ${status}`, async () => {
      await using server = await startStandIn();
      for (const method of ['DeleteRoom', 'ListParticipants']) server.next(method, status, status);
      const said: string[] = [];
      const rooms = clientOf(server, { log: { error: (_, message) => void said.push(message) } });
      const result = await rooms.hangUp(ask('delete-room'));
      await rooms.hangUp(ask('delete-room'));
      expect(result).toMatchObject({ verified: false, attempts: 1 });
      expect(result.error).toContain('LIVEKIT_API_KEY');
      expect(said).toEqual([result.error]);
    });
  }
});

it('a token that the server repeats does not get into the result', async () => {
  await using server = await startStandIn();
  server.next('DeleteRoom', { status: 401, message: 'invalid token: eyJhbGciOi.eyJ2aWRl.u0fQ-dB_7, error: signature' });
  const { error } = await clientOf(server).hangUp(ask('delete-room'));
  expect(error).toContain('invalid token: (token), error');
});

describe('removing the SIP participant', () => {
  it('C5 remove-sip leaves the others in the room and says so', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, phone, agent]);
    expect(await clientOf(server).hangUp(ask('remove-sip'))).toEqual({
      verified: true,
      attempts: 1,
      left: ['caller', 'agent'],
    });
    expect(count(server, 'DeleteRoom')).toBe(0);
  });

  it('C3 remove-sip removes the other one when one of two cannot be removed', async () => {
    await using server = await startStandIn();
    const second: Participant = { identity: 'phone-2', sid: 'PA_4', kind: 'SIP' };
    server.rooms.set('r', [phone, second]);
    server.next(
      'RemoveParticipant',
      ...Array.from({ length: 40 }, (_, index) => (index === 1 ? 'ghost' : 503) as 503 | 'ghost'),
    );
    const stop = new AbortController();
    const hangingUp = clientOf(server).hangUp(ask('remove-sip', { signal: stop.signal }));
    await expect.poll(() => count(server, 'RemoveParticipant'), { timeout: 10_000 }).toBeGreaterThan(2);
    stop.abort();
    const result = await hangingUp;
    expect(result).toMatchObject({ verified: false, left: ['phone', 'phone-2'] });
    expect(server.asked).toContain('RemoveParticipant phone-2');
  });

  it('C4 remove-sip is verified when the room is gone', async () => {
    await using server = await startStandIn();
    expect(await clientOf(server).hangUp(ask('remove-sip'))).toMatchObject({ verified: true, left: [] });
  });

  it('C3 remove-sip is tried again when the participant is still listed', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [phone]);
    server.next('RemoveParticipant', 'ghost');
    expect(await clientOf(server).hangUp(ask('remove-sip'))).toMatchObject({ verified: true, attempts: 2 });
  });
});

describe('removing the caller', () => {
  it('C5 remove-caller removes the linked one only', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, phone, agent]);
    const result = await clientOf(server).hangUp(ask('remove-caller', { caller: 'phone' }));
    expect(result).toMatchObject({ verified: true, left: ['caller', 'agent'] });
  });

  it('takes the only person there when none was linked', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [phone, agent]);
    expect(await clientOf(server).hangUp(ask('remove-caller'))).toMatchObject({ verified: true, left: ['agent'] });
  });

  it('C5 remove-caller guesses nobody among several', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, phone]);
    const result = await clientOf(server).hangUp(ask('remove-caller'));
    expect(result).toMatchObject({ verified: false, attempts: 1 });
    expect(server.rooms.get('r')).toHaveLength(2);
  });
});

describe('leaving', () => {
  it("C5 leave removes the agent's own participant alone", async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, agent]);
    const result = await clientOf(server).hangUp(ask('leave', { agent: 'agent' }));
    expect(result).toMatchObject({ verified: true, left: ['caller'] });
  });

  it('without an identity claims nothing', async () => {
    await using server = await startStandIn();
    expect(await clientOf(server).hangUp(ask('leave'))).toMatchObject({ verified: false });
  });
});

it('a strategy that this version does not know is never called verified, and nobody is removed', async () => {
  await using server = await startStandIn();
  server.rooms.set('r', [caller, agent]);
  const result = await clientOf(server).hangUp(ask('of-a-later-version' as 'leave', { agent: 'agent' }));
  expect(result).toMatchObject({ verified: false, attempts: 1, error: expect.stringMatching(/of-a-later-version/) });
  expect(server.rooms.get('r')).toHaveLength(2);
});

describe('the other calls', () => {
  it('occupants are listed by kind, and a missing room is empty', async () => {
    await using server = await startStandIn();
    server.rooms.set('r', [caller, phone, agent]);
    const rooms = clientOf(server);
    expect((await rooms.occupants('r', AbortSignal.timeout(10_000))).map(({ kind }) => kind)).toEqual([
      'standard',
      'sip',
      'agent',
    ]);
    expect(await rooms.occupants('none', AbortSignal.timeout(10_000))).toEqual([]);
  });

  it('C4 removing somebody who is gone is a success', async () => {
    await using server = await startStandIn();
    await expect(clientOf(server).remove('r', 'ghost', AbortSignal.timeout(10_000))).resolves.toBeUndefined();
  });

  it('a dispatch without an answer is not repeated, for two dispatches are two agents', async () => {
    await using server = await startStandIn();
    server.next('CreateDispatch', 'hang');
    const dispatching = clientOf(server, { attemptMs: SILENT_MS }).dispatch('r', '', '{}', AbortSignal.timeout(10_000));
    await expect(dispatching).rejects.toThrow(RoomsError);
    expect(count(server, 'CreateDispatch')).toBe(1);
  });

  it('a dispatch of ours asks LiveKit not to begin its job again: who follows a job that died is up to the keeper', async () => {
    await using server = await startStandIn();
    await clientOf(server).dispatch('r', 'ada', '{}', AbortSignal.timeout(10_000));
    expect(server.called).toMatchObject([{ agentName: 'ada', metadata: '{}', restartPolicy: 'JRP_NEVER' }]);
  });

  it('C6 a dispatch is deleted once: whoever comes second is told so, and who got no answer the first time is not', async () => {
    await using server = await startStandIn();
    const both = () => server.dispatches.set('r', [{ id: 'AD_1', agentName: 'ada' }]);
    const rooms = clientOf(server, { attemptMs: SILENT_MS });
    const undispatch = () => rooms.undispatch('r', 'AD_1', AbortSignal.timeout(10_000));
    both();
    expect([await undispatch(), await undispatch()]).toEqual([true, false]);
    both();
    server.next('DeleteDispatch', 'hang-but-do');
    expect(await undispatch()).toBe(true);
  });

  it('a server that is not there is an error that names the cause, when the signal stops', async () => {
    const server = await startStandIn();
    await server[Symbol.asyncDispose]();
    const result = await clientOf(server).hangUp(ask('delete-room', { signal: AbortSignal.timeout(1_500) }));
    expect(result).toMatchObject({ verified: false, error: expect.stringContaining('ECONNREFUSED') });
    expect(result.attempts).toBeGreaterThan(1);
  });
});
