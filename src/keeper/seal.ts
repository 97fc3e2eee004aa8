/**
 * Fold, seal, hand over to delivery. Only the keeper does this, and only here.
 *
 *   S1  The seal is a compare-and-set on the session: whoever comes second reads what the first one sealed.
 *   S2  A store that fails is asked again (supervision) until it works or the keeper ends; the journal is the truth
 *       meanwhile, and the next keeper on this directory finds the session unsealed.
 *   S3  Destinations hold secrets, so they live in the worker and in memory only. Nothing is sealed before a worker has
 *       said where reports go: without its deliveries in the same transaction, a report is lost to everybody if this
 *       keeper dies. Until then the session stays unsealed, for this keeper or the next.
 *   S4  A hang-up that nobody confirmed is written down before the report is sealed: after it nobody looks here again.
 */
import { setMaxListeners } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { JobFacts } from '../journal/entry.ts';
import { sessionFolder } from '../journal/folder.ts';
import { firstJob, type SessionId } from '../journal/ids.ts';
import type { WorkerHello } from '../link/messages.ts';
import { reportId } from '../report/fold.ts';
import { settledWithin, unlessAborted } from '../waiting/deadline.ts';
import { alertsFor, deliveriesFor } from '../delivery/rows.ts';
import type { SealedReport, Store } from '../store/store.ts';
import { foldHere, type Fold, type Folded } from './folding.ts';
import { owedBy } from './owed.ts';
import type { Known } from './reading.ts';
import type { Remembered } from './whole-journal.ts';

/** Reading and folding in it: the largest journal there is takes some ten seconds. */
const SEAL_MS = 60_000;

/** What its journals take on the disk; what cannot be seen takes nothing. */
const bytesOf = async (directory: string, session: SessionId): Promise<number> => {
  const folder = sessionFolder(directory, session);
  // With the folder of images.
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const facts = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return facts.reduce((sum, one) => sum + (one?.isFile() === true ? one.size : 0), 0);
};

const nothing = (directory: string, session: SessionId): Remembered => ({
  directory,
  session,
  facts: undefined,
  acceptedAt: Date.now(),
  epoch: 0,
  owner: undefined,
  tail: '',
});

export type Sealed = { report: string; bytes: number; /** false: it was sealed before. */ isFirst: boolean };
export type Sealer = {
  /**
   * One attempt.
   * @param isHangUpOwed the caller may still be on the line, also where the journal does not say so; default false
   * @param remembered what is known beside its files; default: nothing
   */
  seal(session: SessionId, log: Logger, isHangUpOwed?: boolean, remembered?: Remembered): Promise<Sealed>;
  stop(): void;
};

/** A session that failed, and not by its caller: whoever operates the agent wants to know now. */
const alertsOf = (
  { end, room }: Folded['report'],
  session: SessionId,
  at: number,
  { alerts }: WorkerHello,
  metadata: string,
) => {
  if (end.by !== 'system' || end.fault === 'none') return [];
  const detail = end.detail === null ? {} : { detail: end.detail };
  const message = `A call failed while ${end.stage}: ${end.reason} (${end.fault})`;
  const where = room === null ? {} : { room: room.name };
  return alertsFor({ session, ...where, at, reason: end.reason, message, ...detail }, alerts, metadata);
};

export function startSealer(options: {
  directory: string;
  store: Pick<Store, 'seal' | 'report' | 'owe'>;
  /** What the worker said; waits for one. */
  worker: () => Promise<WorkerHello>;
  /** There is something to deliver. */
  onSealed: () => void;
  /** A report is in the store for the first time: who ended its call, and why. */
  onEnded?: (end: { by: string; reason: string }) => void;
  /** This caller may come back into a room that nobody serves any more. */
  onMayReturn?: (who: { room: string; caller: string }) => void;
  /** There is somebody to hang up on. */
  onOwed: () => void;
  /** Default: on this thread. */
  fold?: Fold;
  log: Logger;
}): Sealer {
  const { directory, store, onSealed, onOwed, fold = foldHere } = options;
  const stopped = new AbortController();
  setMaxListeners(0, stopped.signal); // one for each seal that waits for a worker: many after a restart, and no leak

  /** S4. */
  const owe = async (session: SessionId, known: Known, { livekit }: WorkerHello, log: Logger) => {
    const owed = livekit && !known.isWithdrawn ? owedBy(session, known, livekit.url, Date.now()) : undefined;
    if (!owed || !(await store.owe(owed))) return;
    log.error({ room: owed.room }, 'nobody confirmed the hang-up: the caller may still be in the room; trying on');
    onOwed();
  };

  const sealOnce = async (
    session: SessionId,
    worker: WorkerHello,
    remembered: Remembered,
    isHangUpOwed: boolean,
    log: Logger,
  ): Promise<Sealed> => {
    const already = await store.report(session);
    if (already) return { report: already.report, bytes: Buffer.byteLength(already.body), isFirst: false };
    const { known, body, report: folded } = await fold(remembered);
    if (isHangUpOwed || known.isHangUpOwed) await owe(session, known, worker, log);
    else if (known.mayReturn && known.facts && known.caller !== undefined)
      options.onMayReturn?.({ room: known.facts.room.name, caller: known.caller });
    const report = reportId(session);
    const { epoch, job, agentName, room, metadata }: JobFacts = known.facts ?? {
      ...firstJob(session),
      agentName: '',
      room: { name: '', sid: '' },
      metadata: '',
    };
    const now = Date.now();
    const sealed: SealedReport = { session, report, sealedAt: now, body };
    const row = {
      session,
      epoch,
      job,
      room: room.name,
      agentName,
      acceptedAt: known.acceptedAt ?? known.openedAt ?? now,
      state: 'sealed' as const,
      bytes: Buffer.byteLength(body) + (await bytesOf(directory, session)),
      roomSid: room.sid,
      endedAt: folded.times.endedAt === null ? now : Date.parse(folded.times.endedAt),
      by: folded.end.by,
      reason: folded.end.reason,
    };
    const deliveries = [
      ...deliveriesFor(sealed, worker.reports, metadata),
      ...alertsOf(folded, session, now, worker, metadata),
    ];
    const isFirst = await store.seal(row, sealed, deliveries);
    if (!isFirst) {
      const first = await store.report(session); // S1
      return { report: first?.report ?? report, bytes: Buffer.byteLength(first?.body ?? body), isFirst };
    }
    options.onEnded?.({ by: folded.end.by, reason: folded.end.reason });
    return { report, bytes: Buffer.byteLength(body), isFirst };
  };

  return {
    async seal(session, log, isHangUpOwed = false, remembered = nothing(directory, session)) {
      const worker = await unlessAborted(options.worker(), stopped.signal); // S3
      const outcome = await settledWithin(sealOnce(session, worker, remembered, isHangUpOwed, log), SEAL_MS);
      if (outcome.kind === 'settled') {
        onSealed();
        return outcome.value;
      }
      const error = outcome.kind === 'failed' ? outcome.error : new Error(`no answer within ${SEAL_MS} ms`);
      log.error({ err: error }, 'the report could not be sealed; it is tried again'); // S2
      throw error;
    },
    stop() {
      stopped.abort();
    },
  };
}
