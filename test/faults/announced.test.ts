/** The client is told why the call ends: through the real room adapter, whose room takes the word badly. */
import { describe, expect, test, vi } from 'vitest';
import type { EntryData } from '../../src/journal/entry.ts';
import { runEntry } from './entry.ts';
import { fails, never } from './plain.ts';

const UNTOLD = 'the client could not be told why the call ends';

describe('F4 C3 the word for the client', () => {
  test.each([
    ['cannot be sent', 'publishData', async () => fails(), 'planted'],
    ['is refused at once', 'publishData', fails, 'planted'],
    ['is never taken', 'publishData', never, 'not within 100 ms'],
    ['never reaches the attributes', 'setAttributes', never, 'not within 100 ms'],
  ] as const)('%s: the caller is let go in time, and the journal says so', async (_, way, act, why) => {
    const { entries, reports, story } = await runEntry({
      program: async (call) => call.end('done'),
      unusual: ({ localParticipant }) => void vi.spyOn(localParticipant, way).mockImplementation(act),
    });
    expect(story.slice(0, 2)).toEqual(['hung up', 'sealed']);
    expect(reports.map(({ end, hangUp }) => [end.reason, hangUp?.outcome])).toEqual([['done', 'verified']]);
    const logged = entries.flatMap(({ kind, data }) => (kind === 'log' ? [data as EntryData['log']] : []));
    expect(logged.filter(({ message }) => message === UNTOLD)).toMatchObject([{ level: 'info', why }]);
    expect(reports[0]?.hangUp?.ms).toBeLessThan(1500);
  });
});

test('F4 a word that is taken is nothing to be told in the journal, and is told once', async () => {
  const sent: string[] = [];
  const { entries } = await runEntry({
    program: async (call) => {
      call.end('done');
      call.end('again');
    },
    unusual: ({ localParticipant }) =>
      void vi.spyOn(localParticipant, 'publishData').mockImplementation(async () => void sent.push('told')),
  });
  expect(entries.filter(({ kind, data }) => kind === 'log' && data.message === UNTOLD)).toEqual([]);
  expect(sent).toEqual(['told']);
});
