/** Which process wrote its last word, died, or was taken over: where what it had begun ends. Pure. */
import type { JournalName } from '../journal/folder.ts';
import { whenOf } from '../report/clock.ts';
import { countOf, recordOf, textOf } from '../report/lenient.ts';
import type { Reference } from './answers.ts';
import { refOf, type Placed } from './session-read.ts';

export type EpochEnd = {
  at: number;
  /** `closed`, or how it ended without a last word. */
  how: string;
  ref: Reference;
  isDeath: boolean;
};
export type EpochFacts = { epoch: number; from: number; ref: Reference; label: string; end: EpochEnd | null };

const howItDied: Record<string, string> = {
  died: 'the process died',
  frozen: 'the process froze, and was killed',
  gone: 'the host was gone',
  lost: 'its journal was lost',
  unopened: 'the process never began',
};

/** *Pure.* Each process of the session. */
export const epochsOf = (all: readonly Placed[]): EpochFacts[] => {
  const epochs = new Map<number, EpochFacts>();
  const lastOf = new Map<JournalName, Placed>();
  const end = (epoch: number, ended: EpochEnd): void => {
    const facts = epochs.get(epoch);
    if (facts && !facts.end) facts.end = ended;
  };
  for (const placed of all) {
    const { file, entry } = placed;
    const data = recordOf(entry.data);
    const at = whenOf(entry);
    const ref = refOf(placed);
    if (file !== 'keeper' && !epochs.has(file)) {
      const before = lastOf.get(file - 1);
      // A successor that opened its journal has taken over from whoever wrote before.
      if (before)
        end(file - 1, {
          at: whenOf(before.entry),
          how: 'another process took over',
          ref: refOf(before),
          isDeath: true,
        });
      const pid = countOf(recordOf(data['owner'])['pid']);
      epochs.set(file, {
        epoch: file,
        from: at,
        ref,
        label: `epoch ${file}${pid > 0 ? `, process ${pid}` : ''}`,
        end: null,
      });
    }
    if (file !== 'keeper') lastOf.set(file, placed);
    if (file !== 'keeper' && entry.kind === 'session.closed') end(file, { at, how: 'closed', ref, isDeath: false });
    if (entry.kind === 'keeper.noticed') {
      const what = textOf(data['what']) ?? '';
      const how = howItDied[what];
      if (how) end(countOf(data['epoch']), { at, how: withDetail(how, data['detail']), ref, isDeath: true });
    }
  }
  return [...epochs.values()].sort((one, other) => one.epoch - other.epoch);
};

const withDetail = (how: string, detail: unknown): string => {
  const text = textOf(detail);
  return text === null || text === '' ? how : `${how}: ${text.slice(0, 200)}`;
};

/** *Pure.* The session is over: its last process said so, or the keeper sealed it. */
export const isOverIn = (all: readonly Placed[]): boolean => {
  const epochs = epochsOf(all);
  const isSealed = all.some(({ entry }) => entry.kind === 'keeper.sealed');
  const isWithdrawn = epochs.length === 0 && all.some(({ entry }) => entry.kind === 'session.withdrawn');
  return isSealed || isWithdrawn || epochs.at(-1)?.end?.how === 'closed';
};
