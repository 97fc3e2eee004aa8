/**
 * A job process that waits for its call: what is the same for every call is found out now, and what a call runs in its
 * first instants is run once before. The way from the accepted job to `connect()` is silence to the caller.
 */
import { createHash } from 'node:crypto';
import { machineShape, sessionMachine } from '../../machines/index.ts';
import type { Owner } from '../journal/entry.ts';
import { thisProcess } from '../journal/owner.ts';
import { rehearse } from './rehearse.ts';

/** A process is made when another one gets its call: that call's greeting needs the processor more than a rehearsal. */
const QUIET_MS = 3000;

export type ProcessFacts = { owner: Owner; machineHash: string };

let isWaiting = true;
let known: Promise<ProcessFacts> | undefined;

/** Short, and the same for the same content. */
export const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

const find = async (): Promise<ProcessFacts> => ({
  owner: await thisProcess(),
  machineHash: hashOf(machineShape(sessionMachine)),
});

/** Returns at once; what it begins never fails a call. Ends the process when its worker dies before the call is there. */
export function standBy(): void {
  known ??= find();
  // The worker is gone, so no call will come; the SDK would let the process wait for 15 s after its prewarm.
  const leave = () => isWaiting && process.exit(0);
  process.once('disconnect', leave);
  setTimeout(() => void rehearse(() => isWaiting), QUIET_MS).unref();
}

/** The call is there. */
export function stepIn(): Promise<ProcessFacts> {
  isWaiting = false;
  known ??= find();
  return known;
}
