/**
 * The supervision machine at work for one session: what is heard of its job becomes events. What may happen, and in
 * which order, is in the machine; its effects are in supervision-effects.ts, what is known meanwhile in known-session.ts.
 *
 *   F5  A call has one agent. A room that was called for twice, or that calls again because a server started anew made
 *       it again, is served already; whoever has ended is not in the way of the next call in a room of the same name.
 */
import type { Logger } from 'pino';
import {
  supervisionMachine,
  type Noticed,
  type SupervisionEvent,
  type SupervisionTag,
  type SupervisionInput,
} from '../../machines/index.ts';
import type { EntryData, JobFacts, Owner } from '../journal/entry.ts';
import type { JobId, SessionId } from '../journal/ids.ts';
import type { FromKeeper, JobHello } from '../link/messages.ts';
import type { Peer } from '../link/server.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { type MachineRun, runMachine } from '../session/run-machine.ts';
import type { Store } from '../store/store.ts';
import { stopwatch } from '../waiting/deadline.ts';
import { openEvidence, type Evidence } from './evidence.ts';
import type { KeeperCounts } from './keeper-counts.ts';
import { journalStateOf, KnownSession } from './known-session.ts';
import { openNotes } from './notes.ts';
import type { Known } from './reading.ts';
import type { ApologyRecording } from './apologize.ts';
import type { Apologize } from './recover.ts';
import type { Sealed } from './seal.ts';
import { openRow } from './session-row.ts';
import { Succession } from './succession.ts';
import { killer, supervisionEffects } from './supervision-effects.ts';
import type { Remembered } from './whole-journal.ts';

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
  /** With this recording; undefined where nobody can be reached. */
  apologize: (recording: ApologyRecording) => Apologize | undefined;
  /** Not while this keeper ends: nobody would be there for the next job. Default: yes. */
  mayResume?: () => boolean;
  /** Is this process in the process group of a worker of this keeper? Nobody else is killed. Default: yes, for tests. */
  isOfWorker?: (owner: Owner) => Promise<boolean>;
  /** Could a job that lost its connection have come back? Default: yes, for tests. */
  isReachable?: () => boolean;
  /** What speaks for a silent job; the system's word unless a test says otherwise. */
  evidence?: () => Evidence;
  /** One attempt. */
  seal: (session: SessionId, log: Logger, isHangUpOwed: boolean, remembered: Remembered) => Promise<Sealed>;
  /** What happened, for whoever counts (keeper-counts.ts). */
  counts?: KeeperCounts;
  log: Logger;
};

