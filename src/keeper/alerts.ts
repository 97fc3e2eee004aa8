/** What an operator should hear of: into the log, and to the destinations that the worker named. */
import type { Logger } from 'pino';
import { alertsFor, factsIn, type Alert } from '../delivery/rows.ts';
import type { Store } from '../store/store.ts';
import type { WorkerFacts } from './worker-facts.ts';

/** `metadata`: the job's, where there is no report to take it from. */
export type NewAlert = Omit<Alert, 'at' | 'reason'> & { metadata?: string };

/** *Effect.* Waits for a worker that says where alerts go. Never rejects. */
export const openAlerts =
  (options: {
    facts: Pick<WorkerFacts, 'known'>;
    store: Pick<Store, 'report' | 'enqueue'>;
    /** There are rows to deliver. */
    wake: () => void;
    log: Logger;
  }) =>
  async ({ metadata = '', ...alert }: NewAlert): Promise<void> => {
    const { facts, store, wake, log } = options;
    const { session, message, detail } = alert;
    try {
      log.error({ session, detail }, message);
      const destinations = (await facts.known())?.alerts ?? [];
      const sealed = await store.report(session);
      const { metadata: sealedMetadata, ...known } = sealed ? factsIn(sealed) : { metadata };
      await store.enqueue(alertsFor({ ...alert, ...known, at: Date.now() }, destinations, sealedMetadata));
      wake();
    } catch (error) {
      log.error({ err: error }, 'an alert was lost');
    }
  };
