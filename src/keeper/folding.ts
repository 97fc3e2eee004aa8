/** From a session's journal to what is sealed. In the keeper it runs in a thread (fold-in-thread.ts): journals are long. */
import type { SessionJournal } from '../journal/entry.ts';
import { fold, serializeReport } from '../report/fold.ts';
import type { Report } from '../report/schema.ts';
import { whatIsKnown, type Known } from './reading.ts';
import { readWhole, type Remembered } from './whole-journal.ts';

export type Folded = {
  known: Known;
  /** The bytes to be sealed. */
  body: string;
  /** Of the report, what its row and its alert say. */
  report: Pick<Report, 'end' | 'room' | 'times'>;
};
export type Fold = (remembered: Remembered) => Promise<Folded>;

/** *Pure.* */
export const foldedOf = (journal: SessionJournal): Folded => {
  const report = fold(journal);
  const { end, room, times } = report;
  return { known: whatIsKnown(journal), body: serializeReport(report), report: { end, room, times } };
};

/** *Effect.* On the caller's own thread. @throws JournalError */
export const foldHere: Fold = async (remembered) => foldedOf(await readWhole(remembered));
