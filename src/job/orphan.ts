/**
 * A job whose worker is gone: it talks on, and leaves its call to a job of the next worker.
 *
 *   V2  It waits for that job for `shutdownBudgetMs`, and says goodbye within as much when nobody takes the call over.
 *       Without `resume` it says goodbye at once. The next worker is warm after 6 s, with two calls on two cores after 12.
 *   V3  It leaves when nobody has said anything for CALM_MS, so that nobody is interrupted and nothing has to be excused;
 *       at the end of its time in any case, as after a crash. Who is being transferred, or is not there, is not left.
 *   V4  The SDK ends a process that got no ping for 15 s, without a word, and a lost worker sends none: it gets ours.
 */
import { endOf } from '../../machines/index.ts';
import type { SessionId } from '../journal/ids.ts';
import type { ToKeeper } from '../link/messages.ts';
import type { LiveJob } from '../livekit/live-job.ts';

/** A breath between two sentences is shorter; the next job takes about as long until it hears. */
const CALM_MS = 1_000;
const LOOK_MS = 100;
const PING_MS = 2_500;

export type OrphanOptions = {
  session: SessionId;
  tell: (message: ToKeeper) => void;
  /** Out, without a word. What was written is kept. */
  leave: () => void;
};

export class Orphan {
  readonly #job: LiveJob;
  readonly #options: OrphanOptions;
  /** Its pid. Another one when it is gone. */
  readonly #worker = process.ppid;
  #isBegun = false;
  #isWaiting = false;
  #calmMs = 0;
  #pings: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(job: LiveJob, options: OrphanOptions) {
    this.#job = job;
    this.#options = options;
  }

  /** What each keeper is told that is found: the one before may be dead. */
  get news(): ToKeeper[] {
    return this.#isWaiting ? [{ type: 'job.orphaned', session: this.#options.session, worker: this.#worker }] : [];
  }

  /** Told by the closed channel and by the keeper, in whatever order: the first counts. */
  begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    const { definition, log } = this.#job;
    const waitMs = definition.policy.shutdownBudgetMs;
    this.#pings = setInterval(ping, PING_MS).unref(); // V4
    if (definition.resume === 0) return this.#end();
    log.warn({ waitMs }, 'the worker is gone; the call goes on until another job can have it');
    this.#isWaiting = true;
    for (const message of this.news) this.#options.tell(message);
    this.#patience = setTimeout(() => this.#late(), waitMs).unref();
  }

  /** A process is warm for this call. */
  handOver(): void {
    if (!this.#isWaiting) return;
    this.#looks ??= setInterval(() => this.#look(), LOOK_MS);
  }

  /** The call is over. */
  stop(): void {
    this.#isBegun = true; // the channel closes then, too
    this.#isWaiting = false;
    clearInterval(this.#pings);
    clearInterval(this.#looks);
    clearTimeout(this.#patience);
  }

  #look(): void {
    const { run, tools } = this.#job;
    const isCalm = run.hasTag('calm') && tools.size === 0 && this.#mayBeLeft();
    this.#calmMs = isCalm ? this.#calmMs + LOOK_MS : 0;
    if (this.#calmMs >= CALM_MS) this.#go(true);
  }

  #late(): void {
    if (this.#looks && this.#mayBeLeft()) this.#go(false);
    else this.#end();
  }

  #mayBeLeft(): boolean {
    const { run, venue } = this.#job;
    return !run.hasTag('leaving') && !run.hasTag('transferring') && venue.isCallerThere();
  }

  #go(isCalm: boolean): void {
    const { recorder, log } = this.#job;
    this.stop();
    recorder.append('handed.over', { isCalm });
    log.info({ isCalm }, 'left to the next job');
    this.#options.leave();
  }

  #end(): void {
    this.#isWaiting = false;
    clearInterval(this.#looks);
    const end = endOf('system', 'worker_lost', 'platform', 'the worker process is gone');
    const { run, definition } = this.#job;
    run.send({ type: 'shutdown.requested', end, graceMs: definition.policy.shutdownBudgetMs });
  }
}

const ping = (): unknown =>
  process.emit('message', { case: 'pingRequest', value: { timestamp: Date.now() } }, undefined);
