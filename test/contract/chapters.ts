/** Journals of a few entries, for what reads them. */
import type { Entry } from '../../src/journal/entry.ts';
import type { Chapter } from '../../src/report/chapters.ts';

/** One entry each 1000 ms, from 1 s after the beginning of time on. */
export const entries = (...all: [kind: string, data: unknown][]): Entry[] =>
  all.map(([kind, data], index) => ({ seq: index + 1, at: (index + 1) * 1000, kind, data }) as unknown as Entry);
export const chapter = (all: Entry[], more: Partial<Chapter> = {}): Chapter => ({
  epoch: 1,
  entries: all,
  isClosed: false,
  isTorn: false,
  lastSeq: all.length,
  ignored: 0,
  unread: { lost: 0, passedOver: 0 },
  ...more,
});
export const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
