/** Between the keeper and its courier, over the channel of the fork. Types only. `ride` numbers an attempt. */
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import type { Destination } from '../link/destination.ts';
import type { Delivery } from '../store/store.ts';

export type Carried = Pick<Delivery, 'delivery' | 'session' | 'report' | 'destination' | 'kind' | 'body'>;

/** `unbegun`: no request was made, and none will be; the row is as it was. */
export type Outcome = DeliveryOutcome | { kind: 'unbegun'; error: string };

export type ToCourier =
  | { type: 'carry'; ride: number; destination: Destination; row: Carried }
  /** The attempt is written down: the request may be made. */
  | { type: 'go'; ride: number }
  /** Ends the attempt early. */
  | { type: 'leave'; ride: number };

export type FromCourier =
  /** Everything is there for the request; it waits for `go`. */
  | { type: 'begin'; ride: number }
  | { type: 'done'; ride: number; outcome: Outcome }
  /** A child of the courier that runs a user's module: whoever ends the courier ends it, too. */
  | { type: 'module'; pid: number; isThere: boolean }
  /** Work on a disk that hangs has taken many of its threads: another courier is to carry what comes. */
  | { type: 'worn' };
