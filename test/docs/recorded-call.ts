/**
 * The journal of a real call (report-example.test.ts), for the example in docs/report.md. Who and where it was is left
 * out: whatever names a machine.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { owner } from '../contract/sessions.ts';

const recordedPath = 'test/docs/recorded-call.jsonl';

type Line = { file: string; session: string; entry: Entry };

/** From the repository's root. */
export const readRecordedCall = (): SessionJournal => {
  const lines = readFileSync(recordedPath, 'utf8').trimEnd().split('\n');
  const all = lines.map((line) => JSON.parse(line) as Line);
  const of = (name: string): Entry[] => all.filter(({ file }) => file === name).map(({ entry }) => entry);
  return {
    session: sessionIdOf(all[0]?.session ?? ''),
    epochs: [{ epoch: 1, entries: of('1'), torn: false }],
    keeper: of('keeper'),
  };
};

export const writeRecordedCall = ({ session, epochs, keeper }: SessionJournal): void => {
  const lineOf = (file: string) => (entry: Entry) => JSON.stringify({ file, session, entry: unnamed(entry) });
  const lines = [...epochs.flatMap(({ entries }) => entries.map(lineOf('1'))), ...keeper.map(lineOf('keeper'))];
  writeFileSync(recordedPath, `${lines.join('\n')}\n`);
};

const unnamed = (named: Entry): Entry => {
  const entry: Entry = named.boot === undefined ? named : { ...named, boot: owner.bootId };
  if (entry.kind === 'session.opened') return { ...entry, data: { ...entry.data, owner } };
  if (entry.kind === 'session.accepted') return { ...entry, data: { ...entry.data, worker: 'worker-1' } };
  return entry;
};
