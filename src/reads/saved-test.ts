/** A call as a test. */
import type { SavedTest } from './answers.ts';
import type { Asked } from './questions.ts';
import { ReadError } from './refusal.ts';
import type { Source } from './source.ts';

export const savedTest = (_source: Source, { session }: Asked<'test'>): Promise<SavedTest> =>
  Promise.reject(new ReadError('NOT_BUILT', `${session}: a call cannot be saved as a test yet`));
