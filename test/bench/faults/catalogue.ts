/** The rows of the comparison, in the order of a call. */
import type { Row } from './row.ts';
import { endRows } from './rows-end.ts';
import { placeRows } from './rows-place.ts';
import { startRows } from './rows-start.ts';
import { talkRows } from './rows-talk.ts';

export const rows: Row[] = [...startRows, ...talkRows, ...endRows, ...placeRows];
