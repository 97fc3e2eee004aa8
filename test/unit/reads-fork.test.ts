import { expect, it } from 'vitest';
import { endOf } from '../../machines/index.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Forked } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory } from './call-directory.ts';

const session = 'talks';

async function forkOf() {
  const at = await callDirectory();
  const call = await new VirtualSession().converse();
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  await call.clock.advance(1_000);
  call.send({ type: 'agent.audible' });
  await call.clock.advance(1_000);
  call.send({ type: 'dialogue.moved' });
  call.leaves();
  await call.report();
  await at.write({
    session: sessionIdOf(session),
    epochs: [{ epoch: 1, entries: call.entries, torn: false }],
    keeper: [],
  });
  return async (edits: unknown[] = []) => (await ask(at.source, 'fork', { session, edits })) as Forked;
}
const placeOf = ({ received }: Forked, type: string): number =>
  received.find(({ data }) => (data as { type?: string }).type === type)?.place ?? -1;

it('without an edit a call goes the way that it went', async () => {
  const fork = await forkOf();
  const found = await fork();
  expect(found.path.at(-1)).toBe('closed');
  expect(found).toMatchObject({ other: found.path, first: null, refused: null });
  expect(found.received.every(({ ref }) => ref !== null)).toBe(true);
});

it('an event that is left out leads another way, as far as the rest of the call fits it', async () => {
  const fork = await forkOf();
  const before = await fork();
  const found = await fork([{ does: 'drop', place: placeOf(before, 'caller.waits') }]);
  expect(found.path).toEqual(before.path);
  expect(found.first).toBeGreaterThan(0);
  expect(found.other[found.first ?? 0]).not.toBe(found.path[found.first ?? 0]);
});

it('an event that is put in comes before its place, and what cannot follow it is named', async () => {
  const fork = await forkOf();
  const before = await fork();
  const event = { type: 'caller.left', end: endOf('caller', 'caller_hung_up') };
  const found = await fork([{ does: 'insert', place: placeOf(before, 'caller.waits'), event }]);
  expect(found.other.length).toBeGreaterThan(found.first ?? 0);
  expect(found.other.slice(found.first ?? 0).join(' ')).toContain('exiting');
  expect(found.other.length).toBeLessThan(before.path.length + 1);
  if (found.refused !== null) expect(found.text).toBeNull();
});

it('a way to the end is a test that walks it', async () => {
  const fork = await forkOf();
  const before = await fork();
  const place = placeOf(before, 'agent.audible');
  const found = await fork([{ does: 'change', place, event: { type: 'agent.audible' } }]);
  expect(found.refused).toBeNull();
  expect(found.text).toContain("import { type Received, walkReceived } from 'lastword/machines';");
});

it('an edit of a place that is none is refused', async () => {
  const fork = await forkOf();
  await expect(fork([{ does: 'drop', place: 4_711 }])).rejects.toThrow(/expected places up to \d+, got 4711/);
  await expect(fork([{ does: 'invent', place: 1 }])).rejects.toThrow('fork');
});
