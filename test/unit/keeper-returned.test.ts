/** Callers who come back after LiveKit was away: rooms on a virtual clock. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchReturned } from '../../src/keeper/returned.ts';
import type { HangUpRequest, Occupant } from '../../src/rooms/rooms.ts';

const caller: Occupant = { identity: 'caller', sid: 'PA_1', kind: 'standard' };
const agent: Occupant = { identity: 'agent', sid: 'PA_2', kind: 'agent' };
let occupants: Occupant[] | undefined;
let hangUps: HangUpRequest[];
let isServed: boolean;
let requests: number;
let returned: ReturnType<typeof watchReturned>;
beforeEach(() => {
  vi.useFakeTimers();
  [occupants, hangUps, isServed, requests] = [undefined, [], false, 0];
  returned = watchReturned({
    rooms: () => ({
      sidOf: () => {
        requests += 1;
        return Promise.resolve(occupants && 'RM_anew');
      },
      occupants: () => Promise.resolve(occupants ?? []),
      hangUp: (request) => {
        hangUps.push(request);
        return Promise.resolve({ verified: true, attempts: 1, left: [] });
      },
    }),
    isServed: () => isServed,
    log: pino({ level: 'silent' }),
    now: () => Date.now(),
  });
  returned.expect({ room: 'support', caller: 'caller' });
});
afterEach(() => {
  returned.stop();
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('T32 D9 a caller who comes back to a room that was made anew is let go within four seconds', async () => {
  await pass(6_000);
  occupants = [caller];
  await pass(4_000);
  expect(hangUps).toMatchObject([{ room: 'support', strategy: 'delete-room' }]);
  const asked = requests;
  await pass(60_000);
  expect(requests).toBe(asked);
});

test('T32 nobody who came back is let go for nothing: another caller, a caller with an agent, a session of ours', async () => {
  occupants = [{ ...caller, identity: 'another' }];
  await pass(6_000);
  occupants = [caller, agent];
  await pass(6_000);
  [occupants, isServed] = [[caller], true];
  await pass(60_000);
  expect(hangUps).toEqual([]);
});

test('T32 a caller whose agent comes a moment after them is left alone', async () => {
  await pass(1_000);
  occupants = [caller];
  await pass(1_500);
  occupants = [caller, agent];
  await pass(60_000);
  expect(hangUps).toEqual([]);
});

test('T32 nobody is looked for longer than a client tries, nor after the keeper has ended', async () => {
  await pass(62_000);
  const asked = requests;
  await pass(60_000);
  expect(requests).toBe(asked);
  returned.expect({ room: 'support', caller: 'caller' });
  returned.stop();
  await pass(60_000);
  expect(requests).toBe(asked);
});
