/** A stored call becomes a test that walks the same states, and says nothing of who called. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { endOf, walkReceived, type Received } from '../../machines/index.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { SavedTest } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { wholeCall } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory } from './call-directory.ts';

/** Somebody asks, waits for a filler, is handed over in vain, and the agent ends the call with a word of its own. */
async function recorded(): Promise<Entry[]> {
  const call = await new VirtualSession().converse();
  call.send({ type: 'caller.speaks' });
  call.send({ type: 'caller.stopped', endpointingMs: 500 });
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  await call.clock.advance(5_000);
  call.send({ type: 'answer.moved', awaits: 'tts' });
  call.send({ type: 'agent.audible' });
  call.send({ type: 'dialogue.moved' });
  call.send({ type: 'transfer.requested', transfer: { id: 'tr_1', how: 'refer', to: '+49 30 901820' } });
  await call.clock.advance(500);
  call.send({
    type: 'session.end',
    end: endOf('agent', 'pizza_ordered', 'none', 'Maria Muster, table 41'),
    drain: true,
  });
  await call.report();
  return call.entries;
}
const entries = await recorded();
const session = sessionIdOf('virtual');
const saved = async (all = entries, more: object = {}): Promise<SavedTest> => {
  const at = await callDirectory({ isChanged: all !== entries });
  await at.write({ session, epochs: [{ epoch: 1, entries: all, torn: false }], keeper: [] });
  return (await ask(at.source, 'test', { session, ...more })) as SavedTest;
};
/** What stands in a saved file. */
const receivedIn = (text: string): Received[] =>
  [...text.matchAll(/^ {2}\{ at: (\d+), kind: (".*?"), data: (\{.*\}) \},$/gm)].map(([, at, kind = '', data = '']) => ({
    at: Number(at),
    kind: JSON.parse(kind) as string,
    data: JSON.parse(data) as unknown,
  }));
const recordedPath = entries.flatMap(({ kind, data }) =>
  kind === 'transition' ? [(data as { to: string[] }).to.join(' + ')] : [],
);

const sample = new URL('saved-call.test.ts', import.meta.url);

test('the sample that runs here is what is saved of that call, to the letter (LASTWORD_SAVE=1 writes it anew)', async () => {
  const { text } = await saved();
  if (process.env['LASTWORD_SAVE'] === '1') await writeFile(sample, text);
  expect(await readFile(sample, 'utf8')).toBe(text);
});

test('what is saved walks through the states that were recorded', async () => {
  const { text } = await saved();
  expect(walkReceived(receivedIn(text))).toEqual(recordedPath);
});

test('names, numbers and texts are replaced, unless they are asked for', async () => {
  const { text, replaced, file } = await saved();
  expect(text).not.toMatch(/Maria|901820|pizza|table 41|virtual/);
  expect(replaced).toBeGreaterThanOrEqual(4);
  expect(file).toBe('saved-call.test.ts');
  const kept = await saved(entries, { keepNames: true });
  expect(kept.text).toContain('Maria Muster');
  expect(kept.text).toContain('+49 30 901820');
  expect(kept.file).toBe('virtual.test.ts');
});

test('an event that is left out leads another way, or nowhere: both are seen', async () => {
  const received = receivedIn((await saved()).text);
  const without = (type: string) => received.filter(({ data }) => (data as { type?: string }).type !== type);
  expect(walkReceived(without('answer.moved'))).not.toEqual(recordedPath);
  expect(() => walkReceived(without('caller.waits'))).toThrow(
    /it cannot go this way: entry \d+: the limit \w+ of "[^"]+" is not armed/,
  );
});

test('a limit that passes before its time is refused, with both times', async () => {
  const received = receivedIn((await saved()).text);
  const filler = received.findIndex(({ data }) => (data as { limit?: string }).limit === 'firstAudioMs');
  const early = received.map((one, index) => (index === filler ? { ...one, at: one.at - 1_000 } : one));
  expect(() => walkReceived(early)).toThrow(/firstAudioMs passes after 3000 ms, and only 2000 ms have gone by/);
});

test('a journal of another build is saved as long as these machines go the same way, and refused when they do not', async () => {
  const ofOther = (entry: Entry): Entry =>
    entry.kind === 'machine.began' ? { ...entry, data: { ...entry.data, build: 'another' } } : entry;
  expect((await saved(entries.map(ofOther))).text).toBe((await saved()).text);
  const elsewhere = entries.map((entry): Entry =>
    entry.kind === 'transition' && entry.data.event === 'agent.audible'
      ? { ...entry, data: { ...entry.data, to: ['live.elsewhere'] } }
      : entry,
  );
  await expect(saved(elsewhere)).rejects.toThrow(/expected the states that epoch 1 recorded, got others/);
});

test('a call that does not say how its machine began is refused in one line', async () => {
  const at = await callDirectory();
  await at.write(wholeCall());
  await expect(ask(at.source, 'test', { session: 'AJ_7Qd2' })).rejects.toThrow(
    /AJ_7Qd2: expected an entry machine.began.*; it cannot be saved as a test$/,
  );
});

test('texts that were made for it stay inside their quotes', async () => {
  const hostile = '`${process.exit()}` */ "); import("x") \u2028 \u202E';
  const all = entries.map((entry): Entry =>
    entry.kind === 'event' && entry.data.type === 'session.end'
      ? { ...entry, data: { ...entry.data, end: { ...endOf('agent', hostile) } } }
      : entry,
  );
  const { text } = await saved(all, { keepNames: true });
  expect(text).not.toMatch(/[\u2028\u202E]/);
  expect(walkReceived(receivedIn(text))).toEqual(recordedPath);
});
