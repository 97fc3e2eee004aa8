/** Where a page of the list ends, as a text that the next question brings back. *Pure.* */
import type { PlaceInList } from '../store/sqlite-look-rows.ts';
import type { Asked } from './questions.ts';
import { refusedQuestion } from './refusal.ts';

export type Cursor = { part: 'living'; offset: number } | { part: 'sealed'; below: PlaceInList } | undefined;

export const cursorText = ({ epoch, acceptedAt, row }: PlaceInList): string => `sealed.${epoch}.${acceptedAt}.${row}`;

/** @throws ReadError */
export function cursorOf(text: string | undefined, sort: Asked<'calls'>['sort']): Cursor {
  if (text === undefined) return undefined;
  const [part, ...given] = text.split('.');
  const numbers = given.map(Number);
  if (numbers.every((each) => Number.isSafeInteger(each))) {
    const [first = 0, acceptedAt, row] = numbers;
    if (part === 'living' && numbers.length === 1 && first >= 0 && sort !== 'accepted' && sort !== 'epoch')
      return { part, offset: first };
    if (part === 'sealed' && acceptedAt !== undefined && row !== undefined)
      return { part, below: { epoch: first, acceptedAt, row } };
  }
  throw refusedQuestion(
    'after',
    'the next of the page before, of the same sort',
    text,
    'leave it out for the first page',
  );
}

/** *Pure.* Does `one` come before `other` in the list? */
export const beforeIn =
  (order: Asked<'calls'>['sort']) =>
  (one: PlaceInList, other: PlaceInList): boolean => {
    if (order === 'epoch' && one.epoch !== other.epoch) return one.epoch > other.epoch;
    return one.acceptedAt === other.acceptedAt ? one.row > other.row : one.acceptedAt > other.acceptedAt;
  };
