/** A call is taken once there is a seat for it, and the keeper has it; LiveKit's request and the keeper are stand-ins. */
import type { JobRequest } from '@livekit/agents';
import { expect, test } from 'vitest';
import type { Link } from '../../src/link/client.ts';
import { isTooLate, seated, Seats } from '../../src/worker/seats.ts';

const nowhere = { url: 'ws://127.0.0.1:9', apiKey: 'key', apiSecret: 'secret-secret-secret-secret-secret' };
function offered(id: string) {
  const answers: string[] = [];
  const request = {
    job: { id, agentName: '', metadata: '', room: { name: id, sid: '' } },
    accept: async () => void answers.push('accepted'),
    reject: async () => void answers.push('rejected'),
  } as unknown as JobRequest;
  return { request, answers };
}
const refused: string[] = [];
const onRefused = (roomSid: string) => void refused.push(roomSid);
const keeper = (answer: boolean) => ({ offer: async () => answer, send: () => {} }) as unknown as Link;

test('O-A6 requestFuncs that all think for a while cannot pass maxCalls together', async () => {
  const running: string[] = [];
  const seats = new Seats(2, () => running);
  const all = ['AJ_1', 'AJ_2', 'AJ_3', 'AJ_4'].map(offered);
  const requests = all.map(({ request, answers }) => {
    expect(seats.isFull).toBe(false); // each was let in
    const taken = seated(request, { seats, isLate: () => false, link: keeper(true), livekit: nowhere, onRefused });
    return async () => {
      await taken.accept();
      if (answers.includes('accepted')) running.push(request.job.id);
    };
  });
  await Promise.all(requests.map((accept) => accept()));
  expect(all.map(({ answers }) => answers)).toEqual([['accepted'], ['accepted'], ['rejected'], ['rejected']]);
});

test('what the keeper declines is rejected at once, and its seat is free', async () => {
  const seats = new Seats(1, () => []);
  const { request, answers } = offered('AJ_1');
  await seated(request, { seats, isLate: () => false, link: keeper(false), livekit: nowhere, onRefused }).accept();
  expect(answers).toEqual(['rejected']);
  expect(seats.taken).toBe(0);
});

test('O-A6 what cannot begin within `startMs` is rejected at once', async () => {
  const seats = new Seats(20, () => []);
  const wait = (ms: number) => ({ expectedMs: () => ms });
  expect(isTooLate(wait(0), seats, 14_000)).toBe(false);
  expect(isTooLate(wait(11_000), seats, 14_000)).toBe(false);
  expect(isTooLate(wait(11_001), seats, 14_000)).toBe(true);
  expect(isTooLate(undefined, seats, 14_000)).toBe(false); // the SDK's own pool says nothing
  const { request, answers } = offered('AJ_1');
  await seated(request, { seats, isLate: () => true, link: keeper(true), livekit: nowhere, onRefused }).accept();
  expect(answers).toEqual(['rejected']);
});

test('C6 what the application refuses is told to the keeper; what we decline is not, for there may be room in a moment', async () => {
  refused.length = 0;
  const seats = new Seats(0, () => []);
  const theirs = offered('AJ_1');
  theirs.request.job.room = { sid: 'RM_1' } as never;
  await seated(theirs.request, {
    seats,
    isLate: () => false,
    link: keeper(true),
    livekit: nowhere,
    onRefused,
  }).reject();
  const full = offered('AJ_2');
  await seated(full.request, { seats, isLate: () => false, link: keeper(true), livekit: nowhere, onRefused }).accept();
  expect([theirs.answers, full.answers]).toEqual([['rejected'], ['rejected']]);
  expect(refused).toEqual(['RM_1']);
});
