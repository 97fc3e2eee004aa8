/**
 * The supervision machine at work for one session: what is heard of its job becomes events, and its effects are carried
 * out. What may happen, and in which order, is in the machine; here is what the keeper knows of the session meanwhile.
 *
 *   F5  A call has one agent. A room that was called for twice, or that calls again because a server started anew made
 *       it again, is served already; whoever has ended is not in the way of the next call in a room of the same name.
 *   F7  An effect that is late goes on by itself, and is not begun a second time beside the first.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createActor, fromPromise, type Actor } from 'xstate';
import type { Logger } from 'pino';
import {
  defaultPolicy,
  supervisionMachine,
  type Noticed,
  type Policy,
  type SupervisionEffects,
  type SupervisionEvent,
  type SupervisionInput,
} from '../../machines/index.ts';
import type { EntryData, JobFacts, Owner } from '../journal/entry.ts';
import { journalPath } from '../journal/folder.ts';
import { isAlive } from '../journal/owner.ts';
import type { FromKeeper, JobHello } from '../link/messages.ts';
import type { Peer } from '../link/server.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Store } from '../store/store.ts';
import { openEvidence, type Evidence } from './evidence.ts';
import { openNotes } from './notes.ts';
import { defaultHangUp, whatIsKnown, type Known } from './reading.ts';
import { recover, type Apologize } from './recover.ts';
import type { Sealed } from './seal.ts';
import { openRow } from './session-row.ts';
import { readWhole, type Remembered } from './whole-journal.ts';

/** How soon after its socket a process that was killed is gone: 2 to 13 ms measured; then it is asked with the pulse. */
const DEATH_PAUSES_MS = [0, 2, 5, 10, 20, 40, 80];
const LAST_DEATH_PAUSE_MS = 250;
/** Whoever is refused asks again within 2 s (LAST_RETRY_MS of the link): twice as long, and a core that came late. */
const REFUSED_MS = 5_000;
/** A day: far more than the longest call of a default policy, and less than a clock that was wrong is corrected by. */
const OLDEST_MS = 86_400_000;
/** A call waits for this answer, and its worker not much longer. */
const SERVED_MS = 500;

export type SuperviseOptions = {
  directory: string;
  store: Pick<Store, 'putSession' | 'dropSession'>;
  /** LiveKit's server API; null when there is none. Waits for the worker that knows it. */
  rooms: () => Promise<Rooms | null>;
  /** A worker has said where LiveKit is. */
  isWorkerHere: () => boolean;
  apologize: () => Apologize | undefined;
  /** Is this process in the process group of a worker of this keeper? Nobody else is killed. Default: yes, for tests. */
  isOfWorker?: (owner: Owner) => Promise<boolean>;
  /** Could a job that lost its connection have come back? Default: yes, for tests. */
  isReachable?: () => boolean;
  /** What speaks for a silent job; the system's word unless a test says otherwise. */
  evidence?: () => Evidence;
  /** One attempt. */
  seal: (session: string, log: Logger, isHangUpOwed: boolean, remembered: Remembered) => Promise<Sealed>;
  log: Logger;
};

export type Supervised = {
  readonly session: string;
  /** Not sealed and not withdrawn yet. */
  readonly isOpen: boolean;
  /** Resolves when it is sealed or withdrawn, or when the keeper ended first; never rejects. */
  readonly over: Promise<void>;
  readonly hasPeer: boolean;
  /** Resolves when the job is on disk. @throws JournalError */
  accept(accepted: EntryData['session.accepted']): Promise<void>;
  /** As the journal has it, after a restart of the keeper. */
  adopt(known: Known): void;
  /** Declined by the worker after all, or left by the job because its room was gone: no session, and no report. */
  withdraw(why: string): Promise<void>;
  hello(peer: Peer, message: JobHello): void;
  /** Is this the live call that another job was offered for? */
  serves(offered: JobFacts): Promise<boolean>;
  /** What is heard of it: launched, unstarted, a beat, closed, a worker that is here, a budget that is spent. */
  send(event: SupervisionEvent, why?: string): void;
  /** Its hello was refused, its own or a stranger's: whoever is silent then is not killed before LiveKit was asked. */
  refused(): void;
  /** Its job has closed its journal; `unwritten` are lines that its disk did not take. */
  closed(unwritten: string): void;
  gone(peer: Peer): void;
  /** @param lateMs how long the keeper itself could hear nobody */
  tick(lateMs: number): void;
  tell(message: FromKeeper): void;
  /** Not ours to settle: sealed before. Does nothing to one that is being settled. */
  drop(): void;
  /** The keeper ends. */
  stop(): void;
};

