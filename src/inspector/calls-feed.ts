/**
 * The streams of the list of calls: each question is asked once, for however many watch its answer.
 *
 *   L1  At most each 250 ms, and never for more than a quarter of the thread's time: a long list is looked at less often.
 *   L2  Sent only when it is another. A watcher that is slow gets the newest, and not what came between.
 */
import { eventOf } from './events.ts';
import { RequestProblem } from './problem.ts';
import type { Reading } from './reading.ts';
import { Sleepers } from './sleepers.ts';
import type { Watch } from './session-feed.ts';

const LOOK_MS = 250;
const SHARE = 4;
/** Questions that differ; each is asked again and again. */
const MOST_QUESTIONS = 64;

export type CallsFeeds = {
  /** @param asked JSON, as it came */
  watch(asked: string): Watch;
  close(): void;
};

export function openCallsFeeds(reading: Pick<Reading, 'ask'>, lookMs = LOOK_MS): CallsFeeds {
  const feeds = new Map<string, CallsFeed>();
  return {
    watch(asked) {
      let feed = feeds.get(asked);
      if (!feed) {
        if (feeds.size >= MOST_QUESTIONS)
          throw new RequestProblem(503, `expected at most ${MOST_QUESTIONS} lists at once, got one more; close a page`);
        feed = new CallsFeed(asked, reading, lookMs);
        feeds.set(asked, feed);
      }
      const own = feed;
      own.watchers += 1;
      let seen = 0;
      let isClosed = false;
      return {
        async ready() {
          await own.beyond(0, new AbortController().signal); // a read has its deadline
          if (own.problem) throw own.problem;
        },
        async next(signal) {
          await own.beyond(seen, signal);
          if (own.problem) throw own.problem;
          if (signal.aborted || own.version === seen) return undefined;
          seen = own.version;
          return own.text;
        },
        close() {
          if (isClosed) return;
          isClosed = true;
          own.watchers -= 1;
          if (own.watchers > 0) return;
          own.close();
          if (feeds.get(asked) === own) feeds.delete(asked);
        },
      };
    },
    close() {
      for (const feed of feeds.values()) feed.close();
      feeds.clear();
    },
  };
}

class CallsFeed {
  watchers = 0;
  /** How many answers there were. */
  version = 0;
  text: Buffer | undefined;
  /** The question is none, or cannot be answered: its watchers are told, and come back. */
  problem: RequestProblem | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #sleepers = new Sleepers();

  constructor(asked: string, reading: Pick<Reading, 'ask'>, lookMs: number) {
    let mark = '';
    const look = async () => {
      const began = performance.now();
      try {
        const answer = await reading.ask({ kind: 'calls', asked, mark });
        this.problem = undefined;
        if (answer.mark !== undefined && answer.mark !== mark) {
          mark = answer.mark;
          this.text = eventOf('calls', answer.json);
          this.version += 1;
          this.#sleepers.wake();
        }
      } catch (error) {
        this.problem = error instanceof RequestProblem ? error : new RequestProblem(500, String(error));
        this.#sleepers.wake();
      }
      if (this.#isClosed) return;
      const tookMs = performance.now() - began;
      this.#timer = setTimeout(() => void look(), Math.max(lookMs, tookMs * (SHARE - 1))); // L1
    };
    void look();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#sleepers.wake();
  }

  /** Until there is a newer answer than `seen`. */
  async beyond(seen: number, signal: AbortSignal): Promise<void> {
    if (this.version > seen || this.problem || this.#isClosed || signal.aborted) return;
    await this.#sleepers.sleep(signal);
  }
}
