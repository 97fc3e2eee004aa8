/**
 * Lanes: rows that wait for the same receiver's answers. Pure.
 *
 * A receiver is an origin, however many URLs and destinations lead to it: what is slow or dead is the machine behind it.
 * A lane has a window, the attempts that may be under way at once. It opens while the receiver takes what it is sent,
 * and falls to the smallest at the first sign that it does not: a dead receiver with 10,000 rows costs a few places, and
 * a healthy one empties its backlog as quickly as it answers.
 */
import type { Destination } from '../link/destination.ts';
import type { AttemptOutcome } from './courier-messages.ts';
import { readAddress } from './metadata-url.ts';

/** Of a lane that nobody knows yet, or whose receiver fails. */
export const SMALLEST_WINDOW = 4;
/** Beside a round trip of 50 ms, and 50 ms of our own on a busy machine: 1,600 deliveries a second at one receiver. */
export const LARGEST_WINDOW = 160;
/**
 * Of a receiver that answers at once. What is under way is then on its way through the store, and few requests at a time
 * are at the receiver: with 160 a third of two cores was left idle, with 480 (7,300 deliveries a second) a sixth.
 */
export const QUICK_WINDOW = 480;
/** From the attempt that is written down to its outcome; of it, 20 ms are ours on two busy cores. */
const QUICK_MS = 40;

const originOf = (url: string | undefined): string | undefined =>
  url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;

/** *Pure.* */
export const laneOf = (destination: Destination, address: string): string => {
  switch (destination.kind) {
    case 'webhook':
      return originOf(destination.url ?? readAddress(address).url) ?? destination.name;
    case 'slack':
      return originOf(destination.url) ?? destination.name;
    default:
      return `${destination.kind} ${destination.name}`;
  }
};

/**
 * *Pure.* One more with each answer that takes a row, as TCP opens; back to the smallest with any other. Beyond the
 * largest only while answers come at once, and back to it with the first that does not.
 */
export const windowAfter = (
  window: number,
  { kind, ...outcome }: AttemptOutcome,
  tookMs: number | undefined,
): number => {
  if (kind === 'unbegun' || kind === 'refused') return window; // says nothing of the receiver
  const isAnswered = 'status' in outcome && outcome.status < 300;
  if (!isAnswered && kind !== 'done') return SMALLEST_WINDOW;
  const isQuick = isAnswered && tookMs !== undefined && tookMs <= QUICK_MS; // a disk has its threads, and no more
  return Math.min(isQuick ? QUICK_WINDOW : LARGEST_WINDOW, window + 1);
};
