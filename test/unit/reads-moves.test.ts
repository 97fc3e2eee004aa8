/** All transitions of a call at once: what is lit at any entry is known from them as if it were asked for there. */
import { expect, test } from 'vitest';
import { litAt } from '../../src/inspector/page/place/lit-states.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Moves, StateAt } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { crashedCall, opened } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const movesIn = async (at: Awaited<ReturnType<typeof callDirectory>>): Promise<Moves> =>
  (await ask(at.source, 'moves', { session })) as Moves;

test('what is lit at each entry of a call that crashed and was recovered is what a question there would say', async () => {
  const at = await callDirectory();
  await at.write({ ...crashedCall(), session });
  const moves = await movesIn(at);
  const last = (await ask(at.source, 'state', { session, walks: false })) as StateAt;
  expect(last.machines.length).toBeGreaterThan(1);
  for (let index = 0; index <= last.index; index += 1) {
    const { machines, moved } = (await ask(at.source, 'state', { session, index, walks: false })) as StateAt;
    const lit = litAt(moves, index);
    expect([...(lit?.machines.values() ?? [])].map(({ machine, ref, states }) => ({ machine, ref, states }))).toEqual(
      expect.arrayContaining(machines.map(({ machine, ref, states }) => ({ machine, ref, states }))),
    );
    expect(lit?.machines.size ?? 0).toBe(machines.length);
    expect(lit?.moved ?? null).toEqual(moved);
  }
});

test('a call of an hour names each of its states once', async () => {
  const call = await new VirtualSession().converse();
  for (let turn = 0; turn < 200; turn += 1) {
    call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
    await call.clock.advance(800);
    call.send({ type: 'agent.audible' });
    await call.clock.advance(1_500);
    call.send({ type: 'dialogue.moved' });
  }
  const at = await callDirectory();
  await at.write({ session, epochs: [{ epoch: 1, entries: call.entries, torn: false }], keeper: [] });
  const { states, moves } = await movesIn(at);
  expect(moves.length).toBeGreaterThan(600);
  expect(new Set(states).size).toBe(states.length);
  expect(states.length).toBeLessThan(40);
});

test('a file of any content is answered: names are cut, and more than there is room for is left out', async () => {
  const at = await callDirectory();
  const script = opened(session).add(1, 'transition', {
    machine: 'session',
    from: [],
    to: Array.from({ length: 500 }, (_, place) => `${'x'.repeat(5_000)}${place}`),
    event: 'y'.repeat(5_000),
  } as never);
  await at.write({ session, epochs: [{ epoch: 1, entries: script.entries, torn: false }], keeper: [] });
  const text = JSON.stringify(await movesIn(at));
  expect(text.length).toBeLessThan(2_000);
});
