/** Where the machines were at an entry: replayed, never executed; recorded where they cannot be replayed. */
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { StateAt } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { Script, wholeCall } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory, type CallDirectory } from './call-directory.ts';

const session = sessionIdOf('virtual');
const recorded = async (): Promise<Entry[]> => {
  const call = await new VirtualSession().converse();
  call.note('item', { id: 'i1', role: 'assistant', text: 'Hello.', interrupted: false, createdAt: 1 });
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  call.note('item', { id: 'i2', role: 'user', text: 'A table, please.', interrupted: false, createdAt: 2 });
  await call.clock.advance(5_000);
  call.send({ type: 'agent.audible' });
  call.note('audible', { who: 'agent', change: 'begins', speech: 's1' });
  call.note('audible', { who: 'agent', change: 'goes-on', speech: 's1', pii: { text: 'Table twelve' } });
  await call.clock.advance(1_000);
  call.note('audible', { who: 'agent', change: 'ends', speech: 's1', pii: { text: ' is yours.' } });
  call.note('item', {
    id: 'i3',
    role: 'assistant',
    text: 'Table twelve is yours.',
    interrupted: false,
    createdAt: 3,
    speech: 's1',
  });
  call.send({ type: 'dialogue.moved' });
  call.leaves();
  await call.report();
  return call.entries;
};
const entries = await recorded();
const write = async (at: CallDirectory, all: readonly Entry[]) =>
  await at.write({ session, epochs: [{ epoch: 1, entries: [...all], torn: false }], keeper: [] });
const stateIn = async (at: CallDirectory, asked: object = {}): Promise<StateAt> =>
  (await ask(at.source, 'state', { session, ...asked })) as StateAt;
const sessionIn = ({ machines }: StateAt) => machines.find(({ machine }) => machine === 'session');

describe('at each entry', () => {
  test('the states are those that the journal recorded', async () => {
    const at = await callDirectory();
    await write(at, entries);
    for (const [index, { seq, kind, data }] of entries.entries()) {
      const state = await stateIn(at, { index });
      expect(state.ref).toBe(`1:${seq}`);
      if (kind === 'transition') {
        expect(sessionIn(state)?.states).toEqual(data.to);
        expect(state.moved).toEqual({ machine: 'session', from: data.from, to: data.to, event: data.event });
      }
      expect(sessionIn(state)?.source ?? 'replayed').toBe('replayed');
    }
  });

  test('a reference and an index are the same place, and the last entry is meant when none is given', async () => {
    const at = await callDirectory();
    await write(at, entries);
    expect(await stateIn(at, { ref: '1:20' })).toEqual(await stateIn(at, { index: 19 }));
    expect(sessionIn(await stateIn(at))?.states).toEqual(['closed']);
    await expect(stateIn(at, { ref: '2:1' })).rejects.toThrow(
      /entry: expected one of 0 to \d+ \(entries up to 1:\d+\), got 2:1; entries lists them/,
    );
    await expect(stateIn(at, { index: 9_999 })).rejects.toThrow(/got index 9999/);
  });

  test('limits run down from when they were armed, and an effect is pending until it has settled', async () => {
    const at = await callDirectory();
    await write(at, entries);
    const waits = entries.find(({ kind, data }) => kind === 'event' && data.type === 'caller.waits');
    const state = sessionIn(await stateIn(at, { index: waits?.seq }));
    const limit = state?.limits.find(({ limit: name }) => name === 'firstAudioMs');
    expect(limit).toMatchObject({
      state: 'live.conversing.dialogue.waiting.clock.unanswered',
      ms: 3_000,
      armedAt: waits?.at,
      dueAt: (waits?.at ?? 0) + 3_000,
    });
    expect(state?.limits.map(({ dueAt }) => dueAt)).toEqual(
      state?.limits.map(({ dueAt }) => dueAt).toSorted((one, other) => one - other),
    );
    const filler = entries.find(
      ({ kind, data }) => kind === 'effect' && data.phase === 'requested' && data.line === 'filler',
    );
    const speaking = sessionIn(await stateIn(at, { ref: `1:${filler?.seq}` }));
    expect(speaking?.effects).toEqual([
      { name: 'speak', state: 'live.conversing.dialogue.waiting.clock.fillingLive', since: filler?.at },
    ]);
  });

  test('the transcript holds what was said by then, words that no item holds yet included', async () => {
    const at = await callDirectory();
    await write(at, entries);
    const goesOn = entries.find(({ kind, data }) => kind === 'audible' && data.change === 'goes-on');
    const said = async (asked: object) =>
      (await stateIn(at, asked)).transcript.map(({ who, text }) => `${who}: ${text}`);
    expect(await said({ ref: `1:${goesOn?.seq}` })).toEqual([
      'agent: Hello.',
      'caller: A table, please.',
      'agent: Table twelve',
    ]);
    expect(await said({})).toEqual(['agent: Hello.', 'caller: A table, please.', 'agent: Table twelve is yours.']);
    expect(await said({ index: 0 })).toEqual([]);
  });
});

describe('what cannot be replayed', () => {
  test('another build: the states that were recorded, and why', async () => {
    const at = await callDirectory({ isChanged: true });
    await write(
      at,
      entries.map((entry): Entry =>
        entry.kind === 'machine.began' ? { ...entry, data: { ...entry.data, build: 'b0' } } : entry,
      ),
    );
    const last = sessionIn(await stateIn(at));
    expect(last).toMatchObject({ states: ['closed'], source: 'recorded', context: null, limits: [] });
    expect(last?.refused).toMatch(/another build of the machines wrote it: b0/);
  });

  test('a hole: replayed up to it, recorded behind it', async () => {
    const at = await callDirectory({ isChanged: true });
    const hole = Math.floor(entries.length / 2);
    await write(
      at,
      entries.filter((_, index) => index !== hole),
    );
    expect(sessionIn(await stateIn(at, { index: hole - 1 }))?.source).toBe('replayed');
    const behind = sessionIn(await stateIn(at));
    expect(behind).toMatchObject({ source: 'recorded', states: ['closed'] });
    expect(behind?.refused).toMatch(/entries are missing before/);
  });

  test('a journal that does not say how its machine began', async () => {
    const at = await callDirectory();
    await at.write(wholeCall());
    const state = (await ask(at.source, 'state', { session: 'AJ_7Qd2' })) as StateAt;
    expect(sessionIn(state)).toMatchObject({
      states: ['reporting.sending'],
      source: 'recorded',
      refused: 'the journal does not say how this machine began',
    });
  });

  test('a repetition that no machine can have written is refused at once, however often it says', async () => {
    const at = await callDirectory({ isChanged: true });
    const script = new Script();
    for (const { kind, data } of entries.slice(0, 30)) script.add(1, kind, data as never);
    script.add(1, 'again', { machine: 'session', of: 1e9, times: 1e9, digest: '' });
    await write(at, script.entries);
    const begun = performance.now();
    expect(sessionIn(await stateIn(at))?.refused).toMatch(/nothing came before it/);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

test('a call that goes on is walked on, not anew: what was seen before stays the same object', async () => {
  const at = await callDirectory();
  await write(at, entries.slice(0, 20));
  const before = await at.source.session(session);
  await stateIn(at);
  await write(at, entries);
  expect(sessionIn(await stateIn(at))?.states).toEqual(['closed']);
  expect(await at.source.session(session)).toBe(before);
  expect(sessionIn(await stateIn(at, { index: 10 }))?.source).toBe('replayed');
});
