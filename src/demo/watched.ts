/** One session's journal while it is written: what is there, what comes, and which state it is in. */
import type { Entry } from '../journal/entry.ts';
import type { JournalName } from '../journal/folder.ts';
import { followSession } from '../journal/follow.ts';
import type { SessionId } from '../journal/ids.ts';

export type Fits = (entry: Entry) => boolean;

export type Watched = {
  readonly entries: readonly Entry[];
  /** The first leaf of the session's state; empty before there is one. */
  readonly state: string;
  /** The first entry that fits, from the `from`-th on; undefined after `ms`, and when the watching ends. */
  until: (fits: Fits, ms: number, from?: number) => Promise<Entry | undefined>;
  /** Resolves when the last entry has been handed on; rejects when the journal cannot be read. */
  stop(): Promise<void>;
};

/** *Effect.* `onEntry` gets each entry once, in order. */
export function watchJournal(
  directory: string,
  session: SessionId,
  onEntry: (entry: Entry, file: JournalName) => void,
): Watched {
  const entries: Entry[] = [];
  const waiters = new Set<(entry: Entry | undefined) => void>();
  const stopped = new AbortController();
  let state = '';
  const take = (entry: Entry, file: JournalName) => {
    if (entry.kind === 'transition' && entry.data.machine === 'session') state = entry.data.to[0] ?? '';
    entries.push(entry);
    onEntry(entry, file);
    for (const wake of waiters) wake(entry);
  };
  const following = followSession(directory, session, take, stopped.signal);
  following.catch(() => {}); // told by stop()

  return {
    entries,
    get state() {
      return state;
    },
    until(fits, ms, from = 0) {
      const known = entries.slice(from).find(fits);
      if (known || stopped.signal.aborted) return Promise.resolve(known);
      return new Promise((resolve) => {
        const settle = (entry: Entry | undefined) => {
          clearTimeout(timer);
          waiters.delete(wake);
          resolve(entry);
        };
        const wake = (entry: Entry | undefined) => {
          if (entry === undefined || fits(entry)) settle(entry);
        };
        const timer = setTimeout(() => settle(undefined), ms);
        waiters.add(wake);
      });
    },
    async stop() {
      stopped.abort();
      for (const wake of waiters) wake(undefined);
      await following;
    },
  };
}
