/** Who waits for the first moments of a call that was taken over: the keeper, until its caller has heard the new job. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Tag } from '../../machines/index.ts';
import { FirstMoments } from '../../src/job/first-moments.ts';
import { pastOf, type Past } from '../../src/report/past.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const past: Past = {
  ...pastOf({ session: sessionIdOf('one'), epochs: [], keeper: [] }, 2),
  isCalm: false,
  awaited: undefined,
};
const having =
  (...tags: Tag[]) =>
  (tag: Tag) =>
    tags.includes(tag);
const isHeard = async ({ heard }: FirstMoments) => {
  let is = false;
  void heard.then(() => (is = true));
  await vi.advanceTimersByTimeAsync(0);
  return is;
};

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test.each(['line.audible', 'agent.audible'])('is heard with %s, and not before', async (type) => {
  const moments = new FirstMoments(past, false);
  moments.inStates(having());
  moments.take('event', { type: 'caller.acts' });
  expect(await isHeard(moments)).toBe(false);
  moments.take('event', { type });
  expect(await isHeard(moments)).toBe(true);
});

test.each([
  ['who was left in a calm moment', { ...past, isCalm: true }, false],
  ['a program, of whose words nobody tells,', past, true],
])('%s is heard from its beginning on', async (_what, before, isProgram) => {
  const moments = new FirstMoments(before, isProgram);
  moments.inStates(having('starting'));
  expect(await isHeard(moments)).toBe(false);
  moments.inStates(having('leaving'));
  expect(await isHeard(moments)).toBe(false);
  moments.inStates(having());
  expect(await isHeard(moments)).toBe(true);
});

test('who waits for a caller that the job before waited for is heard after a moment without one', async () => {
  const moments = new FirstMoments({ ...past, awaited: { wasThere: false } as Past['awaited'] }, false);
  const tags: Tag[] = ['starting', 'expecting'];
  moments.inStates((tag) => tags.includes(tag));
  await vi.advanceTimersByTimeAsync(249);
  expect(await isHeard(moments)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await isHeard(moments)).toBe(true);
});

test('a caller who comes within that moment has to hear it', async () => {
  const moments = new FirstMoments({ ...past, awaited: { wasThere: false } as Past['awaited'] }, false);
  const tags: Tag[] = ['starting', 'expecting'];
  moments.inStates((tag) => tags.includes(tag));
  tags.pop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(await isHeard(moments)).toBe(false);
});
