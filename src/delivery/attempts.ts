/**
 * One attempt at one row, and what becomes of it, as a row again.
 *
 *   L1  a row is attempted only under a lease, and settled only with it; without an answer it is never called delivered
 *   L2  claim durable → carried → begin durable → request → settled durable: what was claimed and not begun is no attempt
 *   L3  a store that fails is asked again; an attempt that worked is written down before anything else happens to its row
 */
import type { Logger } from 'pino';
import { decide, type DeliveryDecision, type DeliveryPolicy } from '../../machines/delivery.ts';
import type { Destination } from '../link/destination.ts';
import { forPeople } from '../output/for-people.ts';
import type { Attempt, Claimed, Delivery, Settlement, Store } from '../store/store.ts';
import type { AttemptOutcome, Carrier } from './courier-messages.ts';
import { addressForPeople, readAddress } from './metadata-url.ts';
import type { Place } from './places.ts';
import type { RelayClock } from './relay-clock.ts';

const SETTLE_TRIES = 5;
/** After an attempt that was not even begun: the courier died, and the next one is there by then. */
const UNBEGUN_MS = 1_000;

export type AttemptsOptions = {
  store: Pick<Store, 'begin' | 'settle' | 'release'>;
  sender: Carrier;
  destinations: () => readonly Destination[];
  policy: DeliveryPolicy;
  clock: RelayClock;
  /** The relay ends. */
  stop: AbortSignal;
  log: Logger;
  onDelivered?: (delivery: Delivery) => void;
  onRetry?: (delivery: Delivery) => void;
  onDead?: (delivery: Delivery, error: string) => void;
};

/** *Pure.* */
const attemptOf = (outcome: AttemptOutcome, destination: Destination, at: number, now: number): Attempt => {
  const isSigned = destination.kind === 'webhook' && outcome.kind !== 'refused';
  const signed = isSigned ? { signatures: destination.secrets.length } : {};
  const times = { at: Math.round(at), ms: Math.round(now - at), ...signed };
  if (outcome.kind === 'done') return times;
  if (outcome.kind !== 'answered') return { ...times, error: forPeople(outcome.error) };
  const { status, answer } = outcome;
  return { ...times, status, ...(answer !== undefined && { answer }) };
};

/** @returns makes an attempt at a row that was claimed; rejects only where its row stays with its lease */
export const attempts = (options: AttemptsOptions): ((row: Claimed, place: Place) => Promise<void>) => {
  const { store, sender, destinations, policy, clock, stop, log } = options;
  const { now, random, within, pause } = clock;

  const told = (hook: () => void): void => {
    try {
      hook();
    } catch (error) {
      log.error({ err: error }, 'a hook of the relay has thrown');
    }
  };

  const settlementOf = (decision: DeliveryDecision, hasDied: boolean): Settlement => {
    switch (decision.kind) {
      case 'delivered':
        return { kind: 'delivered', at: now() };
      case 'retry':
        return { kind: 'retry', nextAt: now() + decision.afterMs, error: forPeople(decision.error), hasDied };
      case 'dead':
        return { kind: 'dead', at: now(), error: forPeople(decision.error) };
    }
  };

  /** L3. False when the row is no longer ours, or the store did not take it: then its lease brings it back. */
  const writeDown = async (row: Claimed, settlement: Settlement): Promise<boolean> => {
    for (let attempt = 1; attempt <= SETTLE_TRIES; attempt += 1) {
      try {
        return await within(store.settle(row.delivery, row.lease, settlement), 'settle');
      } catch (error) {
        log.warn({ err: error, delivery: row.delivery, attempt }, 'a delivery could not be written down');
        if (attempt < SETTLE_TRIES) await pause(100 * 2 ** attempt);
      }
    }
    log.error(
      { delivery: row.delivery },
      `a delivery was ${settlement.kind} and the store did not take it: it will be sent again`,
    );
    return false;
  };

  const settle = async (
    row: Claimed,
    destination: Destination,
    outcome: AttemptOutcome,
    begunAt: number | undefined,
  ): Promise<void> => {
    // Ended by us: nobody knows whether the receiver has it, and stop() gives the row back.
    if (stop.aborted && (outcome.kind === 'failed' || outcome.kind === 'unbegun')) return;
    const attempts = row.attempts + (begunAt === undefined ? 0 : 1);
    const hasDied = outcome.hasDied === true;
    const decided: Settlement =
      outcome.kind === 'unbegun'
        ? { kind: 'retry', nextAt: now() + UNBEGUN_MS, error: outcome.error, hasDied }
        : settlementOf(
            decide({ attempts, sinceFirstMs: now() - (row.firstAt ?? begunAt ?? 0) }, outcome, policy, random()),
            hasDied,
          );
    const attempt = begunAt === undefined ? undefined : attemptOf(outcome, destination, begunAt, now());
    const settlement = { ...decided, ...(attempt && { attempt }) };
    if (!(await writeDown(row, settlement))) return;
    const { delivery, session } = row;
    const facts = { session, delivery, destination: addressForPeople(row.destination), attempts };
    switch (settlement.kind) {
      case 'delivered':
        log.info(facts, `${row.kind} delivered`);
        told(() => options.onDelivered?.(row));
        break;
      case 'retry':
        log.warn(
          { ...facts, nextAt: settlement.nextAt },
          `${row.kind} not delivered, will be tried again: ${settlement.error}`,
        );
        told(() => options.onRetry?.(row));
        break;
      case 'dead':
        log.error(facts, `${row.kind} not delivered, dead letter: ${settlement.error}`);
        told(() => options.onDead?.(row, settlement.error));
        break;
    }
  };

  const destinationOf = (row: Claimed) => {
    const { name } = readAddress(row.destination);
    return destinations().find((one) => one.name === name);
  };

  return async (row, place) => {
    const destination = destinationOf(row);
    if (destination === undefined) return void (await within(store.release(row.delivery, row.lease), 'give back'));
    let begunAt: number | undefined;
    const begin = async (): Promise<boolean> => {
      const at = now();
      if (!(await within(store.begin(row.delivery, row.lease, at), 'begin'))) return false; // L2
      begunAt = at;
      return true;
    };
    const outcome = await sender.attempt(destination, row, stop, begin);
    place.learn(outcome, begunAt === undefined ? undefined : now() - begunAt);
    await settle(row, destination, outcome, begunAt);
  };
};
