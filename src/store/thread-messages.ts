/** Between a store in a thread and whoever asks it. */
import type { Store, StoreErrorCode } from './store.ts';

export type Told = { code: StoreErrorCode; message: string };
export type StoreCall = { id: number; method: Exclude<keyof Store, 'close'>; given: readonly unknown[] };
/** To a thread, in lists. */
export type StoreRequest = StoreCall | 'close';
/** The first that a thread says. */
export type Opened = { isOpen: true } | { isOpen: false; error: Told };
/** From a thread, in lists, as calls are: a message between threads costs more than most of them. */
export type StoreAnswer = { id: number; value: unknown } | { id: number; error: Told };

/** Every method of the port. Those that write share a transaction, those that read need none. */
export const methods: { readonly [Method in StoreCall['method']]: 'reads' | 'writes' } = {
  putSession: 'writes',
  session: 'reads',
  sessions: 'reads',
  seal: 'writes',
  report: 'reads',
  enqueue: 'writes',
  claim: 'writes',
  begin: 'writes',
  settle: 'writes',
  release: 'writes',
  reclaim: 'writes',
  nextDue: 'reads',
  delivery: 'reads',
  body: 'reads',
  owedByName: 'reads',
  oldestOwed: 'reads',
  deliveries: 'reads',
  owe: 'writes',
  takeOwed: 'writes',
  hastenOwed: 'writes',
  settleHangUp: 'writes',
  nextOwed: 'reads',
  hangUps: 'reads',
  dropSession: 'writes',
  unsealed: 'reads',
  wasServed: 'reads',
  withoutReport: 'reads',
  withoutRow: 'reads',
  kept: 'reads',
  keptBytes: 'reads',
  find: 'reads',
  owedOf: 'reads',
  purge: 'writes',
  purgeUnserved: 'writes',
};
