/**
 * A job process that waits for its call: what is the same for every call is found out now, and what a call runs in its
 * first instants is run once before. The way from the accepted job to `connect()` is silence to the caller.
 */
import { createHash } from 'node:crypto';
import { log as sdkLog } from '@livekit/agents';
import { machineShape, sessionMachine } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Owner } from '../journal/entry.ts';
import { thisProcess } from '../journal/owner.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { rehearse } from './rehearse.ts';
import { IMPORTED, tellPool } from './tell-pool.ts';

/** Inside the worker's limit for import and prewarm (worker/serve.ts), after which it kills the process and starts another. */
const PREWARM_MS = 8000;
/** A process is made when another one gets its call: that call's greeting needs the processor more than a rehearsal. */
const QUIET_MS = 3000;

/** What a call finds in its process. */
export type ProcessFacts = {
  owner: Owner;
  machineHash: string;
  /** What `prewarm` threw, if it did. */
  prewarmFailure: unknown;
};
type Known = Omit<ProcessFacts, 'prewarmFailure'>;

/** Short, and the same for the same content. */
export const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

const find = async (): Promise<Known> => ({
  owner: await thisProcess(),
  machineHash: hashOf(machineShape(sessionMachine)),
});

export class WarmProcess {
  #prewarmFailure: unknown;
  /** Until the call is there. */
  #isWaiting = true;
  /** Looked for once. */
  #known: Promise<Known> | undefined;

  /**
   * Returns at once; what it begins never fails a call. Ends the process when its worker dies before the call is there.
   * @param kept what `prewarm` leaves for the calls of this process
   */
  standBy(kept: Record<string, unknown>): void {
    this.#known ??= find();
    // The worker is gone, so no call will come; the SDK would let the process wait for 15 s after its prewarm.
    process.once('disconnect', () => this.#isWaiting && process.exit(0));
    setTimeout(() => void rehearse(() => this.#isWaiting, kept), QUIET_MS).unref();
    tellPool(IMPORTED);
  }

  /** Runs the user's own `prewarm`. What it throws, or that it hangs, is remembered for the call, whose caller hears the apology. */
  async prewarm(work: () => unknown): Promise<void> {
    const outcome = await settledWithin((async () => work())(), PREWARM_MS);
    if (outcome.kind === 'settled') return;
    const late = `prewarm did not settle within ${PREWARM_MS} ms`;
    // What was thrown may be `undefined`, and has to be remembered all the same.
    const error = new Error(outcome.kind === 'failed' ? messageOf(outcome.error) : late, { cause: outcome });
    sdkLog().error({ error: messageOf(error) }, 'prewarm failed; the next call of this process hears the apology');
    this.#prewarmFailure = error;
  }

  /** The call is there. */
  async stepIn(): Promise<ProcessFacts> {
    this.#isWaiting = false;
    this.#known ??= find();
    return { ...(await this.#known), prewarmFailure: this.#prewarmFailure };
  }
}
