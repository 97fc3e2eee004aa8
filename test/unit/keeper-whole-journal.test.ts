import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lineOf } from '../../src/journal/line.ts';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { journalPath } from '../../src/journal/folder.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { openJournal } from '../../src/journal/write.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { readWhole, withTail, type Remembered } from '../../src/keeper/whole-journal.ts';

const note = (seq: number) => ({ seq, at: seq, kind: 'log', data: { level: 'info', message: `n${seq}` } }) as Entry;
const tailOf = (...seqs: number[]) => seqs.map((seq) => lineOf(note(seq))).join('');
const journalOf = (...seqs: number[]): SessionJournal => ({
  session: sessionIdOf('s'),
  epochs: [{ epoch: 1, entries: seqs.map(note), torn: true }],
  keeper: [],
});
const numbers = ({ epochs }: SessionJournal) => epochs[0]?.entries.map(({ seq }) => seq);

describe('the tail that a job handed over', () => {
  test('goes on behind what is on the disk, without what both have', () => {
    const whole = withTail(journalOf(1, 2, 3), 1, tailOf(3, 4, 5));
    expect(numbers(whole)).toEqual([1, 2, 3, 4, 5]);
    expect(whole.epochs[0]?.torn).toBe(false);
  });

  test('is all there is where the file is gone; rubbish in it is passed over', () => {
    expect(
      numbers(withTail({ session: sessionIdOf('s'), epochs: [], keeper: [] }, 1, `half a line\n${tailOf(4, 5)}`)),
    ).toEqual([4, 5]);
    expect(withTail(journalOf(1), 1, '')).toEqual(journalOf(1));
  });
});

describe('a journal that was removed', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lastword-whole-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const facts = { ...firstJob(jobIdOf('s')), agentName: 'ada', room: { name: 'lobby', sid: 'RM_1' }, metadata: '' };
  const remembered = async (more: Partial<Remembered> = {}): Promise<Remembered> => ({
    directory,
    session: sessionIdOf('s'),
    facts,
    acceptedAt: 5,
    epoch: 1,
    owner: await thisProcess(),
    tail: '',
    ...more,
  });
  const kinds = ({ keeper }: SessionJournal) => keeper.map(({ kind }) => kind);

  test('is read as long as its process has it open', async () => {
    const journal = await openJournal({
      directory,
      session: sessionIdOf('s'),
      file: 1,
      first: { kind: 'log', data: { level: 'info', message: 'first' } },
    });
    await unlink(journalPath(directory, sessionIdOf('s'), 1));
    journal.append('log', { level: 'info', message: 'second' });
    await journal.durable();
    const whole = await readWhole(await remembered({ facts: undefined }));
    expect(numbers(whole)).toEqual([1, 2]);
    await journal.close();
    const gone = await readWhole(await remembered({ facts: undefined }));
    expect(gone.epochs).toEqual([]);
    expect(gone.keeper.at(-1)).toMatchObject({ kind: 'keeper.noticed', data: { what: 'lost', epoch: 1 } });
  });

  test('leaves what the keeper remembers, also beside a file that it began anew', async () => {
    expect(kinds(await readWhole(await remembered()))).toEqual(['session.accepted', 'keeper.noticed']);
    const notes = await openJournal({
      directory,
      session: sessionIdOf('s'),
      file: 'keeper',
      first: { kind: 'keeper.noticed', data: { what: 'died', epoch: 1 } },
    });
    await notes.close();
    const whole = await readWhole(await remembered());
    expect(kinds(whole)).toEqual(['session.accepted', 'keeper.noticed', 'keeper.noticed']);
    expect(whole.keeper.at(-1)).toMatchObject({
      data: { what: 'lost', detail: expect.stringContaining('keeper.jsonl, 1.jsonl') as string },
    });
    expect(await readWhole(await remembered())).toEqual(whole); // the same files, the same journal
  });

  test('is not missed where there never was one: a job that began without an offer, or has not begun', async () => {
    const first = { kind: 'session.opened', data: {} as never } as const;
    await (await openJournal({ directory, session: sessionIdOf('s'), file: 1, first })).close();
    expect(kinds(await readWhole(await remembered()))).toEqual([]);
    const accepted = { kind: 'session.accepted', data: { ...facts } as never } as const;
    await (await openJournal({ directory, session: sessionIdOf('t'), file: 'keeper', first: accepted })).close();
    expect(kinds(await readWhole(await remembered({ session: sessionIdOf('t'), epoch: 0 })))).toEqual([
      'session.accepted',
    ]);
  });
});
