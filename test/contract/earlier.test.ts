/**
 * Journals of earlier versions, as those wrote them, and the reports that those made of them: whole, and as a process
 * left them that died at its end. They fold to the same reports for ever. A version that writes other entries adds a
 * journal of the one before it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replay } from '../../machines/index.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { fold } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { build } from '../../src/session/machines-build.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const folder = join(import.meta.dirname, 'earlier');
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.jsonl') ? [file.slice(0, -6)] : []));
const textOf = (file: string) => readFileSync(join(folder, file), 'utf8').trimEnd();
/** The report says since then which job an epoch was, what was not heard between two, and whom a session follows. */
const asItWas = ({ completeness, ...report }: Report) => ({
  ...report,
  follows: undefined,
  completeness: {
    ...completeness,
    epochs: completeness.epochs.map((epoch) => ({ ...epoch, job: undefined })),
    gaps: undefined,
  },
});
const foldOf = (entries: Entry[]) =>
  asItWas(fold({ session: sessionIdOf('virtual'), epochs: [{ epoch: 1, entries, torn: false }], keeper: [] }));

test.each(names)('the journal "%s" of an earlier version folds to the report that it had', (name) => {
  const entries = textOf(`${name}.jsonl`)
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
  const { whole, died } = JSON.parse(textOf(`${name}.report.json`)) as { whole: unknown; died: unknown };
  expect(foldOf(entries)).toEqual(whole);

  const last = entries.findLastIndex((entry) => entry.kind === 'transition' && entry.data.end !== undefined);
  const dead = entries.slice(0, last + 1).map((entry): Entry => {
    if (entry.kind !== 'transition') return entry;
    const { end: _, ...data } = entry.data; // versions before this one did not write it here
    return { ...entry, data };
  });
  expect(foldOf(dead)).toEqual(died);
  expect(replay(entries, build)).toEqual([]);
});
