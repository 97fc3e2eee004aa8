/**
 * Reading what may not be what it should be. A journal may come from an older or newer Lastword, or a damaged disk, and
 * its session still gets a report: whatever does not fit is unknown. Pure; nothing here throws.
 */

export const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

export const textsOf = (value: unknown): string[] => listOf(value).filter((each) => typeof each === 'string');

/** A text that says something; else null. */
export const readableName = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value : null;

export const textMapOf = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(recordOf(value)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );

export const durationOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

export const countOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;

/** The last instant that ISO 8601 writes with four digits of year. */
const LAST_INSTANT = 253_402_300_799_999;

/** Milliseconds since the epoch that a date can have; else unknown. */
export const instantOf = (at: unknown): number | undefined =>
  typeof at === 'number' && at >= 0 && at <= LAST_INSTANT ? Math.floor(at) : undefined;

export const timeOf = (at: number | undefined | null): string | null =>
  instantOf(at) === undefined ? null : new Date(at as number).toISOString();

export const knownWord = <const Word extends string>(words: readonly Word[], value: unknown): Word | null =>
  words.find((word) => word === value) ?? null;