/**
 * The clock may have been set meanwhile. An age that no session can have (ahead), or that is negative (back), says
 * nothing: then it has its time to start once more, and nobody is called dead by a calendar.
 */
const elapsedSince = (acceptedAt: number | undefined): number => {
  const elapsedMs = acceptedAt === undefined ? 0 : Date.now() - acceptedAt;
  return elapsedMs >= 0 && elapsedMs <= OLDEST_MS ? elapsedMs : 0;
};

export function superviseSession(session: string, options: SuperviseOptions, offered?: JobFacts): Supervised {
  const { directory, store } = options;
  let log = options.log.child({ session });
  const isOfWorker = options.isOfWorker ?? (async () => true);
  const isReachable = options.isReachable ?? (() => true);
  const notes = openNotes(directory, session, log);
  const evidence = (options.evidence ?? openEvidence)();
  /** What is known of the session. */
  let facts = offered;
  let policy: Policy = defaultPolicy;
  let epoch = 0;
  let owner: Owner | undefined;
  let identity: string | undefined;
  let known: Known | undefined; // as its journal was read last
  /** Its job, over the socket. */
  let peer: Peer | undefined;
  let lastSign = performance.now();
  let refusedAt = -Infinity;
  let tail = ''; // what its job could not write any more
  let actor: Actor<typeof supervisionMachine> | undefined;
  let report: string | undefined;
  let sealing: Promise<Sealed> | undefined;
  let finish: () => void = () => undefined;
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    finish = () => {
      isOver = true;
      resolve();
    };
  });

  const suspect = () => ({ owner, journal: journalPath(directory, session, String(Math.max(1, epoch))) });
  const learn = (found: Known) => {
    known = found;
    facts ??= found.facts;
    policy = { ...policy, ...found.policy }; // of an older version: without the newer limits
    epoch = found.opened?.epoch ?? epoch;
    owner = found.opened?.owner ?? owner;
    identity = found.opened?.identity ?? identity;
    if (facts) log = options.log.child({ session, job: facts.job, room: facts.room.name });
  };
  const remembered = (): Remembered => ({
    directory,
    session,
    facts: known?.facts ?? facts,
    acceptedAt: acceptedAt(),
    epoch,
    owner,
    tail,
  });
  const read = async (): Promise<Known> => {
    const found = whatIsKnown(await readWhole(remembered()));
    learn(found);
    return found;
  };
  const journalOf = (found: Known) =>
    found.isWithdrawn ? 'withdrawn' : found.isClosed ? 'closed' : found.opened ? 'opened' : 'none';
  const index = openRow({
    session,
    store,
    log: () => log,
    row: async () => {
      if (!facts) await read();
      const { job, room, agentName } = facts ?? { job: session, room: { name: '', sid: '' }, agentName: '' };
      return { session, job, room: room.name, roomSid: room.sid, agentName, acceptedAt: acceptedAt() };
    },
  });
  let begunAt = Date.now();
  const acceptedAt = () => known?.acceptedAt ?? begunAt;

  const kill = async (victim: Owner, signal: AbortSignal) => {
    if ((await isAlive(victim)) !== 'alive') return;
    if (!(await isOfWorker(victim)))
      return log.warn({ pid: victim.pid }, 'the job is outside the process group of the worker; it is not killed');
    try {
      process.kill(victim.pid, 'SIGKILL');
    } catch (error) {
      log.warn({ err: error, pid: victim.pid }, 'the job could not be killed');
    }
    // What it writes after this would be missing in the report.
    while (!signal.aborted && (await isAlive(victim)) === 'alive') await pause(5);
  };

  type Act = {
    [Name in keyof SupervisionEffects]: (
      input: SupervisionEffects[Name]['input'],
      signal: AbortSignal,
    ) => Promise<SupervisionEffects[Name]['output']>;
  };
  const act: Act = {
    async look() {
      try {
        const journal = journalOf(await read());
        return { journal: journal === 'withdrawn' ? 'none' : journal };
      } catch {
        return { journal: 'unreadable' };
      }
    },
    async awaitDeath(_, signal) {
      const pauses = DEATH_PAUSES_MS.values();
      for (;;) {
        if (owner && (await isAlive(owner)) === 'dead') return;
        await pause(pauses.next().value ?? LAST_DEATH_PAUSE_MS, undefined, { signal });
      }
    },
    async ask() {
      const verdict = await evidence.verdict(suspect());
      if (verdict.process !== 'alive' || !owner) return verdict;
      // It could not reach us, or may not speak, or is no process of ours: silence says nothing, and LiveKit is asked.
      const isBarred = !isReachable() || performance.now() - refusedAt < REFUSED_MS;
      return isBarred || !(await isOfWorker(owner)) ? { ...verdict, process: 'unknown' } : verdict;
    },
    async askRoom(_, signal) {
      const rooms = await options.rooms();
      if (!rooms || !facts) throw new Error('there is no LiveKit to ask');
      const occupants = await rooms.occupants(facts.room.name, signal);
      const agentThere = occupants.some((one) =>
        identity === undefined ? one.kind === 'agent' : one.identity === identity,
      );
      // LiveKit lists a dead agent for 20 s: whom it does not list sooner may have yet to join.
      if (!agentThere && performance.now() - lastSign < policy.startMs) throw new Error('it may have yet to join');
      return { agentThere };
    },
    async secure({ noticed: what }, signal) {
      if (owner && what !== 'died') await kill(owner, signal);
      return { journal: journalOf(await read()) };
    },
    async recover({ noticed: what }, signal) {
      index.put('recovering');
      return await recover({
        room: facts?.room.name ?? '',
        roomSid: (known?.facts ?? facts)?.room.sid ?? '',
        agent: identity,
        caller: known?.caller,
        policy,
        hangUp: known?.hangUp ?? defaultHangUp,
        end: known?.end ?? null,
        isReleased: known?.isReleased ?? false,
        isUnopened: what === 'unopened' && known?.isLost !== true, // an agent that nobody knows of may be its own
        rooms: facts ? await options.rooms() : null,
        apologize: options.apologize(),
        signal,
        notes,
        log,
      });
    },
    async seal({ isHangUpOwed }) {
      sealing ??= (async () => {
        await notes.durable();
        return await options.seal(session, log, isHangUpOwed, remembered());
      })().finally(() => (sealing = undefined)); // F7
      const { isFirst, ...sealed } = await sealing;
      report = sealed.report;
      if (!isFirst) return;
      notes.append('keeper.sealed', sealed);
      log.info(sealed, 'report sealed');
    },
  };
  const provide = <Name extends keyof SupervisionEffects>(name: Name) =>
    fromPromise<SupervisionEffects[Name]['output'], SupervisionEffects[Name]['input']>(async ({ input, signal }) => {
      try {
        return await act[name](input, signal);
      } catch (error) {
        if (!signal.aborted && name !== 'seal')
          log.warn({ err: error, effect: name }, 'an effect of the supervision failed');
        throw error;
      }
    });

  /** Said once each: what the keeper decided, for whoever reads the journal or the log. */
  let noticed: Noticed | null = null;
  let place = '';
  let why: string | undefined;
  const onState = () => {
    if (!actor) return;
    const snapshot = actor.getSnapshot();
    const now = JSON.stringify(snapshot.value);
    if (now === place) return;
    if (snapshot.matches('looking'))
      why ??= place.includes('beginning')
        ? `a warm process opened no journal within ${policy.warmStartMs} ms`
        : `no process was ready within ${policy.startMs} ms`;
    place = now;
    if (snapshot.matches('running')) [noticed, why] = [null, undefined];
    if (snapshot.matches({ running: 'heard' })) index.put('open');
    if (!snapshot.matches('securing')) return;
    noticed = snapshot.context.noticed;
    const detail = detailOf(noticed, snapshot.context.excusedMs);
    if (noticed) notes.append('keeper.noticed', { what: noticed, epoch, ...(detail !== undefined && { detail }) });
    log.warn({ what: noticed, epoch }, 'a session without a living job; the keeper takes it in hand');
  };
  const detailOf = (what: Noticed | null, excusedMs: number): string | undefined => {
    if (why !== undefined || what === 'died' || what === 'unopened') return why;
    if (what === 'gone') return 'its agent is not in the room';
    const waited = excusedMs > 1 ? ', and it waited for a core' : '';
    return `no beat for ${Math.round(performance.now() - lastSign)} ms${waited}`;
  };

  const begin = (input: Pick<SupervisionInput, 'elapsedMs' | 'journal'>) => {
    if (actor || isOver) return;
    begunAt = Date.now() - input.elapsedMs;
    actor = createActor(
      supervisionMachine.provide({
        actors: {
          look: provide('look'),
          awaitDeath: provide('awaitDeath'),
          ask: provide('ask'),
          askRoom: provide('askRoom'),
          secure: provide('secure'),
          recover: provide('recover'),
          seal: provide('seal'),
        },
      }),
      { input: { ...input, policy, isWorkerHere: options.isWorkerHere() } },
    );
    actor.subscribe({
      next: onState,
      complete: () => {
        if (report !== undefined) peer?.send({ type: 'sealed', session, report });
        void notes.close().then(finish);
      },
      error: (error) => {
        log.error({ err: error }, 'the supervision failed; the next keeper on this directory goes on');
        void notes.close().then(finish);
      },
    });
    actor.start();
  };
  const isIn = (...states: ('accepted' | 'looking' | 'running' | 'suspect')[]) =>
    states.some((state) => actor?.getSnapshot().matches(state) === true);
  /** Also while its acceptance is being written: it serves its room already. */
  const isUnsettled = () => !isOver && (!actor || isIn('accepted', 'looking', 'running', 'suspect'));

  return {
    session,
    over,
    get isOpen() {
      return !isOver;
    },
    get hasPeer() {
      return peer !== undefined;
    },

    async accept(accepted) {
      facts = { job: accepted.job, agentName: accepted.agentName, room: accepted.room, metadata: accepted.metadata };
      policy = accepted.policy;
      log = options.log.child({ session, job: facts.job, room: facts.room.name });
      await notes.begin({ kind: 'session.accepted', data: accepted });
      index.put('open'); // who comes after a crash finds it there, among a million that are sealed
      begin({ elapsedMs: 0, journal: 'none' });
    },

    adopt(found) {
      learn(found);
      const journal = journalOf(found);
      if (journal === 'withdrawn') return finish();
      begin({ elapsedMs: elapsedSince(found.acceptedAt), journal });
    },

    async withdraw(why) {
      if (!isUnsettled()) return;
      notes.append('session.withdrawn', { why });
      index.drop();
      log.info({ why }, 'withdrawn: no session');
      isOver = actor === undefined; // nobody begins it any more
      if (actor) actor.send({ type: 'job.withdrawn' });
      else await notes.close().then(finish);
      await over;
    },

    hello(from, message) {
      peer = from;
      const settled = isUnsettled() ? undefined : actor?.getSnapshot().context;
      if (settled?.noticed) return from.send({ type: 'yield' });
      if (report !== undefined) return from.send({ type: 'sealed', session, report });
      if (!isUnsettled()) return;
      ({ epoch, owner, identity } = message);
      log.info({ epoch, pid: owner.pid }, 'following the job');
      begin({ elapsedMs: 0, journal: 'opened' });
      this.send({ type: 'job.here' });
    },

    async serves({ agentName, room }) {
      if (!isUnsettled()) return false;
      if (!facts || facts.room.name !== room.name || facts.agentName !== agentName) return false;
      const found = await read().catch(() => undefined);
      if (found?.end || found?.isClosed) return false;
      if (facts.room.sid === room.sid) return true;
      const rooms = await options.rooms();
      const there = (await rooms?.occupants(room.name, AbortSignal.timeout(SERVED_MS)).catch(() => [])) ?? [];
      return there.some((occupant) => occupant.identity === identity);
    },

    send(event, reason) {
      why = reason ?? why;
      if (event.type === 'job.beat' || event.type === 'job.here') {
        lastSign = performance.now();
        evidence.heard();
      }
      if (event.type === 'job.closed' && report !== undefined) peer?.send({ type: 'sealed', session, report });
      actor?.send(event);
    },

    refused() {
      refusedAt = performance.now();
    },

    closed(unwritten) {
      if (unwritten !== '')
        log.warn({ bytes: unwritten.length }, 'the disk did not take the end of a journal; its job has handed it over');
      tail = unwritten;
      this.send({ type: 'job.closed' });
    },

    gone(from) {
      if (peer !== from) return; // it is back already, over another connection
      peer = undefined;
      actor?.send({ type: 'job.lost' });
    },

    tick(lateMs) {
      if (lateMs > 0) evidence.wasDeaf(lateMs);
      if (isIn('running', 'suspect') && performance.now() - lastSign > 2 * policy.beatMs) evidence.missed(suspect());
    },

    tell(message) {
      peer?.send(message);
    },

    drop() {
      if (isUnsettled()) this.stop();
    },

    stop() {
      actor?.stop();
      void notes.close();
      finish();
    },
  };
}
