/** A call as the page has it, beside a journal that grows: whatever comes first, nothing is lost, doubled, or lit again. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { effect, signal } from '@preact/signals';
import type { Entries, EntryRow, MachineAt, Moves, Reference, StateAt } from '../../src/reads/answers.ts';
import type { Follower, PageAnswers, SessionNews } from '../../src/inspector/page/answers/page-answers.ts';
import { CallModel } from '../../src/inspector/page/model/call-model.ts';
import { litNow, litWith } from '../../src/inspector/page/place/lit-states.ts';
import { callView, type CallView } from '../../src/inspector/page/place/page-address.ts';
import { randomFrom } from '../machine/random.ts';

const session = 'AJ_watched';

/** An entry of the job is a transition to the state of its number; one of the keeper is none. */
type Written = { file: '1' | 'keeper'; seq: number; at: number };
const refOf = ({ file, seq }: Written) => `${file}:${seq}` as Reference;

/** A journal in order of time, as `src/reads/` has it, and answers about it that come when the test lets them. */
class Journal {
  readonly written: Written[] = [];
  readonly sent: (() => void)[] = [];
  follower: Follower<SessionNews> | undefined;
  #place = { '1': 0, keeper: 0 };

  write(file: Written['file'], at: number): void {
    this.written.push({ file, at, seq: this.#of(file).length + 1 });
  }
  #of(file: Written['file']): Written[] {
    return this.written.filter((each) => each.file === file);
  }
  get all(): EntryRow[] {
    return this.written
      .toSorted((one, other) => one.at - other.at || (one.file < other.file ? -1 : 1) || one.seq - other.seq)
      .map((each, index) => ({
        index,
        ref: refOf(each),
        at: each.at,
        kind: each.file === '1' ? 'transition' : 'log',
        what: '',
        text: '',
        tone: 'plain',
      }));
  }
  entries(from: number): Entries {
    const rows = this.all.slice(from);
    const position = `1:${this.#of('1').length},keeper:${this.#of('keeper').length}`;
    return { session, rows, next: null, total: this.written.length, hidden: 0, position, files: [] };
  }
  state(index = this.written.length - 1): StateAt {
    const upTo = this.all.slice(0, index + 1);
    const last = upTo.findLast(({ ref }) => ref.startsWith('1:'));
    const machines = last ? [machineAt(last.ref)] : [];
    return { session, index, ref: upTo.at(-1)?.ref ?? null, at: 0, moved: null, machines, transcript: [] };
  }
  moves(): Moves {
    const all = this.all.filter(({ kind }) => kind === 'transition');
    const moves = all.map(({ index, ref }, place) => ({
      index,
      ref,
      machine: 'session',
      event: '',
      from: [],
      to: [place],
    }));
    return { session, states: all.map(({ ref }) => ref), moves };
  }
  follow(position: string, follower: Follower<SessionNews>): void {
    const [, job = '0', keeper = '0'] = /^1:(\d+),keeper:(\d+)$/.exec(position) ?? [];
    this.#place = { '1': Number(job), keeper: Number(keeper) };
    this.follower = follower;
  }
  /** What the stream brings now: all behind what it has brought. */
  news(): SessionNews | undefined {
    const behind = this.all.filter(({ ref }) => {
      const [file, seq] = ref.split(':') as ['1' | 'keeper', string];
      return Number(seq) > this.#place[file];
    });
    this.#place = { '1': this.#of('1').length, keeper: this.#of('keeper').length };
    const last = behind.findLast(({ ref }) => ref.startsWith('1:'));
    const states = last ? [{ machine: 'session', file: '1', ref: last.ref, states: [last.ref] }] : [];
    return behind.length === 0 ? undefined : { rows: behind, states, moved: null };
  }
}
const machineAt = (ref: Reference): MachineAt => ({
  machine: 'session',
  file: '1',
  ref,
  states: [ref],
  words: '',
  context: null,
  limits: [],
  effects: [],
  source: 'replayed',
  refused: null,
});

const answersOf = (journal: Journal): PageAnswers => {
  const unasked = () => Promise.reject(new Error('nobody asks for it here'));
  return {
    isLive: false, // what is live beside the stream is a clock
    read(name, asked) {
      const { from = 0, index } = asked as { from?: number; index?: number };
      if (name !== 'entries' && name !== 'state' && name !== 'moves') return new Promise(() => undefined);
      // What was read is what stood there then; when it comes is another matter.
      const answer =
        name === 'entries' ? journal.entries(from) : name === 'moves' ? journal.moves() : journal.state(index);
      return new Promise((resolve) => void journal.sent.push(() => resolve(answer as never)));
    },
    followSession: (_session, from, follower) => {
      journal.follow(from, follower);
      return () => undefined;
    },
    followCalls: () => () => undefined,
    followSound: () => () => undefined,
    chart: unasked,
    played: () => Promise.resolve(undefined),
    play: unasked,
    act: unasked,
  };
};

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** The stream, exact states and all transitions are asked for when it is over: nobody answers here why it ended. */
const firstLook = () => vi.advanceTimersByTimeAsync(1_100);

/** @returns the model, and the number of each state that was lit, in order */
function watched(journal: Journal) {
  const view = signal<CallView>({ ...callView(session), density: 'entries' });
  const call = new CallModel(answersOf(journal), session, view, () => false);
  const lit: number[] = [];
  const stop = effect(() => {
    const [state] = call.lit.value.machines.get('session')?.states ?? [];
    const number = Number(state?.split(':')[1] ?? 0);
    if (number !== (lit.at(-1) ?? 0)) lit.push(number);
  });
  return { call, view, lit, close: () => (stop(), call.close()) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a page that stands at the end', () => {
  test('a keeper’s entry that is sorted in earlier lights no older state', async () => {
    const journal = new Journal();
    for (let at = 1; at <= 5; at += 1) journal.write('1', at * 10);
    const { call, lit, close } = watched(journal);
    const answer = async () => {
      for (const send of journal.sent.splice(0)) send();
      await settled();
    };
    for (let turn = 0; turn < 3; turn += 1) await answer();
    expect(lit).toEqual([5]);
    await firstLook();
    await answer();
    journal.write('keeper', 15);
    const news = journal.news();
    if (news) journal.follower?.take(news);
    for (let turn = 0; turn < 5; turn += 1) {
      await vi.advanceTimersByTimeAsync(100);
      await answer();
    }
    expect(lit).toEqual([5]);
    expect(call.all.value.map(({ ref }) => ref)).toEqual(['1:1', 'keeper:1', '1:2', '1:3', '1:4', '1:5']);
    close();
  });

  test('whichever of answers and news comes first, what is lit goes on and never back, and each entry is there once', async () => {
    for (let seed = 0; seed < 200; seed += 1) await watchedAtRandom(seed);
  });
});

async function watchedAtRandom(seed: number): Promise<void> {
  const { next, below } = randomFrom(seed);
  const journal = new Journal();
  for (let at = 1; at <= 3; at += 1) journal.write('1', at * 10);
  const { call, lit, close } = watched(journal);
  if (seed % 4 !== 0) {
    // Else the first look goes on while the call does.
    for (const send of journal.sent.splice(0)) send();
    await firstLook();
  }
  let clock = 40;
  const onItsWay: SessionNews[] = [];
  const turn = async (writes: boolean) => {
    const chance = next();
    if (writes && chance < 0.3) journal.write('1', (clock += 10));
    else if (writes && chance < 0.4) journal.write('keeper', clock - below(30));
    else if (chance < 0.55) onItsWay.push(...[journal.follower && journal.news()].flatMap((news) => news ?? []));
    else if (chance < 0.7) for (const news of onItsWay.splice(0, 1)) journal.follower?.take(news);
    else if (chance < 0.85) for (const send of journal.sent.splice(0, 1)) send();
    else await vi.advanceTimersByTimeAsync(60);
    await settled();
  };
  for (let count = 0; count < 120; count += 1) await turn(true);
  for (let count = 0; count < 400; count += 1) await turn(false);
  const last = journal.written.filter(({ file }) => file === '1').length;
  expect(lit, `seed ${seed}: the states of these numbers were lit`).toEqual(lit.toSorted((one, other) => one - other));
  expect(lit.at(-1), `seed ${seed}`).toBe(last);
  expect(call.all.value, `seed ${seed}`).toEqual(journal.all);
  expect(call.listed.value.value?.rows, `seed ${seed}`).toEqual(journal.all);
  close();
}

test('a place that was looked at is shown at once, and no late answer about another takes it away', async () => {
  const journal = new Journal();
  for (let at = 1; at <= 5; at += 1) journal.write('1', at * 10);
  const { call, view, close } = watched(journal);
  const answer = async () => {
    for (const send of journal.sent.splice(0)) send();
    await settled();
  };
  for (let turn = 0; turn < 3; turn += 1) await answer();
  await firstLook();
  await answer();
  view.value = { ...view.value, at: 1 };
  await settled();
  view.value = { ...view.value, at: 4 };
  expect(call.state.loaded.value.value?.index).toBe(4);
  await answer();
  expect(call.state.loaded.value.value?.index).toBe(4);
  close();
});

test('what is lit at a place is known there at once, before anybody has answered', async () => {
  const journal = new Journal();
  for (let at = 1; at <= 5; at += 1) journal.write('1', at * 10);
  const { call, view, close } = watched(journal);
  for (let turn = 0; turn < 5; turn += 1) {
    if (turn === 2) await firstLook();
    for (const send of journal.sent.splice(0)) send();
    await settled();
  }
  view.value = { ...view.value, at: 1 };
  expect(call.lit.value.machines.get('session')?.states).toEqual(['1:2']);
  view.value = { ...view.value, at: 3 };
  expect(call.lit.value.machines.get('session')?.states).toEqual(['1:4']);
  expect(journal.sent.length).toBeGreaterThan(0);
  close();
});

test('news about one machine takes nothing from another: what was lit stays', () => {
  const session1 = { machine: 'session', file: '1', ref: '1:9' as const, states: ['live'] };
  const supervision = { machine: 'supervision', file: 'keeper', ref: 'keeper:2' as const, states: ['bound'] };
  const told = litWith(litWith(undefined, { states: [session1], moved: null }), { states: [supervision], moved: null });
  const exact = { machines: [{ ...machineAt('1:3'), states: ['setup'] }], moved: null };
  expect(litNow(exact, told).machines.get('session')?.states).toEqual(['live']);
});
