/**
 * Which job process is started when, and which call gets it. The SDK's own pool keeps two to four warm ones and starts
 * them one after the other, so the tenth of ten callers who come at once waits for eight imports.
 *
 *   W1  A call takes a warm process at once. When there is none, so many are started as calls wait, beside each other:
 *       one a core while they import, which is all computing; in `prewarm`, which mostly waits, any number.
 *   W2  Nobody who waits for a first word shares the processor with a process for later: those are started as soon as
 *       every caller is being greeted, for who listens needs no processor (an import at the caller's first turn made its
 *       answer 120 ms later); else when no call was launched for QUIET_MS, and no later than STAND_BACK_MS after one is
 *       missing.
 *   W3  A process that fails is started again after a pause. When FAILURES in a row have failed and none ever worked
 *       meanwhile, nothing better will come: whoever waits is told at once.
 *   W5  So many calls begin at once as there are cores, a call more when one has joined its room. Ten that join at the
 *       same moment on two cores starve each other until nobody hears anybody (measured: 20 s); two by two, the tenth
 *       waits for nine short moments.
 *   W4  Who would have to wait too long is known beforehand, from what the last warm-ups took (`expectedMs`).
 */
import { messageOf } from '../errors/thrown.ts';

const QUIET_MS = 3_000;
const STAND_BACK_MS = 6_000;
/** W5. Joining takes half a second on an idle machine; who takes longer waits for something else than the processor. */
const BEGIN_MS = 2_000;
const FAILURES = 2;
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 10_000;
/** Of the warm-ups that have been measured: machines are slow for a while, and quick again. */
const REMEMBERED = 4;

export type PoolProcess<Job> = {
  /** Resolves when it is warm; `onImported` between import and prewarm. Rejects when it fails or takes too long. */
  warmUp(onImported: () => void): Promise<void>;
  /** Hands the call over; `onBegun` when it has joined its room. */
  launchJob(job: Job, onBegun: () => void): Promise<void>;
  /** Resolves when the process is gone. */
  gone(): Promise<void>;
  /** Ends one that has no call yet. */
  abandon(): void;
};

export type PoolOptions<Job> = {
  /** A process that is not started yet. */
  make: () => PoolProcess<Job>;
  /** Warm processes to keep beside the calls. */
  idle: () => number;
  cores: number;
  /** One more is warm, and nobody waits for it. */
  onWarm?: (count: number) => void;
  now?: () => number;
};

type Waiting<Job> = { resolve: (process: PoolProcess<Job>) => void; reject: (error: Error) => void };
type Warming = { isImporting: boolean };

