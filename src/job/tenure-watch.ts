/**
 * A job whose worker is gone or is being replaced, or whose own session is over: when it leaves its call to another job is
 * decided in machines/tenure.ts; here are its clocks, what it sees of the call, and what it does.
 *
 *   V2  After a death it waits for `shutdownBudgetMs`, and says goodbye within as much when nobody takes the call over. The
 *       next worker is warm after 6 s, with two calls on two cores after 12.
 *   V3  A worker that is replaced lives, so nothing ends its calls but themselves; when it was told to stop, they keep the
 *       time of the longest goodbye at the end of what they were given.
 *   V4  The SDK ends a process that got no ping for 15 s, without a word, and a lost worker sends none: it gets ours.
 */
import { once } from 'node:events';
import { endOf, heldTenure, lastWordsMs, nextTenure, type TenureEvent } from '../../machines/index.ts';
import type { SessionId } from '../journal/ids.ts';
import type { ToKeeper } from '../link/messages.ts';
import type { LiveJob } from '../livekit/live-job.ts';

const LOOK_MS = 100;
const PING_MS = 2_500;

export type TenureOptions = {
  session: SessionId;
  tell: (message: ToKeeper) => void;
  /** Out, without a word. What was written is kept. */
  leave: () => void;
};

export class TenureWatch {
  readonly #job: LiveJob;
  readonly #options: TenureOptions;
  /** Pid of the process that started this one; when that is gone, `ppid` is another one. */
  readonly #worker = process.ppid;
  #tenure = heldTenure;
  /** How long a goodbye gets when nobody takes the call over. */
  #goodbyeMs = 0;
  #pings: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(job: LiveJob, options: TenureOptions) {
    this.#job = job;
    this.#options = options;
  }

  /** What each keeper is told that is found. The one before may be dead, and this one has promised nothing. */
  hello(): ToKeeper[] {
    this.#take({ type: 'keeper.lost' });
    if (this.#tenure.phase !== 'awaiting' || !this.#mayFollow) return [];
    const { session } = this.#options;
    return [{ type: 'job.orphaned', session, ...(this.#tenure.fate && { worker: this.#worker }) }];
  }

  /**
   * Told by the closed channel and by the keeper, in whatever order: the first counts.
   * @param worker pid of the one that was lost: a job of another one is not meant
   */
  workerLost(worker = this.#worker): void {
    if (worker !== this.#worker) return;
    if (this.#tenure.fate === 'lost' || this.#tenure.phase === 'ending') return;
    const { shutdownBudgetMs } = this.#job.definition.policy;
    this.#pings = setInterval(ping, PING_MS).unref(); // V4
    this.#goodbyeMs = shutdownBudgetMs;
    this.#waitFor(shutdownBudgetMs); // V2
    this.#job.log.warn(
      { waitMs: shutdownBudgetMs },
      'the worker is gone; the call goes on until another job can have it',
    );
    this.#take({ type: 'worker.lost', mayFollow: this.#mayFollow });
  }

  /**
   * Another worker takes the calls from here on.
   * @param worker pid of the one that is replaced: a job of another one is not meant
   * @param graceMs by when the call has to be over; undefined: whenever it ends
   */
  workerReplaced(worker: number, graceMs: number | undefined): void {
    if (worker !== this.#worker || this.#tenure.phase !== 'held') return;
    if (graceMs !== undefined) {
      this.#goodbyeMs = Math.min(graceMs, lastWordsMs(this.#job.definition.policy));
      this.#waitFor(graceMs - this.#goodbyeMs); // V3
    }
    this.#take({ type: 'worker.replaced', mayFollow: this.#mayFollow, isTimed: graceMs !== undefined });
  }

  /**
   * The session of this call cannot go on, and the call does: another job is asked for.
   * @param signal until when; the process is gone before that, or this call has nobody else
   * @throws Error: no other job may have it, or none was there in time
   */
  async sessionLost(signal: AbortSignal): Promise<never> {
    if (!this.#mayFollow || !this.#mayBeLeft()) throw new Error('no other job may have this call');
    this.#job.log.warn({}, 'the session of this call is over; another job is asked to go on with it');
    this.#take({ type: 'session.lost' });
    if (!signal.aborted) await once(signal, 'abort');
    this.ended();
    throw new Error('no other job could have this call in time');
  }

  /** A process of the next worker is warm for this call. */
  handOver(): void {
    this.#take({ type: 'next.warm' });
  }

  /** The next job has been offered, and waits for this one to leave. */
  nextHere(): void {
    this.#take({ type: 'next.here' });
  }

  /** Another call has that process: it waits for the next one. */
  stay(): void {
    this.#take({ type: 'next.taken' });
  }

  /** The call is over, or somebody else has told it to end: what is left of the process still needs its pings. */
  ended(): void {
    this.#take({ type: 'ended' });
  }

  /** The process goes. */
  stop(): void {
    this.ended();
    clearInterval(this.#pings);
  }

  get #mayFollow(): boolean {
    return this.#job.definition.resume > 0;
  }

  #waitFor(ms: number): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#take({ type: 'late', mayBeLeft: this.#mayBeLeft() }), ms).unref();
  }

  #look(): void {
    const { run, tools, definition } = this.#job;
    const isCalm = run.hasTag('calm') && tools.size === 0 && !definition.program; // nobody knows whether one speaks
    this.#take({ type: 'looked', isCalm, mayBeLeft: this.#mayBeLeft(), passedMs: LOOK_MS });
  }

  #mayBeLeft(): boolean {
    const { run, venue } = this.#job;
    return !run.hasTag('leaving') && !run.hasTag('transferring') && venue.isCallerThere();
  }

  #take(event: TenureEvent): void {
    const { tenure, act } = nextTenure(this.#tenure, event);
    this.#tenure = tenure;
    if (tenure.phase === 'left' || tenure.phase === 'ending') clearTimeout(this.#patience);
    if (tenure.phase !== 'leaving' && tenure.phase !== 'calling') clearInterval(this.#looks);
    const { session, tell } = this.#options;
    if (act === 'call') tell({ type: 'job.leaving', session });
    if (act === 'stay') tell({ type: 'job.staying', session });
    if (act === 'tell') for (const message of this.hello()) tell(message);
    if (act === 'look') this.#looks = setInterval(() => this.#look(), LOOK_MS);
    if (act === 'leave.calm' || act === 'leave.late') this.#leave(act === 'leave.calm');
    if (act === 'end') this.#end();
  }

  #leave(isCalm: boolean): void {
    const { recorder, log, words } = this.#job;
    clearInterval(this.#pings);
    words?.upToNow();
    const why = this.#tenure.isMute && ('session_lost' as const);
    recorder.append('handed.over', { isCalm, ...(why && { why }) });
    log.info({ isCalm, why }, 'left to the next job');
    this.#options.leave();
  }

  #end(): void {
    const end =
      this.#tenure.fate === 'lost'
        ? endOf('system', 'worker_lost', 'platform', 'the worker process is gone')
        : endOf('operator', 'worker_shutdown', 'none', 'the worker is replaced, and its time is over');
    this.#job.run.send({ type: 'shutdown.requested', end, graceMs: this.#goodbyeMs });
  }
}

const ping = (): unknown =>
  process.emit('message', { case: 'pingRequest', value: { timestamp: Date.now() } }, undefined);
