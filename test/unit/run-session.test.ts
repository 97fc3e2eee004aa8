/** One machine at work on a virtual clock: what is journaled, what is survived. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import {
  bound,
  defaultPolicy,
  differences,
  endOf,
  leavesOf,
  replay,
  type Effects,
  type Policy,
  type SessionEvent,
} from '../../machines/index.ts';
import type { EntryData, EntryKind } from '../../src/journal/entry.ts';
import type { Log, Recorder } from '../../src/session/ports.ts';
import { build } from '../../src/session/machines-build.ts';
import { runSession, type SessionEffects } from '../../src/session/run.ts';
import { effectsDone as done, never } from './effects-done.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

function virtualClock() {
  let now = 0;
  let ids = 0;
  const timers = new Map<number, { at: number; fire: () => void }>();
  return {
    clock: {
      setTimeout: (fire: () => void, ms: number) => {
        timers.set((ids += 1), { at: now + ms, fire });
        return ids;
      },
      clearTimeout: (id: unknown) => void timers.delete(id as number),
    },
    now: () => now,
    /** Fires the next timer. */
    next: async (): Promise<boolean> => {
      for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
      const [first] = [...timers].sort(([, one], [, other]) => one.at - other.at);
      if (!first) return false;
      timers.delete(first[0]);
      now = first[1].at;
      first[1].fire();
      for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
      return true;
    },
  };
}

function journal() {
  const entries: { kind: EntryKind; data: EntryData[EntryKind] }[] = [];
  const recorder: Recorder = {
    append: (kind, data) => entries.push({ kind, data }),
    durable: () => Promise.resolve(),
  };
  return { entries, recorder };
}

const start = (effects: SessionEffects, policy: Partial<Policy> = {}) => {
  const { clock, next, now } = virtualClock();
  const { entries, recorder } = journal();
  const run = runSession({
    input: { policy: { ...defaultPolicy, ...policy }, resumed: false, elapsedMs: 0, greeting: 'say', goodbye: true },
    recorder,
    log: quiet,
    clock: clock as never,
  });
  run.start(effects);
  return { run, entries, next, now };
};
const settle = async () => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

test('every event is in the journal before the machine has moved, every effect with its phases', async () => {
  const { run, entries } = start(done);
  await settle();
  run.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true });
  const { end } = await run.closed;
  expect(end?.reason).toBe('agent_ended');
  expect(run.stage()).toBe('conversing');
  const kinds = entries.map(({ kind, data }) => (kind === 'event' ? `event ${(data as { type: string }).type}` : kind));
  const asked = kinds.indexOf('event session.end');
  expect(kinds.slice(asked).indexOf('transition')).toBeGreaterThan(0);
  const phases = entries.flatMap(({ kind, data }) =>
    kind === 'effect' ? [`${(data as EntryData['effect']).name} ${(data as EntryData['effect']).phase}`] : [],
  );
  for (const name of [
    'connect',
    'startSession',
    'awaitCaller',
    'drain',
    'interrupt',
    'hangUp',
    'close',
    'sendReport',
  ]) {
    expect(phases.filter((each) => each.startsWith(`${name} `))).toEqual([`${name} requested`, `${name} settled`]);
  }
});

test('B6 with every effect hung, closed is reached by timers alone, within the computed bound', async () => {
  const hung = Object.fromEntries(Object.keys(done).map((name) => [name, never])) as unknown as SessionEffects;
  const { run, next, now } = start(hung);
  const seen = { closed: false };
  void run.closed.then(() => (seen.closed = true));
  while (!seen.closed && (await next()));
  expect(seen.closed).toBe(true);
  expect(now()).toBeLessThanOrEqual(bound(defaultPolicy, 'session.live.connecting'));
});

test('E5 an effect that settles after the machine went on is journaled as late and changes nothing', async () => {
  let settleLate: (heard: Effects['speak']['output']) => void = () => {};
  const { run, entries } = start({
    ...done,
    speak: (speech) =>
      speech.line === 'greeting' ? new Promise((resolve) => (settleLate = resolve)) : done.speak(speech, {} as never),
  });
  await settle();
  run.send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
  await run.closed;
  settleLate({ heardMs: 5 });
  await settle();
  const phases = entries.flatMap(({ kind, data }) =>
    kind === 'effect' && (data as EntryData['effect']).line === 'greeting' ? [(data as EntryData['effect']).phase] : [],
  );
  expect(phases).toEqual(['requested', 'aborted', 'late']);
  expect(run.context().end?.reason).toBe('caller_hung_up');
});

