/**
 * The workers that are connected: the one that takes calls, the one that is to replace it, and those that were replaced.
 *
 *   W1  The next one says hello when its code is loaded; then the one that serves gives up the port of its health check.
 *   W2  It takes calls, and with them the other's place, when a process of it is warm: until then the other one does, and no
 *       caller waits for an import.
 *   W3  A call moves when it has a calm moment and a process of the next worker is warm for it (hand-over.ts).
 *   W4  One that was told to stop by somebody else takes no calls from then on. With `shutdown: 'finish'` the next one is
 *       started at once, and its calls move within the budget; with `end` they say goodbye, as they always did.
 */
import type { JobId, SessionId } from '../journal/ids.ts';
import type { FromKeeper, WorkerHello } from '../link/messages.ts';
import type { Peer } from '../link/server.ts';
import { HandOver, type MovingCalls } from './hand-over.ts';
import type { Standing, WorkerProcess } from './worker-process.ts';

export type ConnectedWorkersOptions = {
  process: Pick<WorkerProcess, 'standingOf' | 'ready' | 'leftBy' | 'replace' | 'pid'>;
  calls: MovingCalls & { warm: () => void };
  tellJobs: (message: FromKeeper) => void;
  /** The keeper ends: its worker is not replaced. */
  isEnding: () => boolean;
  /** W4: the calls of one that was told to stop are to end. */
  onDraining: () => void;
};

type Connected = {
  pid: number;
  hello: WorkerHello;
  standing: Standing;
  warm: number;
  /** It was replaced, and knows it: by when its calls have to be over; undefined: whenever they end. */
  retired?: { until: number | undefined };
};

export class ConnectedWorkers {
  readonly #options: ConnectedWorkersOptions;
  readonly #handOver: HandOver;
  readonly #peers = new Map<Peer, Connected>();
  /** A worker may be connected again before its earlier connection is gone. */
  #ready: Peer | undefined;
  /** Calls that have no process yet. */
  readonly #taken = new Set<JobId>();

  constructor(options: ConnectedWorkersOptions) {
    this.#options = options;
    this.#handOver = new HandOver(options.calls);
  }

  /** One takes calls. */
  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  helloOf(peer: Peer): WorkerHello | undefined {
    return this.#peers.get(peer)?.hello;
  }

  hello(peer: Peer, hello: WorkerHello): Standing {
    const { pid, retiring } = hello;
    const standing = retiring ? 'replaced' : (this.#options.process.standingOf(pid) ?? 'serving');
    const { leftMs } = retiring ?? {};
    const until = leftMs === undefined ? undefined : performance.now() + leftMs;
    this.#peers.set(peer, { pid, hello, standing, warm: 0, ...(retiring && { retired: { until } }) });
    if (standing === 'serving') this.#handOver.workerHere(pid);
    if (standing === 'next')
      for (const [other, { standing: theirs }] of this.#peers)
        if (theirs === 'serving') other.send({ type: 'port.wanted' }); // W1
    if (standing === 'replaced' && !retiring) peer.send({ type: 'worker.retire' }); // it was not to be reached then
    return standing;
  }

  ready(peer: Peer): void {
    const one = this.#peers.get(peer);
    if (!one || one.standing === 'replaced') return;
    const before = this.#options.process.ready(one.pid);
    one.standing = 'serving';
    this.#ready = peer;
    this.#handOver.workerHere(one.pid);
    this.#handOver.warm(one.warm);
    if (before !== undefined) this.#retire(before);
  }

  warm(peer: Peer, count: number): void {
    const one = this.#peers.get(peer);
    if (!one) return;
    one.warm = count;
    if (one.standing !== 'serving') return;
    this.#options.calls.warm(); // who waits for its next job is in more of a hurry than who waits for a calm moment
    this.#handOver.warm(count);
  }

  /** A call was taken, and is about to have a process. @param heirOf the session whose next job it is */
  taken(peer: Peer, job: JobId, heirOf: SessionId | undefined): void {
    if (this.#peers.get(peer)?.standing !== 'serving') return;
    this.#taken.add(job);
    this.#handOver.taken(heirOf);
  }

  launched(job: JobId): void {
    this.#taken.delete(job);
  }

  /** It was declined after all, or had no process. */
  unstarted(job: JobId): void {
    if (this.#taken.delete(job)) this.#handOver.givenBack();
  }

  draining(peer: Peer): void {
    const one = this.#peers.get(peer);
    if (!one || one.standing === 'replaced') return;
    if (this.#ready === peer) this.#ready = undefined;
    const { process, isEnding, onDraining } = this.#options;
    const { shutdown, policy } = one.hello;
    if (isEnding() || shutdown !== 'finish' || !process.leftBy(one.pid)) return onDraining();
    this.#retire(one.pid, policy.shutdownBudgetMs); // W4
  }

  gone(peer: Peer): void {
    this.#peers.delete(peer);
    if (this.#ready !== peer) return;
    this.#ready = undefined;
    this.#handOver.workerGone();
  }

  /** Its job waits for another one. @param worker pid of the one that it had, if that is gone */
  orphaned(session: SessionId, worker: number | undefined): void {
    this.#handOver.orphaned(session, worker);
  }

  /** What a job that has just connected may not have been told. Of a worker that is gone nothing: its pid may be another's. */
  news(): FromKeeper[] {
    return [...this.#peers.values()].flatMap(({ pid, retired }) =>
      retired ? replacedMessage(pid, retired.until) : [],
    );
  }

  /** @returns why not, or the pid of the one that takes the calls now. Never rejects. */
  async replace(): Promise<{ why: string } | { worker: number }> {
    const { process } = this.#options;
    const why = await process.replace();
    return why === undefined ? { worker: process.pid ?? 0 } : { why };
  }

  #retire(pid: number, graceMs?: number): void {
    const until = graceMs === undefined ? undefined : performance.now() + graceMs;
    for (const [peer, one] of this.#peers) {
      if (one.pid !== pid) continue;
      [one.standing, one.retired] = ['replaced', { until }];
      peer.send({ type: 'worker.retire' });
    }
    this.#options.tellJobs(replacedMessage(pid, until)); // W3
  }
}

const replacedMessage = (worker: number, until: number | undefined): FromKeeper => ({
  type: 'worker.replaced',
  worker,
  ...(until !== undefined && { graceMs: Math.max(0, Math.round(until - performance.now())) }),
});
