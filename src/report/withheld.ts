/** What a journal says that it does not hold. Pure. */
import type { Chapter } from './chapters.ts';
import { countOf, readableName, recordOf } from './lenient.ts';
import type { Report } from './schema.ts';

type Withheld = Report['completeness']['withheld'][number];

/** Cumulative by contract, for each process; a session's are added up. */
export const withheldIn = (jobs: readonly Chapter[]): Withheld[] => {
  const sums = new Map<string, Withheld>();
  for (const [name, last] of jobs.flatMap((job) => [...lastIn(job)])) {
    const { entries, bytes } = sums.get(name) ?? { entries: 0, bytes: 0 };
    sums.set(name, { ...last, entries: countOf(entries + last.entries), bytes: countOf(bytes + last.bytes) });
  }
  return [...sums.values()];
};

const lastIn = ({ entries }: Chapter): Map<string, Withheld> => {
  const last = new Map<string, Withheld>();
  for (const { kind, data } of entries) {
    const { part: given, identity: whose, entries: many, bytes } = recordOf(data);
    const part = readableName(given);
    if (kind !== 'withheld' || part === null) continue;
    const identity = readableName(whose);
    last.set(JSON.stringify([part, identity]), { part, identity, entries: countOf(many), bytes: countOf(bytes) });
  }
  return last;
};
