/**
 * Every session that this keeper is responsible for, and which message belongs to which. What becomes of one is
 * the supervision's business (supervise.ts); here they are found, begun, found again after a restart, and told to end.
 */
import { rm } from 'node:fs/promises';
import type { JobFacts } from '../journal/entry.ts';
import { sessionFolder } from '../journal/folder.ts';
import type { JobId, SessionId } from '../journal/ids.ts';
import type { FromKeeper, JobHello, ToKeeper, WorkerHello } from '../link/messages.ts';
import type { Peer } from '../link/server.ts';
import type { SoundsTold } from '../session/sound-watch.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { SessionRow, Store } from '../store/store.ts';
import { whatIsKnown } from './reading.ts';
import { SealedDispatches } from './sealed-dispatches.ts';
import { superviseSession, type Supervised, type SuperviseOptions } from './supervise.ts';
import { unsealedFolders, unsealedRows } from './unsealed.ts';
import { startPulse } from './pulse.ts';
import { readWhole } from './whole-journal.ts';

/** A quarter of the default limit for missing beats, and cheap: it compares numbers. */
const PULSE_MS = 250;
const STORE_MS = 5_000;
/** A worker waits 2 s for its answer, and asks again. */
const ROWS_MS = 1_500;
const WITHDRAWN_MS = 86_400_000;
/** Everything was sent once: nobody's receivers get it again because a file was removed. */
const DATABASE_LOST =
  'sessions were sealed, and the database does not have them: was it removed, or is LASTWORD_STORE another one? They are not sent again; put it back, or start once with LASTWORD_SEAL_AGAIN=1';

export type Sessions = {
  /**
   * Finds what an earlier keeper left unsealed. Resolves when all that the store knows of is followed; sealing, and the
   * look at folders without a row, go on behind it.
   */
  adopt(): Promise<void>;
  /** @returns when it is answered: undefined for one that is declined, else whose next job it is, if anybody's. Never rejects. */
  offered(
    peer: Peer,
    message: Extract<ToKeeper, { type: 'job.offered' }>,
    worker: WorkerHello,
  ): Promise<{ heirOf?: SessionId } | undefined>;
  launched(job: JobId): void;
  unstarted(job: JobId, why: string): void;
  withdrawn(job: JobId, why: string): void;
  hello(peer: Peer, message: JobHello): void;
  /** Somebody wanted to speak for it, and may not: nobody is killed for a silence that we made ourselves. */
  refused(session: SessionId): void;
  beat(session: SessionId, told?: Partial<SoundsTold>): void;
  /** The caller hears a job that took the session over. */
  heard(session: SessionId, epoch: number): void;
  /** Its job is about to leave it to the next one, or stays after all. */
  leaving(session: SessionId): void;
  staying(session: SessionId): void;
  /** @param tail lines of its journal that its disk did not take */
  closed(session: SessionId, tail?: string): void;
  /** An operator ends one call, within `budgetMs`. @returns why not; undefined: its job was told */
  end(session: SessionId, budgetMs: number): string | undefined;
  /** A process is warm for the call of a job whose worker is gone, or has been replaced. */
  handOver(session: SessionId): void;
  /** Another call has that process. */
  keep(session: SessionId): void;
  isOpen(session: SessionId): boolean;
  /** A process of the worker waits for a call. */
  warm(): void;
  /** A connection is gone, whoever it was. */
  gone(peer: Peer): void;
  /** Is a session going on in this room, or about to? */
  serves(room: string): boolean;
  readonly openCount: number;
  /** How many are open, by the state of their supervision. */
  readonly stages: Record<string, number>;
  /**
   * Tells every running job, and every one that turns up later, to end within `budgetMs`; nothing new is accepted from
   * here on. They are told when `graceMs` of it are left (default: at once).
   */
  shutDown(budgetMs: number, graceMs?: number): void;
  /** The worker was told to stop by somebody else: its jobs are told, and those of the next worker are not. */
  draining(budgetMs: number, graceMs: number): void;
  /** A worker has said where LiveKit is, and where reports go. */
  workerHere(): void;
  /** Tells every running job; those that are ending with this keeper are left alone. */
  tellAll(message: FromKeeper): void;
  /** Resolves when no session is open any more. */
  settled(): Promise<void>;
  /** Kills what still runs, hangs up, seals. */
  force(): void;
  stop(): void;
};

