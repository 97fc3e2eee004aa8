/**
 * A job's end of the link: what it tells the keeper of its call, and what the keeper tells it to do.
 *
 *   D4  Whose session was taken out of its hands (it stood still, and woke up too late) leaves without a word, and hangs
 *       up on nobody: the report is sealed, or somebody else speaks.
 */
import { type End, endOf } from '../../machines/index.ts';
import type { Blobs } from '../journal/blobs.ts';
import type { Journal } from '../journal/write.ts';
import { connectLink, type Link } from '../link/client.ts';
import type { FromKeeper, ToKeeper } from '../link/messages.ts';
import { socketPath } from '../link/path.ts';
import { jobToken } from '../link/secret.ts';
import type { LiveJob } from '../livekit/live-job.ts';
import { isStale } from '../session/hang-up-strategy.ts';
import { closeJournal, sayClosed } from '../session/last-entry.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { OpeningEntry } from './first-entry.ts';
import { TenureWatch } from './tenure-watch.ts';

/** What an image of megabytes takes on a slow disk. The caller has been let go by then. */
const IMAGES_MS = 500;
/** Of a journal whose job leaves its call to another one. */
const CLOSE_MS = 1000;

type Parts = { job: LiveJob; journal: Journal; blobs: Blobs; first: OpeningEntry; directory: string };

export class JobLink {
  readonly #parts: Parts;
  readonly #link: Link;
  /** When the call is left to another job. */
  readonly tenure: TenureWatch;
  /** The last entry is being written: `sealed` is the answer to it. */
  #isLast = false;
  /** Without a word; the process ends a moment later. */
  #isLeaving = false;

  /** Looks for a keeper from here on. */
  constructor(parts: Parts) {
    const { job, first, directory } = parts;
    this.#parts = parts;
    // Its agent stays in the room until the next one removes it: to leave takes longer than that.
    const leave = () => void this.#leave();
    this.tenure = new TenureWatch(job, { session: first.session, tell: (message) => this.send(message), leave });
    this.#link = connectLink({
      path: process.env['LASTWORD_SOCKET'] ?? socketPath(directory),
      hello: () => [this.#hello(), ...this.tenure.hello()],
      log: job.log,
      onMessage: (message) => this.#take(message),
    });
  }

  send(message: ToKeeper): void {
    this.#link.send(message);
  }

  /**
   * Images that are still on their way, then the last entry, durable; then the keeper's word that the report is sealed,
   * for as long as the machine waits.
   */
  async report(end: End): Promise<void> {
    this.#isLast = true;
    const { job, journal, blobs, first } = this.#parts;
    const { run, definition } = job;
    const { session, epoch } = first;
    await settledWithin(blobs.written(), IMAGES_MS);
    journal.append('session.closed', {
      end,
      alsoTriggered: run.context().alsoTriggered,
      stage: run.stage() ?? 'connecting',
    });
    if (isStale(end)) {
      await journal.durable();
      this.send({ type: 'job.withdrawn', job: first.job, why: 'the dispatched room was gone' });
    } else await sayClosed({ session, epoch, journal, link: this.#link }, definition.policy.reportMs);
  }

  /** The call is over. */
  async close(): Promise<void> {
    const { journal, first } = this.#parts;
    this.tenure.stop();
    await closeJournal({ journal, link: this.#link, session: first.session });
    this.#link.close();
  }

  #hello(): ToKeeper {
    const { directory, first } = this.#parts;
    const { session, epoch, job, owner, identity } = first;
    const token = jobToken(directory, session); // read again each time: it may be readable by now
    return { type: 'hello.job', session, epoch, job, owner, identity, ...(token !== undefined && { token }) };
  }

  #take(message: FromKeeper): void {
    switch (message.type) {
      case 'yield':
        return this.#taken();
      case 'sealed':
        return this.#isLast ? undefined : this.#taken();
      case 'hand.over':
        return this.tenure.handOver();
      case 'next.here':
        return this.tenure.nextHere();
      case 'stay':
        return this.tenure.stay();
      case 'worker.replaced':
        return this.tenure.workerReplaced(message.worker, message.graceMs);
      case 'shutdown': {
        const { reason, graceMs, worker } = message;
        if (reason === 'worker_lost') return this.tenure.workerLost(worker);
        this.tenure.ended();
        return this.#parts.job.run.send({ type: 'shutdown.requested', end: endOf('operator', reason), graceMs });
      }
      default: // is for a worker
    }
  }

  /** D4. */
  #taken(): void {
    if (this.#isLeaving) return;
    const { log, venue } = this.#parts.job;
    log.warn({}, 'the keeper took the session in hand; leaving without a word');
    void this.#leave(venue.leave());
  }

  /** @param parting what else has to be over before the process ends; with a limit of its own */
  async #leave(parting?: Promise<void>): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    const { job, journal } = this.#parts;
    job.run.leave();
    await Promise.all([parting, settledWithin(journal.close(), CLOSE_MS)]);
    process.exit(0);
  }
}
