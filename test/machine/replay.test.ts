/** A journal walked again: the same states, whatever they were; and whatever is not the same is found. */
import { describe, expect, test } from 'vitest';
import { differences as between, endOf, replay, type ReplayEntry } from '../../machines/index.ts';
import { build } from '../../src/session/machines-build.ts';
import { VirtualSession } from '../contract/virtual-session.ts';

const differences = (all: readonly ReplayEntry[], of = build) => between(all, replay(all, of));

/** Somebody asks, waits for a filler, is answered, says nothing for a while, and the agent ends the call. */
async function recordedCall(): Promise<ReplayEntry[]> {
  const call = await new VirtualSession().converse();
  call.send({ type: 'caller.speaks' });
  call.send({ type: 'caller.stopped', endpointingMs: 500 });
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  call.send({ type: 'tool.started' });
  await call.clock.advance(8_000);
  call.send({ type: 'tool.ended' });
  call.send({ type: 'answer.moved', awaits: 'tts' });
  call.send({ type: 'agent.audible' });
  call.send({ type: 'dialogue.moved' });
  await call.clock.advance(20_000);
  call.send({ type: 'session.end', end: endOf('agent', 'done'), drain: true });
  await call.report();
  return call.entries;
}
const entries = await recordedCall();
const isReceived = ({ kind, data }: ReplayEntry) =>
  kind === 'event' ||
  kind === 'limit' ||
  (kind === 'effect' && /settled|failed/.test((data as { phase: string }).phase));
/** Two entries change places, their numbers stay. */
const swapped = (all: readonly ReplayEntry[], one: number, other: number): ReplayEntry[] =>
  all.map((entry, index) => {
    const from = all[index === one ? other : index === other ? one : index] ?? entry;
    return { ...entry, kind: from.kind, data: from.data };
  });
const withData = (at: number, change: object): ReplayEntry[] =>
  entries.map((entry, index) => (index === at ? { ...entry, data: { ...(entry.data as object), ...change } } : entry));

describe('a journal replays', () => {
  test('with its transitions taken out: the states and digests that come out are those that were recorded', () => {
    const inbox = entries.map((entry) => (entry.kind === 'transition' ? { ...entry, kind: 'log', data: {} } : entry));
    const [run, ...more] = replay(inbox, build);
    expect(more).toEqual([]);
    expect(run?.refused).toBeUndefined();
    expect(differences(entries)).toEqual([]);
    const recorded = entries.flatMap(({ kind, data }) =>
      kind === 'transition' ? [data as { to: string[]; digest: string }] : [],
    );
    const walked = run?.steps.filter(({ states }, at) => states.join() !== run.steps[at - 1]?.states.join()) ?? [];
    expect(walked.map(({ states, digest }) => ({ to: states, digest }))).toEqual(
      recorded.map(({ to, digest }) => ({ to, digest })),
    );
    expect(walked.at(-1)?.states).toEqual(['closed']);
  });

  test('as far as a process that died had come', () => {
    for (const length of [3, 10, 25, 40]) expect(differences(entries.slice(0, length))).toEqual([]);
  });

  test('and two entries that have changed places are found', () => {
    const received = entries.flatMap((entry, index) => (isReceived(entry) ? [index] : []));
    const pairs = received.slice(1).map((index, at) => [received[at] ?? 0, index] as const);
    const found = pairs.filter(([one, other]) => differences(swapped(entries, one, other), build).length > 0);
    // What is the same, or says nothing where it comes, may change places unseen: a line that is heard by itself.
    const silent = pairs.filter((pair) => !found.includes(pair)).map((pair) => pair.map((at) => entries[at]?.data));
    expect(found.length).toBeGreaterThan(20);
    for (const pair of silent) expect(JSON.stringify(pair)).toContain('line.audible');
  });

  test('and an input, an output, a limit or a context that is another one is found', () => {
    const find = (wanted: (entry: ReplayEntry) => boolean) => entries.findIndex(wanted);
    const began = find(({ kind }) => kind === 'machine.began');
    const { input } = (entries[began] as ReplayEntry).data as { input: object };
    expect(differences(withData(began, { input: { ...input, goodbye: false } }))).not.toEqual([]);
    const stopped = find(({ data }) => (data as { type?: string }).type === 'caller.stopped');
    expect(differences(withData(stopped, { endpointingMs: 700 }))).not.toEqual([]);
    const limit = find(({ kind }) => kind === 'limit');
    expect(differences(withData(limit, { limit: 'turnMs' }))).toEqual([
      expect.stringMatching(/the limit turnMs of "[a-zA-Z.]+" is not armed/),
    ]);
  });
});

test('a journal that holds rubbish is refused, and nothing is thrown', () => {
  const rubbish = [null, 7, [], {}, { state: 7 }, { limit: {}, state: 'live.nowhere' }, { of: -1, times: 1e9 }];
  for (const data of rubbish)
    for (const kind of ['machine.began', 'event', 'limit', 'effect', 'again', 'step', 'transition'])
      for (const begun of [[], entries.slice(0, 12)])
        expect(() => differences([...begun, { seq: begun.length + 1, kind, data }])).not.toThrow();
});

describe('is not replayed, with a reason', () => {
  test('what another build of the machines wrote', () => {
    const [run] = replay(entries, 'another');
    expect(run).toMatchObject({ machine: 'session', steps: [], refused: { kind: 'another-build' } });
    expect(run?.refused?.why).toBe(`another build of the machines wrote it: ${build}, and this one is another`);
    expect(differences(entries, 'another')).toEqual([]);
  });

  test('what comes after a hole', () => {
    const [run] = replay([...entries.slice(0, 30), ...entries.slice(31)], build);
    expect(run?.refused).toEqual({ seq: 32, kind: 'incomplete', why: 'entries are missing before 32' });
    expect(run?.steps.at(-1)?.seq).toBeLessThan(31);
  });

  test('what an earlier version wrote: it does not say how it began', () => {
    expect(
      replay(
        entries.filter(({ kind }) => kind !== 'machine.began').map((entry, at) => ({ ...entry, seq: at + 1 })),
        build,
      ),
    ).toEqual([]);
  });
});

test('two limits of one name in two regions are told apart', async () => {
  const call = await new VirtualSession({
    policy: { maxDurationMs: 70_000, windDownMs: 30_000, firstAudioMs: 3_000, rungMs: 1_500 },
    isMute: (line) => line === 'filler' || line === 'windDown',
  }).converse();
  await call.clock.advance(40_000 - 4_000 - call.clock.now);
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  await call.report();
  const passed = call.entries.flatMap((entry, at) =>
    entry.kind === 'limit' && entry.data.limit === 'rungMs' ? [{ at, ...entry.data }] : [],
  );
  const [first, second] = passed;
  expect(new Set(passed.map(({ state }) => state)).size).toBeGreaterThan(1);
  expect(differences(call.entries)).toEqual([]);
  expect(differences(swapped(call.entries, first?.at ?? 0, second?.at ?? 0))).not.toEqual([]);
});
