import { Budget, type Draft } from './budget.ts';
import type { EntryData, EntryKind } from './entry.ts';
import type { Journal } from './write.ts';

/**
 * The same journal, with a budget for all that outsiders choose (budget.ts). What is held back gets no number: `append`
 * returns that of the last entry of this kind that was written, 0 for none.
 *
 * @param now milliseconds of a clock that nobody sets
 */
export const withinBudget = (journal: Journal, now: () => number = () => performance.now()): Journal => {
  const budget = new Budget();
  return {
    get path() {
      return journal.path;
    },
    get lastSeq() {
      return journal.lastSeq;
    },
    append: (kind, data) =>
      draftsOf(budget, kind, data, now()).reduce((last, draft) => {
        const seq = journal.append(draft.kind, draft.data);
        return draft.kind === kind ? seq : last;
      }, 0),
    durable: () => journal.durable(),
    pending: () => journal.pending(),
    close: () => journal.close(),
  };
};

/** `append` never throws: a fault of ours, or an entry that is not what it should be, costs the budget and not the call. */
const draftsOf = <Kind extends EntryKind>(budget: Budget, kind: Kind, data: EntryData[Kind], atMs: number): Draft[] => {
  try {
    return budget.take(kind, data, atMs);
  } catch {
    return [{ kind, data } as Draft];
  }
};