test('B14 asked 300 times in a row to end, the session ends once, for the first reason', async () => {
  const { run, entries } = start(done);
  await settle();
  for (let time = 0; time < 300; time += 1)
    run.send({ type: 'session.end', end: endOf('agent', `reason ${time}`), drain: true });
  const context = await run.closed;
  expect(context.end?.reason).toBe('reason 0');
  const goodbyes = entries.filter(
    ({ kind, data }) =>
      kind === 'effect' &&
      (data as EntryData['effect']).line === 'goodbye' &&
      (data as EntryData['effect']).phase === 'requested',
  );
  expect(goodbyes).toHaveLength(1);
});

test('what is no event is ignored, and the call goes on', async () => {
  const { run } = start(done);
  await settle();
  for (const rubbish of [null, undefined, 5, 'caller.left', {}, { type: 5 }, [], Symbol('x')])
    run.send(rubbish as never);
  expect(run.leaves()).toContain('live.conversing.dialogue.active.agentSpeaks');
  run.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: false });
  expect((await run.closed).end?.reason).toBe('agent_ended');
});

test('E5 events after closed are ignored, also hostile ones', async () => {
  const { run, entries } = start(done);
  await settle();
  run.send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
  await run.closed;
  const before = entries.length;
  run.send({ type: 'caller.returned' });
  run.send(null as never);
  expect(entries).toHaveLength(before);
});

test('an effect that throws what cannot be printed fails like any other', async () => {
  const unprintable = Object.defineProperty({}, 'message', {
    get: () => {
      throw new Error('no');
    },
  });
  const { run, entries } = start({ ...done, startSession: () => Promise.reject(unprintable) });
  const { end } = await run.closed;
  expect(end?.reason).toBe('startup_failed');
  expect(entries.some(({ kind, data }) => kind === 'effect' && (data as EntryData['effect']).phase === 'failed')).toBe(
    true,
  );
});

test('a state value becomes its leaves', () => {
  expect(leavesOf('closed')).toEqual(['closed']);
  expect(leavesOf({ live: { conversing: { dialogue: 'active', work: 'none' } } })).toEqual([
    'live.conversing.dialogue.active',
    'live.conversing.work.none',
  ]);
});

test('B8 an end that a tool asks for is carried out outside of the tool: there the SDK refuses to wait for its speech', async () => {
  const toolAtWork = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const drain = async () => void seen.push(toolAtWork.getStore());
  const { run } = start({ ...done, drain });
  await settle();
  toolAtWork.run('end_session', () =>
    run.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true }),
  );
  await run.closed;
  expect(seen).toEqual([undefined]);
});

test('E1 five reasons to end in one tick, in all 120 orders: the first is the reason, the others stand beside it', async () => {
  const triggers: SessionEvent[] = [
    { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true },
    { type: 'session.end', end: endOf('limit', 'max_duration'), drain: true },
    { type: 'caller.left', end: endOf('caller', 'caller_hung_up') },
    { type: 'session.failed', end: endOf('system', 'model_failed', 'provider') },
    { type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 25_000 },
  ];
  const reasonOf = (event: SessionEvent) => ('end' in event ? event.end.reason : '');
  for (const order of ordersOf(triggers)) {
    const { run, entries } = start(done);
    await settle();
    for (const event of order) run.send(event);
    const { end, alsoTriggered } = await run.closed;
    expect([end?.reason, ...alsoTriggered.map(({ reason }) => reason)]).toEqual(order.map(reasonOf));
    expect(requested(entries, 'hangUp')).toBe(1);
    expect(requested(entries, 'sendReport')).toBe(1);
  }
});

test('E6 idle and the longest duration at the same instant: one of them ends the call, the other is forgotten', async () => {
  const { run, entries, next, now } = start(done, { nudges: 0, idleMs: 1000, maxDurationMs: 1000, windDownMs: 400 });
  await settle();
  const seen = { closed: false };
  void run.closed.then(() => (seen.closed = true));
  while (!seen.closed && (await next()));
  const { end, alsoTriggered } = run.context();
  expect(['idle', 'max_duration']).toContain(end?.reason);
  expect(alsoTriggered).toEqual([]);
  expect(now()).toBe(1000);
  expect(requested(entries, 'speak', 'goodbye')).toBe(1);
});

