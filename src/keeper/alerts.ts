/** What the operator’s alert destinations should hear of: logged, and queued for them. */
import type { Logger } from 'pino';
import { alertsFor, factsIn } from '../delivery/rows.ts';
import type { ToKeeper } from '../link/messages.ts';
import type { Store } from '../store/store.ts';
import type { WorkerFacts } from './worker-facts.ts';

export type Alert = Omit<Extract<ToKeeper, { type: 'alert' }>, 'type'>;

/** *Effect.* @returns sends one; never throws, and what cannot be queued is logged */
export function openAlerts(options: {
  facts: Pick<WorkerFacts, 'known'>;
  store: Pick<Store, 'report' | 'enqueue'>;
  onQueued: () => void;
  log: Logger;
}): (alert: Alert) => void {
  const { facts, store, onQueued, log } = options;
  const queue = async ({ session, message, detail }: Alert): Promise<void> => {
    log.error({ session, detail }, message);
    const destinations = (await facts.known())?.alerts ?? [];
    const sealed = await store.report(session);
    const { metadata, ...known } = sealed ? factsIn(sealed) : { metadata: '' };
    await store.enqueue(alertsFor({ session, ...known, at: Date.now(), message, detail }, destinations, metadata));
    onQueued();
  };
  return (alert) => void queue(alert).catch((error: unknown) => log.error({ err: error }, 'an alert was lost'));
}
