/** Rows that wait in a store, and the real keeper that delivers them: `lastword start` with its store's thread and its courier. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { laneOf } from '../../../src/delivery/lane.ts';
import type { WebhookDestination } from '../../../src/link/destination.ts';
import type { NewDelivery } from '../../../src/store/store.ts';
import { Siege } from '../../siege/harness/siege.ts';
import { sessionIdOf } from '../../../src/journal/ids.ts';

export const hook = (name: string, url: string): WebhookDestination => ({
  kind: 'webhook',
  name,
  url,
  secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  headers: {},
  allowPrivate: true,
});

export const rowFor = (destination: WebhookDestination, id: string, body: string): NewDelivery => ({
  delivery: `d-${id}`,
  session: sessionIdOf(`AJ_${id}`),
  report: id,
  destination: destination.name,
  lane: laneOf(destination, destination.name),
  kind: 'report',
  body,
  nextAt: Date.now(),
});

/** A keeper that is not running yet, with rows that are due; its log goes to a file. */
export async function keeperWith(reports: WebhookDestination[], rows: NewDelivery[]) {
  const siege = await Siege.lay({ reports });
  mkdirSync(siege.directory, { mode: 0o700 });
  await siege.withStore((store) => store.enqueue(rows));
  const log = openSync(join(siege.scenario.scratch, 'log'), 'w');
  return {
    siege,
    start: (nodeFlags: string[] = [], env: Record<string, string> = {}) =>
      siege.keeper({ stdout: log, nodeFlags, env }),
    async [Symbol.asyncDispose]() {
      await siege[Symbol.asyncDispose]();
      closeSync(log);
    },
  };
}
