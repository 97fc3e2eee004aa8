import { expect, test } from 'vitest';
import { effectsOf } from '../../src/livekit/act/effects.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';

const drainOf = (job: Pick<LiveJob, 'speeches' | 'tools'>, signal: AbortSignal) =>
  effectsOf({ session: undefined, ...job } as LiveJob, undefined, async () => {}).drain(undefined, {
    signal,
    send: () => {},
  });

test('B6 T5 a speech that refuses to be waited for does not freeze the process: the deadline still comes', async () => {
  const refusing = { waitForPlayout: () => Promise.reject(new Error('planted')) };
  const deadline = AbortSignal.timeout(50);
  const drained = drainOf({ speeches: new Set([refusing as never]), tools: new Set() }, deadline);
  await drained.catch(() => {});
  expect(deadline.aborted).toBe(true);
});

test('what a tool says while the session drains is waited for, too', async () => {
  const { promise: spoken, resolve: finish } = deferred();
  const speeches = new Set<never>();
  const tools = new Set<Promise<unknown>>();
  const tool = Promise.resolve().then(() => {
    tools.delete(tool);
    speeches.add({ waitForPlayout: () => spoken.then(() => speeches.clear()) } as never);
    setTimeout(finish, 20);
  });
  tools.add(tool);
  await drainOf({ speeches, tools }, AbortSignal.timeout(5_000));
  expect(speeches.size + tools.size).toBe(0);
});

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
}