export type Supervised = {
  readonly session: SessionId;
  /** Its job that was heard of last. */
  readonly job: JobId;
  /** Not sealed and not withdrawn yet. */
  readonly isOpen: boolean;
  /** Its room's name, as soon as that is known. */
  readonly room: string | undefined;
  /** Resolves when it is sealed or withdrawn, or when the keeper ended first; never rejects. */
  readonly over: Promise<void>;
  readonly hasPeer: boolean;
  /** By this keeper; not one that was withdrawn, or that an earlier keeper had sealed. */
  readonly isSealed: boolean;
  /** All that brought it a job, as far as they are known. */
  readonly dispatches: readonly string[];
  /** The state of its supervision, by its outermost name. */
  readonly stage: string;
  /** Resolves when the job is on disk. @throws JournalError */
  accept(accepted: EntryData['session.accepted']): Promise<void>;
  /** As the journal has it, after a restart of the keeper. */
  adopt(known: Known): void;
  /** Declined by the worker after all, or left by the job because its room was gone: no session, and no report. */
  withdraw(why: string): Promise<void>;
  hello(peer: Peer, message: JobHello): void;
  /** Is this the live call that another job was offered for? */
  serves(offered: JobFacts): Promise<boolean>;
  /** Is an agent called for again, to this job's room, or about to be? Then it is asked whether the job is its next one. */
  awaits(offered: JobFacts): boolean;
  /** Is it? Then that is on disk. @throws Error when it comes too late */
  succeeds(offered: JobFacts): Promise<boolean>;
  /** A process of the worker is warm, for whoever waits for its next job. */
  warm(): void;
  /** The caller hears the job that took it over. */
  heard(epoch: number): void;
  /** The job that was to take it over will not. */
  lostSuccessor(job: JobId): void;
  /** Its job leaves it to the next one in a moment. */
  leaving(): void;
  /** It does not, after all. */
  staying(): void;
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

export function superviseSession(session: SessionId, options: SuperviseOptions, offered?: JobFacts): Supervised {
  const { directory, store } = options;
  const known = new KnownSession({ session, directory, log: options.log, offered });
  const notes = openNotes(directory, session, known.log);
  const evidence = (options.evidence ?? openEvidence)();
  const index = openRow({ session, store, log: () => known.log, row: () => known.row() });
  /** Its job, over the socket. */
  let peer: Peer | undefined;
  let machine: MachineRun<typeof supervisionMachine, SupervisionEvent> | undefined;
  let report: string | undefined;
  let finish: () => void = () => undefined;
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    finish = () => {
      isOver = true;
      succession.takeBack();
      resolve();
    };
  });
  const onSealed = (sealed: string) => (report = sealed);
  const kill = killer({ known, options });
  const dismiss = () => peer?.send({ type: 'yield' });
  const nextIsHere = () => peer?.send({ type: 'next.here' });
  const succession = new Succession({ directory, known, notes, end: kill, dismiss, nextIsHere });
  const effects = supervisionEffects({ known, notes, index, evidence, options, succession, kill, onSealed });

  /** Said once each: what the keeper decided, for whoever reads the journal or the log. */
  let noticed: Noticed | null = null;
  let place = '';
  let why: string | undefined;
  /** The epoch whose job was told to leave its call to the next one; what befalls that one is its own. */
  let leftEpoch: number | undefined;
  const onStates = () => {
    if (!machine) return;
    const snapshot = machine.snapshot();
    const now = JSON.stringify(snapshot.value);
    if (snapshot.hasTag('late'))
      why ??= place.includes('beginning')
        ? `a warm process opened no journal within ${known.policy.warmStartMs} ms`
        : `no process was ready within ${known.policy.startMs} ms`;
    place = now;
    if (snapshot.hasTag('alive')) [noticed, why] = [null, undefined];
    if (snapshot.hasTag('heard')) index.put('open');
    if (!snapshot.hasTag('taken')) return;
    noticed = snapshot.context.noticed;
    const { epoch } = known;
    const detail = detailOf(noticed, snapshot.context.excusedMs);
    if (noticed) options.counts?.noticed(noticed);
    if (noticed) notes.append('keeper.noticed', { what: noticed, epoch, ...(detail !== undefined && { detail }) });
    known.log.warn({ what: noticed, epoch }, 'a session without a living job; the keeper takes it in hand');
  };
  const detailOf = (what: Noticed | null, excusedMs: number): string | undefined => {
    if (what === 'died' && known.epoch === leftEpoch)
      return 'its worker was gone or replaced: it left its call to the next job';
    if (why !== undefined || what === 'died' || what === 'unopened') return why;
    if (what === 'gone') return 'its agent is not in the room';
    const waited = excusedMs > 1 ? ', and it waited for a core' : '';
    return `no beat for ${Math.round(known.silentMs)} ms${waited}`;
  };

  const begin = (input: Pick<SupervisionInput, 'elapsedMs' | 'journal'>) => {
    if (machine || isOver) return;
    known.begunAt = Date.now() - input.elapsedMs;
    machine = runMachine<typeof supervisionMachine, SupervisionEvent>({
      machine: 'supervision',
      chart: supervisionMachine,
      input: { ...input, policy: known.policy, isWorkerHere: options.isWorkerHere() } satisfies SupervisionInput,
      note: (kind, data) => notes.append(kind, data),
      isTerse: true,
      onStates,
      onFailedEffect: (effect, _, error) =>
        void (effect === 'seal' || known.log.warn({ err: error, effect }, 'an effect of the supervision failed')),
      onDone: () => {
        if (report !== undefined) peer?.send({ type: 'sealed', session, report });
        void notes.close().then(finish);
      },
      onFailed: (error) => {
        known.log.error({ err: error }, 'the supervision failed; the next keeper on this directory goes on');
        void notes.close().then(finish);
      },
      onTrouble: (error) => known.log.error({ err: error }, 'what the supervision received went wrong'),
    });
    machine.start(effects);
  };
  const hasTag = (tag: SupervisionTag) => machine?.snapshot().hasTag(tag) === true;
  /** Its job is dead, and nobody was called for yet: whoever comes to the same room now is its next job, or nobody. */
  const isBetweenJobs = ({ agentName, room }: JobFacts): boolean => {
    const facts = known.journal?.facts ?? known.facts;
    const isSame = facts?.agentName === agentName && facts.room.name === room.name && facts.room.sid === room.sid;
    const value = machine?.snapshot().value;
    return isSame && (value === 'securing' || value === 'awaitingWorker' || value === 'recovering');
  };
  /** Also while its acceptance is being written: it serves its room already. */
  const isUnsettled = () => !isOver && (!machine || hasTag('undecided'));

  return {
    session,
    over,
    get job() {
      return known.job;
    },
    get isOpen() {
      return !isOver;
    },
    get room() {
      return known.facts?.room.name;
    },
    get hasPeer() {
      return peer !== undefined;
    },
    get isSealed() {
      return report !== undefined;
    },
    get dispatches() {
      return known.dispatches;
    },
    get stage() {
      const value = machine?.snapshot().value ?? 'accepted';
      return typeof value === 'string' ? value : (Object.keys(value)[0] ?? 'accepted');
    },

    async accept(accepted) {
      known.accepted(accepted);
      const takenMs = stopwatch();
      await notes.begin({ kind: 'session.accepted', data: accepted });
      options.counts?.accepted(takenMs());
      index.put('open'); // who comes after a crash finds it there, among a million that are sealed
      begin({ elapsedMs: 0, journal: 'none' });
    },

    adopt(found) {
      known.learn(found);
      const journal = journalStateOf(found);
      if (journal === 'withdrawn') return finish();
      begin({ elapsedMs: elapsedSince(found.acceptedAt), journal });
    },

    async withdraw(why) {
      if (!isUnsettled()) return;
      notes.append('session.withdrawn', { why });
      index.drop();
      known.log.info({ why }, 'withdrawn: no session');
      isOver = machine === undefined; // nobody begins it any more
      if (machine) machine.send({ type: 'job.withdrawn' });
      else await notes.close().then(finish);
      await over;
    },

    hello(from, message) {
      peer = from;
      if (succession.isOf(message)) {
        known.hello(message);
        known.log.info({ epoch: message.epoch, pid: message.owner.pid }, 'the next job is here; it is to be heard');
        return;
      }
      const settled = isUnsettled() ? undefined : machine?.snapshot().context;
      if (settled?.noticed) return from.send({ type: 'yield' });
      if (report !== undefined) return from.send({ type: 'sealed', session, report });
      if (!isUnsettled()) return;
      known.hello(message);
      known.log.info({ epoch: message.epoch, pid: message.owner.pid }, 'following the job');
      begin({ elapsedMs: 0, journal: 'opened' });
      this.send({ type: 'job.here' });
    },

    async serves({ agentName, room }) {
      if (!isUnsettled()) return false;
      const { facts } = known;
      if (!facts || facts.room.name !== room.name || facts.agentName !== agentName) return false;
      const found = await known.read().catch(() => undefined);
      if (found?.end || found?.isClosed) return false;
      if (facts.room.sid === room.sid) return true;
      const rooms = await options.rooms();
      const there = (await rooms?.occupants(room.name, AbortSignal.timeout(SERVED_MS)).catch(() => [])) ?? [];
      return there.some((occupant) => occupant.identity === known.identity);
    },

    awaits: (facts) => succession.concerns(facts) || isBetweenJobs(facts),
    succeeds: (facts) => succession.offered(facts),
    warm: () => succession.warm(),
    heard: (epoch) => succession.heard(epoch),
    lostSuccessor: (job) => succession.lost(job),
    leaving() {
      if (!isOver && options.mayResume?.() !== false) succession.callAhead(options.rooms());
    },
    staying: () => succession.takeBack(),

    send(event, reason) {
      why = reason ?? why;
      if (event.type === 'job.beat' || event.type === 'job.here') {
        known.heard();
        evidence.heard();
      }
      if (event.type === 'job.closed' && report !== undefined) peer?.send({ type: 'sealed', session, report });
      machine?.send(event);
    },

    refused() {
      known.refused();
    },

    closed(unwritten) {
      if (unwritten !== '')
        known.log.warn(
          { bytes: unwritten.length },
          'the disk did not take the end of a journal; its job has handed it over',
        );
      known.tail = unwritten;
      succession.closed();
      this.send({ type: 'job.closed' });
    },

    gone(from) {
      if (peer !== from) return; // it is back already, over another connection
      peer = undefined;
      void succession.disconnected();
      machine?.send({ type: 'job.lost' });
    },

    tick(lateMs) {
      if (lateMs > 0) evidence.wasDeaf(lateMs);
      if (hasTag('opened') && known.silentMs > 2 * known.policy.beatMs) evidence.missed(known.suspect);
    },

    tell(message) {
      if (message.type === 'hand.over') leftEpoch = known.epoch;
      if (message.type === 'stay') succession.takeBack();
      peer?.send(message);
    },

    drop() {
      if (isUnsettled()) this.stop();
    },

    stop() {
      machine?.stop();
      void notes.close();
      finish();
    },
  };
}
