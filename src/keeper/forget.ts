/**
 * Forgetting sealed sessions, by rule or because somebody asked: journal, report, deliveries, hang-ups.
 *
 *   G1  The folder goes first. A session whose row went first would look unsealed to the next keeper, and be sent again.
 *   G2  What was forgotten is noted in `purged.jsonl`: how many, why, of which time; and which, where somebody asked.
 */
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sessionFolder } from '../journal/folder.ts';
import type { SessionId } from '../journal/ids.ts';
import { messageOf } from '../errors/thrown.ts';
import type { KeptSession, Store } from '../store/store.ts';

export type Forgotten = {
  sessions: number;
  deliveries: number;
  bytes: number;
  failed: { session: SessionId; why: string }[];
};

export const purgeRecord = (directory: string): string => join(directory, 'purged.jsonl');

/** In one transaction, which holds the database for 11 ms: a keeper that runs beside it does not notice. */
const AT_ONCE = 100;

/** *Effect.* @throws StoreError, when folders are gone and rows are not: the next time they go, too */
export async function forget(
  where: { directory: string; store: Pick<Store, 'purge'> },
  those: readonly KeptSession[],
  why: string,
  isNamed = false,
): Promise<Forgotten> {
  const all: Forgotten = { sessions: 0, deliveries: 0, bytes: 0, failed: [] };
  for (let at = 0; at < those.length; at += AT_ONCE) {
    const some = await forgetSome(where, those.slice(at, at + AT_ONCE), why, isNamed);
    all.sessions += some.sessions;
    all.deliveries += some.deliveries;
    all.bytes += some.bytes;
    all.failed.push(...some.failed);
  }
  return all;
}

async function forgetSome(
  { directory, store }: { directory: string; store: Pick<Store, 'purge'> },
  those: readonly KeptSession[],
  why: string,
  isNamed: boolean,
): Promise<Forgotten> {
  const gone: KeptSession[] = [];
  const failed: Forgotten['failed'] = [];
  for (const one of those) {
    try {
      await rm(sessionFolder(directory, one.session), { recursive: true, force: true }); // G1
      gone.push(one);
    } catch (error) {
      failed.push({ session: one.session, why: messageOf(error) });
    }
  }
  if (gone.length === 0) return { sessions: 0, deliveries: 0, bytes: 0, failed };
  const { sessions, deliveries } = await store.purge(gone.map(({ session }) => session));
  const bytes = gone.reduce((sum, one) => sum + one.bytes, 0);
  const times = gone.map(({ sealedAt }) => sealedAt);
  const line = {
    at: Date.now(),
    why,
    sessions,
    deliveries,
    bytes,
    sealedFrom: Math.min(...times),
    sealedTo: Math.max(...times),
    ...(isNamed && { named: gone.map(({ session }) => session) }),
  };
  await appendFile(purgeRecord(directory), `${JSON.stringify(line)}\n`, { mode: 0o600 }); // G2
  return { sessions, deliveries, bytes, failed };
}
