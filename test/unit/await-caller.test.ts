/** `greeting: 'agent'`: `start(call)` is asked for when the caller is there, for it may look at them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { awaitCaller } from '../../src/livekit/act/await-caller.ts';
import type { CallerWish } from '../../src/livekit/caller/choice.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const gate = () => {
  let resolve = () => {};
  return { promise: new Promise<void>((open) => (resolve = open)), resolve: () => resolve() };
};

/** @param start what `start(call)` gives, asked with the caller that is linked then */
function waiting(start: (caller: string | undefined) => unknown) {
  const wishes: CallerWish[] = [];
  const sent: { type: string; end?: { reason: string; detail?: string } }[] = [];
  const noted: object[] = [];
  let caller: { identity: string } | undefined;
  const [somebody, linked] = [gate(), gate()];
  const job = {
    definition: {
      greeting: 'agent',
      start: () => start(caller?.identity),
      policy: { callerJoinMs: 10_000, connectMs: 50 },
      hangUp: { normal: 'delete-room' },
      ofCall: { limits: {} },
    },
    call: {},
    run: { send: (event: (typeof sent)[0]) => sent.push(event), context: () => ({}) },
    recorder: { append: (_kind: string, data: object) => noted.push(data) },
    log: { error: () => {} },
    venue: {
      somebody: () => somebody.promise,
      linked: () => linked.promise,
      caller: () => caller,
      isCallerThere: () => caller !== undefined,
      expectCaller: (wish: CallerWish) => wishes.push(wish),
      awaitCaller: () => linked.promise.then(() => caller),
      whoIsThere: () => 'nobody was there',
    },
  } as unknown as LiveJob;
  const stop = new AbortController();
  return {
    job,
    wishes,
    sent,
    noted,
    awaited: awaitCaller(job, stop.signal),
    observerComes: () => somebody.resolve(),
    callerComes: () => {
      caller = { identity: 'caller' };
      somebody.resolve();
      linked.resolve();
    },
  };
}

test('O-C2 what it says is asked for once, with the caller there', async () => {
  const asked: unknown[] = [];
  const { awaited, callerComes, wishes } = waiting((caller) => {
    asked.push(caller);
    return { inputOptions: { participantIdentity: caller } };
  });
  callerComes();
  expect(await awaited).toEqual({ identity: 'caller' });
  expect([asked, wishes]).toEqual([['caller'], [{ identity: 'caller' }]]);
});

test('O-C2 only others are there: asked without a caller, and again with one, where it wants one or names nobody', async () => {
  for (const start of [
    (caller: string | undefined) => ({ record: (caller as string).length > 9 }),
    (caller: string | undefined) => ({ inputOptions: { audioSampleRate: caller === undefined ? 1 : 2 } }),
  ]) {
    const { awaited, observerComes, callerComes, job, noted } = waiting(start);
    observerComes();
    await vi.advanceTimersByTimeAsync(0);
    expect(job.startOptions).toBeUndefined();
    callerComes();
    await awaited;
    expect(job.startOptions).toEqual(start('caller'));
    expect(noted).toEqual([]); // that it threw without a caller is no error
  }
});

test('O-C2 only others are there, and one of them is named: nobody else is waited for', async () => {
  const { observerComes, wishes } = waiting(() => ({ inputOptions: { participantIdentity: 'agent-2' } }));
  observerComes();
  await vi.advanceTimersByTimeAsync(0);
  expect(wishes).toEqual([{ identity: 'agent-2' }]);
});

test('O-C2 what it says cannot be: a failed start, in words', async () => {
  const { awaited, callerComes, noted } = waiting(() => ({ inputOptions: { participantIdentity: 7 } }));
  callerComes();
  await expect(awaited).rejects.toThrow('participantIdentity: expected the identity of the caller');
  expect(noted).toMatchObject([{ component: 'start', recoverable: false }]);
});

test('O-C2 it hangs: given up after connectMs, and the report says so', async () => {
  const { awaited, callerComes, noted } = waiting(() => new Promise(() => {}));
  const outcome = expect(awaited).rejects.toThrow();
  callerComes();
  await outcome;
  expect(noted).toMatchObject([{ component: 'start', message: 'it had not settled when its time was over' }]);
});

test('nobody comes: said just before the machine would say it, with who was there instead', async () => {
  const { sent } = waiting(() => ({}));
  await vi.advanceTimersByTimeAsync(9999);
  expect(sent).toMatchObject([
    { type: 'caller.left', end: { by: 'limit', reason: 'never_joined', detail: 'nobody was there' } },
  ]);
});
