import { Budget } from './budget.ts';
import type { Journal } from './write.ts';

/**
 * The same journal, with a budget for all that outsiders choose (budget.ts). What is held back gets no number: `append`
 * returns that of the last entry written for it, 0 for none.
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
      budget.take(kind, data, now()).reduce((_, draft) => journal.append(draft.kind, draft.data), 0),
    durable: () => journal.durable(),
    close: () => journal.close(),
  };
};
