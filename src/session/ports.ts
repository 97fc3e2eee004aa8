/** What a session at work needs from outside. Types only, so that tests and venues can stand in. */
import type { EntryData, EntryKind } from '../journal/entry.ts';

/** The one door to the journal: synchronous, in order, never throws. */
export type Recorder = {
  append<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): number;
  /** All appended so far is on disk. Rejects when the disk says no. */
  durable(): Promise<void>;
};

type Say = { (fields: object, message: string): void; (message: string): void };

/** A logger in pino's shape. Personal data goes under keys with a whole `pii` segment. */
export type Log = {
  /** `(fields, message)` or `(message)`, as the other three. */
  debug: Say;
  /** As `debug`. */
  info: Say;
  /** As `debug`. */
  warn: Say;
  /** As `debug`. */
  error: Say;
  /** The same log with more fields on every line. */
  child(fields: Record<string, unknown>): Log;
};

export type Clock = {
  setTimeout(fire: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
};
