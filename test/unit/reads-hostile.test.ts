/** Every question about any journal has an answer or one line of refusal, in bounded time and of bounded size. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { SessionRead } from '../../src/reads/session-read.ts';
import { ask, reads } from '../../src/reads/table.ts';
import { ReadError } from '../../src/reads/refusal.ts';
import { anyEntries } from '../contract/any-journal.ts';
import { Script } from '../contract/sessions.ts';
import { callDirectory, linesOf } from './call-directory.ts';

const session = sessionIdOf('any');
const asked: Record<string, object> = {
  calls: { sort: 'silence' },
  ledger: {},
  deliveries: { session },
  diff: { one: session, other: session },
};
const askAll = async (at: Awaited<ReturnType<typeof callDirectory>>): Promise<number> => {
  let longest = 0;
  for (const name of Object.keys(reads)) {
    try {
      const answer = await ask(at.source, name, asked[name] ?? { session });
      longest = Math.max(longest, JSON.stringify(answer).length);
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      expect(error.message).not.toMatch(/\n/);
    }
  }
  return longest;
};

test('whatever entries it holds', { timeout: 120_000 }, async () => {
  const at = await callDirectory({ isChanged: true });
  await fc.assert(
    fc.asyncProperty(anyEntries, anyEntries, async (one: Entry[], keeper: Entry[]) => {
      await at.write({ session, epochs: [{ epoch: 1, entries: one, torn: false }], keeper });
      await askAll(at);
    }),
    { numRuns: 60 },
  );
});

test('torn anywhere, and with bytes of rubbish in it', { timeout: 120_000 }, async () => {
  const at = await callDirectory({ isChanged: true });
  const text = Buffer.from(
    linesOf(
      new Script().add(1, 'log', { level: 'info', message: 'x' }).add(1, 'log', { level: 'info', message: 'y' })
        .entries,
    ),
  );
  for (let length = 0; length <= text.length; length += 17) {
    await at.writeFile(session, '1.jsonl', text.subarray(0, length));
    await askAll(at);
  }
  await at.writeFile(
    session,
    '1.jsonl',
    Buffer.concat([Buffer.from([0, 255, 10, 10, 123]), text, Buffer.alloc(5_000)]),
  );
  await at.writeFile(session, 'keeper.jsonl', Buffer.alloc(100_000, 10));
  await askAll(at);
});

test(
  '10 MB in one field, 50,000 entries, and lists without end: answers stay small',
  { timeout: 120_000 },
  async () => {
    const at = await callDirectory({ isChanged: true });
    const script = new Script();
    script.add(1, 'attach', {
      key: 'k'.repeat(1_000_000),
      value: Array.from({ length: 100_000 }, (_, index) => ({ index })),
    });
    script.add(1, 'item', { id: 'i', role: 'user', text: 'x'.repeat(3_000_000), interrupted: false, createdAt: 1 });
    for (let index = 0; index < 50_000; index += 1)
      script.add(1, 'audible', { who: 'caller', change: index % 2 ? 'ends' : 'begins' });
    await at.writeFile(session, '1.jsonl', linesOf(script.entries));
    expect(await askAll(at)).toBeLessThan(5_000_000);
  },
);

test('requests that lean on one another in a circle come to an end', async () => {
  const at = await callDirectory({ isChanged: true });
  const script = new Script();
  for (let seq = 1; seq <= 50; seq += 1)
    script.add(1, 'request', {
      agent: 'a',
      items: [`i${seq}`],
      after: { seq: seq === 1 ? 50 : seq, count: 1_000_000 },
    });
  await at.write({ session, epochs: [{ epoch: 1, entries: script.entries, torn: false }], keeper: [] });
  await askAll(at);
});

test('a folder whose files are none of ours has no calls', async () => {
  const at = await callDirectory({ isChanged: true });
  await at.writeFile(session, 'notes.txt', 'x');
  expect(await new SessionRead(at.directory, session).look()).toBe(false);
});