export class ProcessPool<Job> {
  readonly #options: PoolOptions<Job>;
  readonly #now: () => number;
  readonly #warm: PoolProcess<Job>[] = [];
  readonly #warming = new Map<PoolProcess<Job>, Warming>();
  readonly #waiting: Waiting<Job>[] = [];
  readonly #importMs: number[] = [];
  readonly #prewarmMs: number[] = [];
  readonly #turns: (() => void)[] = [];
  #beginning = 0;
  #ungreeted = 0;
  #launchedAt = -Infinity;
  #missingSince: number | undefined;
  #failures = 0;
  #pausedUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PoolOptions<Job>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get warmCount(): number {
    return this.#warm.length;
  }
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Starts what is missing, as far as it may be started now; looks again by itself. */
  fill(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const now = this.#now();
    const missing = () => this.#waiting.length + this.#options.idle() - this.#warm.length - this.#warming.size;
    if (missing() <= 0) this.#missingSince = undefined;
    else this.#missingSince ??= now;
    while (missing() > 0) {
      const atMs = this.#mayStartAt();
      if (atMs === Infinity) return; // the next that is imported, warm or gone looks again
      if (atMs > now) {
        this.#timer = setTimeout(() => this.fill(), atMs - now).unref();
        return;
      }
      void this.#warmUp(this.#options.make());
    }
  }

  /** W1, W2. Infinity: when another one has got further. */
  #mayStartAt(): number {
    const importing = [...this.#warming.values()].filter(({ isImporting }) => isImporting).length;
    const isWanted = this.#waiting.length > this.#warming.size;
    const hasCalls = this.#launchedAt !== -Infinity;
    if (importing >= (isWanted || !hasCalls ? this.#options.cores : 1)) return Infinity;
    if (isWanted || this.#ungreeted === 0) return this.#pausedUntil;
    const quietAt = Math.min(this.#launchedAt + QUIET_MS, (this.#missingSince ?? 0) + STAND_BACK_MS);
    return Math.max(this.#pausedUntil, quietAt);
  }

  async #warmUp(process: PoolProcess<Job>): Promise<void> {
    const startedAt = this.#now();
    let importedAt = startedAt;
    const state: Warming = { isImporting: true };
    this.#warming.set(process, state);
    try {
      await process.warmUp(() => {
        state.isImporting = false;
        importedAt = this.#now();
        this.fill();
      });
      this.#warming.delete(process);
      this.#failures = 0;
      const importMs = (state.isImporting ? this.#now() : importedAt) - startedAt;
      remember(this.#importMs, importMs);
      remember(this.#prewarmMs, this.#now() - startedAt - importMs);
      const first = this.#waiting.shift();
      if (this.#isClosed) process.abandon();
      else if (first) first.resolve(process);
      else {
        this.#warm.push(process);
        this.#options.onWarm?.(this.#warm.length);
        void process.gone().then(() => {
          const at = this.#warm.indexOf(process);
          if (at >= 0) this.#warm.splice(at, 1); // it died while it waited
          this.fill();
        });
      }
    } catch (error) {
      this.#warming.delete(process);
      this.#failures += 1;
      this.#pausedUntil = this.#now() + Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
      if (this.#failures >= FAILURES) this.#refuse(`no job process can be started: ${messageOf(error)}`); // W3
    }
    this.fill();
  }

  #refuse(why: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(why));
  }

  /** @throws Error when no process can be had, or when it was gone before it got the call */
  async launch(job: Job): Promise<PoolProcess<Job>> {
    const greeted = this.#awaitsGreeting();
    try {
      const process = await this.#take();
      const done = await this.#turn();
      const begun = () => {
        done();
        greeted();
      };
      this.#launchedAt = this.#now();
      void process.gone().then(begun);
      await process.launchJob(job, begun);
      this.fill();
      return process;
    } catch (error) {
      greeted();
      throw error;
    }
  }

  /** W2. What it returns is to be called when this caller is being greeted, or will never be. */
  #awaitsGreeting(): () => void {
    this.#ungreeted += 1;
    return once(() => {
      this.#ungreeted -= 1;
      this.fill();
    });
  }

  /** W5. Resolves when this call may begin; what it resolves with is to be called when it has begun. */
  async #turn(): Promise<() => void> {
    if (this.#beginning >= this.#options.cores) await new Promise<void>((resolve) => this.#turns.push(resolve));
    this.#beginning += 1;
    const done = once(() => {
      clearTimeout(late);
      this.#beginning -= 1;
      this.#turns.shift()?.();
    });
    const late = setTimeout(done, BEGIN_MS).unref();
    return done;
  }

  #take(): Promise<PoolProcess<Job>> {
    if (this.#isClosed) return Promise.reject(new Error('the worker is stopping'));
    const warm = this.#warm.shift();
    if (warm) return Promise.resolve(warm);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.fill();
    });
  }

  /** W4. How long a call would wait for its process: `before` others are accepted and have none, those who wait here included. */
  expectedMs(before: number): number {
    const { cores } = this.#options;
    const turnsMs = (this.#turns.length / cores) * BEGIN_MS;
    const place = Math.max(this.#waiting.length, before) + 1 - this.#warm.length;
    if (place <= 0) return turnsMs;
    return turnsMs + Math.ceil(place / cores) * worst(this.#importMs) + worst(this.#prewarmMs);
  }

  /** No process for later any more, and nobody waits for one; calls that have theirs go on. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#refuse('the worker is stopping');
    for (const process of this.#warming.keys()) process.abandon();
  }
}

/** What a call says when it begins, its process when it is gone and a timer when that takes too long counts once. */
function once(run: () => void): () => void {
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    run();
  };
}

function remember(measured: number[], ms: number): void {
  measured.push(ms);
  if (measured.length > REMEMBERED) measured.shift();
}
const worst = (measured: readonly number[]): number => Math.max(0, ...measured);