export type SessionsOptions = Omit<SuperviseOptions, 'store'> & {
  store: Pick<Store, 'putSession' | 'session' | 'report' | 'unsealed' | 'withoutReport' | 'dropSession'>;
};

/** *Pure.* What the store knows of a session whose journal may be gone. */
const factsOf = ({ session, epoch, job, agentName, room, roomSid = '' }: SessionRow): JobFacts => ({
  session,
  epoch,
  job,
  agentName,
  room: { name: room, sid: roomSid },
  metadata: '',
});

export function trackSessions(options: SessionsOptions): Sessions {
  const { directory, store, log } = options;
  const supervised = new Map<SessionId, Supervised>();
  let endingAt: number | undefined;
  let telling: NodeJS.Timeout | undefined;
  let areTold = false;
  const stopping = new AbortController();
  /** What the store has of unsealed sessions is followed. */
  let rowsRead: Promise<void> = Promise.resolve();
  let adopted: Promise<void> = Promise.resolve();
  /** Written down by a keeper that died before its worker had the answer, as far as anybody knows: it may ask again. */
  const unanswered = new Set<SessionId>();
  const sealed = new SealedDispatches();
  let sealedElsewhere = 0;
  const sealsAgain = process.env['LASTWORD_SEAL_AGAIN'] === '1';

  const forget = (one: Supervised) => {
    if (!one.isOpen && !one.hasPeer && supervised.get(one.session) === one) supervised.delete(one.session);
  };
  const follow = (session: SessionId, offered?: JobFacts): Supervised => {
    const mayResume = () => endingAt === undefined;
    const one = superviseSession(session, { ...options, mayResume }, offered);
    supervised.set(session, one);
    void one.over.then(() => {
      options.counts?.over(session);
      unanswered.delete(session);
      if (one.isSealed) sealed.add(session, one.dispatches);
      forget(one);
    });
    return one;
  };
  /** Whose job it is now: of one that was taken over nothing is expected any more. */
  const withJob = (job: JobId): Supervised | undefined => [...supervised.values()].find((one) => one.job === job);
  const pulse = startPulse(PULSE_MS, (lateMs) => {
    if (lateMs > 1_000)
      log.warn({ lateMs: Math.round(lateMs) }, 'the keeper itself stood still; the time is given back');
    for (const one of supervised.values()) one.tick(lateMs);
  });

  const sealedReport = async (session: SessionId): Promise<string | undefined> => {
    const found = await settledWithin(store.report(session), STORE_MS);
    return found.kind === 'settled' ? found.value?.report : undefined;
  };

  const shutdownMessage = (): FromKeeper => ({
    type: 'shutdown',
    graceMs: Math.max(0, Math.round((endingAt ?? 0) - performance.now())),
    reason: 'worker_shutdown',
  });

  const tellToEnd = () => {
    areTold = true;
    clearTimeout(telling);
    for (const one of supervised.values()) if (one.isOpen) one.tell(shutdownMessage());
  };

  /** A job that was declined after all. Its folder says for a day that it was offered. */
  const clear = async (session: SessionId, offeredAt = 0): Promise<void> => {
    await store.dropSession(session);
    if (Date.now() - offeredAt > WITHDRAWN_MS)
      await rm(sessionFolder(directory, session), { recursive: true, force: true });
  };
  const adoptOne = async (session: SessionId, row?: SessionRow): Promise<void> => {
    try {
      if (supervised.has(session)) return;
      const facts = row && factsOf(row);
      const remembered = { directory, session, facts, acceptedAt: row?.acceptedAt ?? Date.now() };
      const known = whatIsKnown(await readWhole({ ...remembered, epoch: 0, owner: undefined, tail: '' }));
      if (supervised.has(session)) return; // its hello was quicker
      if (known.isWithdrawn) return await clear(session, known.acceptedAt);
      if (known.isSealed && !row && !sealsAgain) return void (sealedElsewhere += 1);
      log.info({ session }, 'unsealed session found');
      if (!known.opened) unanswered.add(session);
      follow(session, facts).adopt(known);
    } catch (error) {
      log.error({ session, err: error }, 'a session cannot be read; it is left as it is');
    }
  };

  /** A job that begins a session. Resolves when it is on disk. @throws Error: why it is declined */
  const begun = async (facts: JobFacts, { pid, hangUp, policy, waitsForTracks }: WorkerHello): Promise<true> => {
    const before = [...supervised.values()];
    const one = follow(facts.session, facts);
    const served = await Promise.all(before.map((other) => other.serves(facts)));
    const serving = before[served.indexOf(true)];
    if (serving) {
      one.drop();
      throw new Error(`this call has its agent already: session ${serving.session}`);
    }
    // Where a job is for a participant, one dispatch has many.
    const follows = waitsForTracks ? undefined : sealed.sessionOf(facts.dispatch);
    if (follows)
      log.warn({ job: facts.job, follows }, 'LiveKit begins a job again whose session is sealed: a new session');
    try {
      await one.accept({ ...facts, worker: `pid ${pid}`, hangUp, policy, ...(follows && { follows }) });
      return true;
    } catch (error) {
      log.error({ job: facts.job, err: error }, 'a job cannot be recorded, so it is not accepted');
      await one.withdraw('it could not be written down');
      throw new Error('it could not be written down', { cause: error });
    }
  };

  /** F5 of supervise.ts, also while the next job is on its way: one that somebody else called for would be a second voice. */
  const refusingOthers = (heir: Supervised) => (isNext: boolean) => {
    if (isNext) return true;
    throw new Error(`this call has its agent already: session ${heir.session}, whose next job is awaited`);
  };

  return {
    async adopt() {
      const asked = { directory, store, log, signal: stopping.signal };
      rowsRead = unsealedRows(asked).then(async (rows) => {
        for (const row of rows) await adoptOne(row.session, row);
      });
      await rowsRead;
      adopted = (async () => {
        for await (const session of unsealedFolders(asked)) await adoptOne(session);
        if (sealedElsewhere > 0) log.error({ sessions: sealedElsewhere }, DATABASE_LOST);
      })().catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ err: error }, 'the sessions on the disk could not be looked through');
      });
    },

    async offered(peer, { request, facts }, worker) {
      const refuse = (why: string) => {
        log.warn({ job: facts.job, why }, 'a job is declined');
        peer.send({ type: 'job.refused', request, why });
        return undefined;
      };
      await settledWithin(rowsRead, ROWS_MS); // its call may be one of those
      if (endingAt !== undefined) return refuse('this keeper is ending');
      if (supervised.has(facts.session)) {
        if (!unanswered.delete(facts.session)) return refuse('it is followed already');
        peer.send({ type: 'job.recorded', request });
        return {};
      }
      const heir = [...supervised.values()].find((one) => one.awaits(facts));
      try {
        const isOurs = await (heir ? heir.succeeds(facts).then(refusingOthers(heir)) : begun(facts, worker));
        if (!isOurs) return undefined;
        peer.send({ type: 'job.recorded', request });
        return heir ? { heirOf: heir.session } : {};
      } catch (error) {
        return refuse(messageOf(error));
      }
    },

    launched(job) {
      withJob(job)?.send({ type: 'job.launched' });
    },
    unstarted(job, why) {
      const one = withJob(job);
      one?.lostSuccessor(job);
      one?.send({ type: 'job.unstarted' }, why);
    },
    withdrawn(job, why) {
      const one = withJob(job);
      one?.lostSuccessor(job);
      void one?.withdraw(why);
    },

    hello(peer, message) {
      const { session } = message;
      unanswered.delete(session);
      const known = supervised.get(session);
      const one = known ?? follow(session);
      one.hello(peer, message);
      if (areTold) one.tell(shutdownMessage());
      if (known) return;
      // Nobody knew it: sealed by an earlier keeper, or begun without an offer.
      void sealedReport(session).then((report) => {
        if (report === undefined) return;
        one.tell({ type: 'sealed', session, report });
        return one.drop();
      });
    },

    refused(session) {
      supervised.get(session)?.refused();
    },
    beat(session, told = {}) {
      const one = supervised.get(session);
      one?.send({ type: 'job.beat' });
      if (one?.isOpen) options.counts?.beat(session, told);
    },
    heard(session, epoch) {
      supervised.get(session)?.heard(epoch);
    },
    leaving(session) {
      supervised.get(session)?.leaving();
    },
    staying(session) {
      supervised.get(session)?.staying();
    },
    closed(session, tail = '') {
      supervised.get(session)?.closed(tail);
    },
    end(session, budgetMs) {
      const one = supervised.get(session);
      if (!one?.isOpen) return 'expected a call that is going on, got one that is over or not known';
      if (!one.hasPeer)
        return 'its process is not connected: it is only starting, or it is gone and its caller is being let go';
      log.info({ session }, 'an operator ends this call');
      one.tell({ type: 'shutdown', graceMs: budgetMs, reason: 'operator_ended' });
      return undefined;
    },
    handOver(session) {
      const one = supervised.get(session);
      if (!one?.isOpen || endingAt !== undefined) return;
      log.info({ session }, 'a process is warm for this call; its job leaves as soon as it may');
      one.tell({ type: 'hand.over' });
    },
    keep(session) {
      supervised.get(session)?.tell({ type: 'stay' });
    },
    isOpen(session) {
      return supervised.get(session)?.isOpen === true;
    },
    warm() {
      for (const one of supervised.values()) one.warm();
    },
    gone(peer) {
      for (const one of supervised.values()) {
        one.gone(peer);
        forget(one);
      }
    },

    serves(room) {
      return [...supervised.values()].some((one) => one.isOpen && one.room === room);
    },
    get openCount() {
      return [...supervised.values()].filter(({ isOpen }) => isOpen).length;
    },

    get stages() {
      const stages: Record<string, number> = {};
      for (const { isOpen, stage } of supervised.values()) if (isOpen) stages[stage] = (stages[stage] ?? 0) + 1;
      return stages;
    },

    shutDown(budgetMs, graceMs = budgetMs) {
      endingAt = Math.min(endingAt ?? Infinity, performance.now() + budgetMs);
      clearTimeout(telling);
      areTold = false;
      telling = setTimeout(tellToEnd, budgetMs - graceMs);
      if (graceMs >= budgetMs) tellToEnd();
    },
    draining(budgetMs, graceMs) {
      const tell = () => this.tellAll({ type: 'shutdown', graceMs, reason: 'worker_shutdown' });
      if (graceMs >= budgetMs) tell();
      else telling ??= setTimeout(tell, budgetMs - graceMs);
    },
    workerHere() {
      for (const one of supervised.values()) one.send({ type: 'worker.here' });
    },
    tellAll(message) {
      if (areTold) return; // and by when they have to be gone
      for (const one of supervised.values()) if (one.isOpen) one.tell(message);
    },
    async settled() {
      await adopted; // whoever is not found yet is open, too
      for (;;) {
        const open = [...supervised.values()].filter(({ isOpen }) => isOpen);
        if (open.length === 0) return;
        await Promise.all(open.map(({ over }) => over));
      }
    },
    force() {
      for (const one of supervised.values()) one.send({ type: 'budget.spent' }, 'still open when the budget was spent');
    },
    stop() {
      stopping.abort();
      clearTimeout(telling);
      pulse.stop();
      for (const one of supervised.values()) one.stop();
    },
  };
}
