/** The report of a call: the bytes that were sealed, or the fold of what its journal holds so far. */
import { fold, serializeReport, sessionOfReport } from '../report/fold.ts';
import type { ReportAnswer } from './answers.ts';
import type { Asked } from './questions.ts';
import type { Source } from './source.ts';

/** *Effect.* @throws ReadError, JournalError, StoreError */
export async function readReport(source: Source, { session }: Asked<'report'>): Promise<ReportAnswer> {
  const id = source.named(sessionOfReport(session));
  const sealed = source.store.look(undefined, (rows) => rows.report(id));
  if (sealed) return { session: id, isSealed: true, sealedAt: sealed.sealedAt, body: sealed.body };
  const read = await source.journals(id);
  if (!read) throw source.unknown(id);
  return { session: id, isSealed: false, sealedAt: null, body: serializeReport(fold(read.journal)) };
}
