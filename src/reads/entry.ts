/** One entry as it was written. */
import { whenOf } from '../report/clock.ts';
import type { WholeEntry } from './answers.ts';
import { cutJson } from './cut-json.ts';
import { placeAsked } from './places.ts';
import type { Asked } from './questions.ts';
import { ReadError } from './refusal.ts';
import { refOf } from './session-read.ts';
import type { Source } from './source.ts';

/** *Effect.* @throws ReadError, JournalError */
export async function readEntry(source: Source, asked: Asked<'entry'>): Promise<WholeEntry> {
  const read = await source.session(asked.session);
  const placed = placeAsked(read, asked);
  if (!placed) throw new ReadError('NOT_FOUND', `${asked.session}: its journal has no entries yet; ask again`);
  const { entry, index } = placed;
  const { value, isCut } = cutJson(entry.data);
  const at = whenOf(entry);
  return {
    session: read.session,
    index,
    ref: refOf(placed),
    at,
    kind: entry.kind,
    data: value,
    isCut,
    total: read.all.length,
  };
}
