/** Between the keeper and its courier, over the channel of the fork: lists of these, in order. `ride` numbers an attempt. */
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import type { Destination } from '../link/destination.ts';
import type { NewDelivery } from '../store/store.ts';

export const NO_BODY = 'the database has no body for this delivery: its report was removed, or the file is damaged';

export type Carried = Pick<NewDelivery, 'delivery' | 'session' | 'report' | 'destination' | 'kind' | 'body'>;

/**
 * `unbegun`: no request was made, and none will be; the row is as it was.
 * `hasDied`: the process that carried the row has ended.
 */
export type AttemptOutcome = (DeliveryOutcome | { kind: 'unbegun'; error: string }) & { hasDied?: boolean };

/** Carries a row to its receiver, once, and reads its body itself: what may take long is not on the relay's way. */
export type Carrier = {
  /**
   * One attempt; never rejects. `stop` ends it early: then nothing is known of what the receiver got.
   * @param begin asked before the request is made: false, and it is not made
   */
  attempt(
    destination: Destination,
    row: Omit<Carried, 'body'> & { deaths: number },
    stop: AbortSignal,
    begin: () => Promise<boolean>,
  ): Promise<AttemptOutcome>;
  close(): Promise<void>;
};

export type ToCourier =
  /** What its name means from now on; said before the first row that is carried there. */
  | { type: 'destination'; destination: Destination }
  | { type: 'carry'; ride: number; to: string; row: Omit<Carried, 'body'>; body?: string }
  /** The attempt is written down: the request may be made. */
  | { type: 'go'; ride: number }
  /** Ends the attempt early. */
  | { type: 'leave'; ride: number };

export type FromCourier =
  /** Everything is there for the request; it waits for `go`. */
  | { type: 'begin'; ride: number }
  | { type: 'done'; ride: number; outcome: AttemptOutcome }
  /** A child of the courier that runs a user's module: whoever ends the courier ends it, too. */
  | { type: 'module'; pid: number; isThere: boolean }
  /** Work on a disk that hangs has taken many of its threads: another courier is to carry what comes. */
  | { type: 'worn' };