test('E6 every clock of the conversation runs out in the middle of the goodbye: it is played to its end', async () => {
  let finish = () => {};
  const { run, entries, next, now } = start(
    {
      ...done,
      speak: (speech, { send }) => {
        if (speech.line !== 'goodbye') return done.speak(speech, {} as never);
        send({ type: 'line.audible', line: 'goodbye', rung: 'live' });
        return new Promise((resolve) => (finish = () => resolve({ heardMs: 5000 })));
      },
    },
    { idleMs: 2000, maxDurationMs: 3000, windDownMs: 1000, goodbyeMs: 8000 },
  );
  await settle();
  run.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true });
  await settle();
  expect(run.leaves()).toEqual(['exiting.saying.playing']);
  await next(); // the only clock that still runs is the goodbye's own
  expect(now()).toBe(8000);
  finish();
  const { alsoTriggered } = await run.closed;
  expect(alsoTriggered).toEqual([]);
  expect(requested(entries, 'speak', 'nudge') + requested(entries, 'speak', 'windDown')).toBe(0);
});

const ordersOf = <Value>(values: readonly Value[]): Value[][] =>
  values.length <= 1
    ? [[...values]]
    : values.flatMap((first, index) => ordersOf(values.toSpliced(index, 1)).map((rest) => [first, ...rest]));

/** How often an effect was asked for. */
const requested = (entries: { kind: EntryKind; data: EntryData[EntryKind] }[], name: string, line?: string) =>
  entries.filter(({ kind, data }) => {
    const effect = data as EntryData['effect'];
    return kind === 'effect' && effect.name === name && effect.phase === 'requested' && effect.line === line;
  }).length;

test('what settles and what arrives in one tick is journaled as the machine saw it, and replays', async () => {
  let transferred: (output: Effects['transfer']['output']) => void = () => {};
  const { run, entries } = start({ ...done, transfer: () => new Promise((resolve) => (transferred = resolve)) });
  await settle();
  run.send({ type: 'transfer.requested', transfer: { id: 't', how: 'warm', to: 'desk' } });
  await settle();
  transferred({ outcome: 'declined' }); // settled first, and XState tells the machine some turns later
  await Promise.resolve();
  run.send({ type: 'caller.speaks' });
  run.send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
  await run.closed;
  const transfer = entries.flatMap(({ kind, data }, at) =>
    kind === 'effect' && (data as EntryData['effect']).name === 'transfer'
      ? [[(data as EntryData['effect']).phase, at] as const]
      : [],
  );
  expect(transfer.map(([phase]) => phase)).toEqual(['requested', 'aborted', 'late']);
  const numbered = entries.map((entry, at) => ({ ...entry, seq: at + 1 }));
  const replayed = replay(numbered, build);
  expect(differences(numbered, replayed)).toEqual([]);
  expect(replayed[0]?.steps.at(-1)?.states).toEqual(['closed']);
});

test('what an effect sends while the machine moves is received after it has moved', async () => {
  const { run, entries } = start({
    ...done,
    connect: async (_, { send }) => {
      send({ type: 'cores.switched', areShort: true });
      return {};
    },
  });
  await settle();
  expect(run.context().isStarved).toBe(true);
  const kinds = entries.map(({ kind }) => kind);
  expect(kinds.indexOf('event')).toBeGreaterThan(kinds.indexOf('transition'));
  expect(kinds[kinds.indexOf('event') + 1]).toBe('step');
  const numbered = entries.map((entry, at) => ({ ...entry, seq: at + 1 }));
  expect(differences(numbered, replay(numbered, build))).toEqual([]);
});

test('a healthy call is no trouble: nothing is said as an error, from its start to its report', async () => {
  const { clock, next } = virtualClock();
  const { recorder } = journal();
  const said: unknown[] = [];
  const log: Log = { ...quiet, error: (...given: unknown[]) => said.push(given) };
  const input = { policy: defaultPolicy, resumed: false, elapsedMs: 0, greeting: 'wait', goodbye: false } as const;
  const run = runSession({ input, recorder, log, clock });
  run.start(done);
  await next();
  run.send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
  await run.closed;
  expect(said).toEqual([]);
});
