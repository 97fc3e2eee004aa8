/**
 * The streams of sessions: what is new in the files of one is read once, for however many watch it.
 *
 *   F1  A watcher's place is a position in every file. What it gets is whatever lies behind it: no gap and no double, also
 *       after a restart of this process, of the keeper, or of the watcher.
 *   F2  What lies behind one place is read once and kept for a moment: 500 watchers that stand at the same place cost one
 *       read.
 *   F3  fs.watch is a hint to look now and never the only one (journal/follow.ts).
 */
import { watch, type FSWatcher } from 'node:fs';
import { sessionFolder } from '../journal/folder.ts';
import type { SessionId } from '../journal/ids.ts';
import { eventOf, type NextMessage } from './events.ts';
import type { ReadAnswer, Reading } from './reading.ts';
import { Sleepers } from './sleepers.ts';

/** Backstop while fs.watch works, and pace where there is nothing to watch. */
const POLL_MS = 1_000;
const UNWATCHED_POLL_MS = 100;
/** Many lines are written at once: they are read at once. */
const GATHER_MS = 10;
/** Of each session: pages that are read again soon by those who came a moment later. */
const KEPT = 16;

/** `ready` rejects with the RequestProblem of a question that cannot be answered, before anything is sent. */
export type Watch = { ready(): Promise<unknown>; next: NextMessage; close(): void };

export type SessionFeeds = {
  /** @param from a position; empty: from the beginning */
  watch(session: SessionId, from: string): Watch;
  /** Sessions that somebody watches. */
  readonly count: number;
};

export function openSessionFeeds(directory: string, reading: Pick<Reading, 'ask'>): SessionFeeds {
  const feeds = new Map<SessionId, Feed>();
  return {
    get count() {
      return feeds.size;
    },
    watch(session, from) {
      const feed = feeds.get(session) ?? new Feed(directory, session, reading);
      feeds.set(session, feed);
      feed.watchers += 1;
      let at = from;
      let isClosed = false;
      return {
        ready: () => feed.behind(from),
        async next(signal) {
          for (;;) {
            const seen = feed.rings;
            const page = await feed.behind(at);
            if (signal.aborted) return undefined;
            if (page.text === undefined) {
              await feed.ring(seen, signal);
              continue;
            }
            at = page.position;
            return page.text;
          }
        },
        close() {
          if (isClosed) return;
          isClosed = true;
          feed.watchers -= 1;
          if (feed.watchers > 0) return;
          feed.close();
          feeds.delete(session);
        },
      };
    },
  };
}

/** `text` is undefined where nothing lies behind that place yet. */
type Page = { text: Buffer | undefined; position: string };

class Feed {
  watchers = 0;
  /** How often something may have been written: whoever has seen that many has nothing to look for. */
  rings = 0;
  readonly #session: SessionId;
  readonly #reading: Pick<Reading, 'ask'>;
  readonly #folder: string;
  readonly #pages = new Map<string, { page: Promise<Page>; rings: number }>();
  readonly #sleepers = new Sleepers();
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #gather: NodeJS.Timeout | undefined;

  constructor(directory: string, session: SessionId, reading: Pick<Reading, 'ask'>) {
    this.#session = session;
    this.#reading = reading;
    this.#folder = sessionFolder(directory, session);
    this.#look();
  }

  close(): void {
    this.#watcher?.close();
    clearTimeout(this.#poll);
    clearTimeout(this.#gather);
  }

  /** F2. */
  behind(at: string): Promise<Page> {
    const kept = this.#pages.get(at);
    if (kept && kept.rings >= this.rings) return kept.page;
    const page = this.#reading
      .ask({ kind: 'rows', session: this.#session, from: at })
      .then(({ json, position = at, isMore }: ReadAnswer) => {
        if (position === at) return { text: undefined, position };
        // A full page does not change any more; the last one grows.
        if (isMore === true) this.#pages.set(at, { page, rings: Infinity });
        return { text: eventOf('entries', json, position), position };
      });
    this.#pages.set(at, { page, rings: this.rings });
    page.catch(() => this.#pages.delete(at));
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      this.#pages.delete(oldest);
    }
    return page;
  }

  /** Until something may have been written since `seen`. */
  async ring(seen: number, signal: AbortSignal): Promise<void> {
    if (this.rings !== seen || signal.aborted) return;
    await this.#sleepers.sleep(signal);
  }

  #rung(): void {
    this.#gather ??= setTimeout(() => {
      this.#gather = undefined;
      this.rings += 1;
      this.#sleepers.wake();
    }, GATHER_MS);
  }

  #look(): void {
    this.#watcher ??= this.#watched();
    this.#poll = setTimeout(
      () => {
        this.#rung();
        this.#look();
      },
      this.#watcher ? POLL_MS : UNWATCHED_POLL_MS,
    );
  }

  /** Undefined while the folder is not there, or where the system has no watches left. */
  #watched(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#folder, { persistent: false }, () => this.#rung());
      watcher.on('error', () => {
        watcher.close();
        this.#watcher = undefined;
      });
      return watcher;
    } catch {
      return undefined;
    }
  }
}
