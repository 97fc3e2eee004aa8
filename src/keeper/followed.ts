/**
 * One session under the keeper's eyes, from the accepted job to the sealed report.
 *
 *   F1  It is settled once, by the first of: the job closed its journal, died, froze, never opened. All else is late.
 *   F2  Nobody is called dead on a guess: a process is dead when the system says so, frozen when it has been silent for
 *       `unresponsiveMs` of the time in which this keeper could hear it and it could speak (silence.ts), and killed before
 *       anything is done in its stead.
 *   F3  A closed socket is no death yet. Whoever lives has the longest pause between two attempts to come back.
 *   F5  A call has one agent. A room that was called for twice, or that calls again because a server started anew made
 *       it again, is served already; whoever has ended is not in the way of the next call in a room of the same name.
 *   F6  A job without a journal waits for a process, or its process begins, or that process is gone: the worker says
 *       which. Waiting has `startMs`, import and prewarm of a cold process included; beginning in a warm one
 *       `warmStartMs`; for one that is gone nobody waits.
 *   F4  Of an owner in another container or on another host the pid says nothing: then LiveKit's word decides.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { defaultPolicy, type Policy } from '../../machines/index.ts';
import type { EntryData, JobFacts, Owner } from '../journal/entry.ts';
import { isAlive } from '../journal/owner.ts';
import { readSession } from '../journal/read.ts';
import type { FromKeeper, JobHello } from '../link/messages.ts';
import type { Peer } from '../link/server.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Store } from '../store/store.ts';
import { openNotes } from './notes.ts';
import { defaultHangUp, whatIsKnown, type Known } from './reading.ts';
import { recover, type Apologize } from './recover.ts';
import type { Sealed } from './seal.ts';
import { openSilence } from './silence.ts';

/** The client's longest pause between two attempts is 2 s (link/client.ts). */
const RECONNECT_MS = 2_000;
/** How soon after its socket a process that was killed is gone: 2 to 13 ms measured; then the pulse goes on asking. */
const DEATH_PAUSES_MS = [0, 2, 5, 10, 20, 40, 80];
const KILL_MS = 500;
const ASK_MS = 2_000;
/** A call waits for this answer, and its worker not much longer. */
const SERVED_MS = 500;

export type Noticed = EntryData['keeper.noticed']['what'];

export type FollowOptions = {
  directory: string;
  store: Pick<Store, 'putSession'>;
  /** LiveKit's server API; null when there is none. Waits for the worker that knows it, but not for ever. */
  rooms: () => Promise<Rooms | null>;
  apologize: () => Apologize | undefined;
  /** What a process waits for cores; the system's word unless a test says otherwise. */
  waited?: (owner: Owner) => Promise<number | undefined>;
  /** Tries until it is sealed; rejects only when the keeper ends first. */
  seal: (session: string, log: Logger, isHangUpOwed?: boolean) => Promise<Sealed>;
  log: Logger;
};

export type Followed = {
  readonly session: string;
  /** Not sealed and not withdrawn yet. */
  readonly isOpen: boolean;
  /** Resolves when it is sealed or withdrawn, or when the keeper ended first; never rejects. */
  readonly over: Promise<void>;
  readonly hasPeer: boolean;
  /** Resolves when the job is on disk. @throws JournalError */
  accept(accepted: EntryData['session.accepted']): Promise<void>;
  /** A warm process has the job. */
  launched(): void;
  /** It has no process, or none any more. */
  unstarted(why: string): void;
  /** Declined by the worker after all, or left by the job because its room was gone: no session, and no report. */
  withdraw(why: string): Promise<void>;
  /** As the journal has it, after a restart of the keeper. */
  adopt(known: Known): void;
  hello(peer: Peer, message: JobHello): void;
  beat(): void;
  /** Is this the live call that another job was offered for? */
  serves(offered: JobFacts): Promise<boolean>;
  /** The job closed its journal. */
  closed(): void;
  gone(peer: Peer): void;
  /** @param lateMs how long the keeper itself could hear nobody */
  tick(lateMs: number): void;
  tell(message: FromKeeper): void;
  /** Not ours to settle: sealed before, or the keeper ends. Does nothing to one that is being settled. */
  drop(): void;
  /** The budget is spent: kill it, hang up, seal. */
  force(): void;
};

export function followSession(session: string, options: FollowOptions, offered?: JobFacts): Followed {
  const { directory, store } = options;
  let log = options.log.child({ session });
  const notes = openNotes(directory, session, log);
  let phase: 'accepted' | 'running' | 'settling' | 'over' = 'accepted';
  let facts = offered;
  let acceptedAt = Date.now();
  let launchedAt: number | undefined;
  let policy: Policy = defaultPolicy;
  let epoch = 0;
  let owner: Owner | undefined;
  let identity: string | undefined;
  let peer: Peer | undefined;
  const silence = openSilence(options.waited);
  let startTimer: NodeJS.Timeout | undefined;
  let isJudging = false;
  let report: string | undefined;
  let isTakenInHand = false;
  let finish: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (finish = resolve));

  const isRunning = () => phase === 'running';

  const learn = (known: Known) => {
    facts ??= known.facts;
    acceptedAt = known.acceptedAt ?? acceptedAt;
    policy = { ...policy, ...known.policy }; // of an older version: without the newer limits
    epoch = known.opened?.epoch ?? epoch;
    owner = known.opened?.owner ?? owner;
    identity = known.opened?.identity ?? identity;
    if (facts) log = options.log.child({ session, job: facts.job, room: facts.room.name });
  };
  const read = async (): Promise<Known> => {
    const known = whatIsKnown(await readSession(directory, session));
    learn(known);
    return known;
  };

  /** The index is a projection: the journal stays true without it, and the seal writes the row anew. */
  const index = async (state: 'open' | 'recovering') => {
    try {
      if (!facts) await read();
      const { job, room, agentName } = facts ?? { job: session, room: { name: '' }, agentName: '' };
      await store.putSession({ session, job, room: room.name, agentName, acceptedAt, state });
    } catch (error) {
      log.warn({ err: error }, 'the index of sessions could not be brought up to date');
    }
  };

  const settle = (what: Noticed, detail?: string) => {
    if (phase === 'settling' || phase === 'over') return; // F1
    phase = 'settling';
    clearTimeout(startTimer);
    void (async () => {
      try {
        await (what === 'closed' ? seal() : takeInHand(what, detail));
        if (report !== undefined) peer?.send({ type: 'sealed', session, report });
      } catch (error) {
        log.error({ err: error }, 'not sealed; the next keeper on this directory does it');
      }
      await notes.close();
      phase = 'over';
      finish();
    })();
  };

  let sealing: Promise<void> | undefined;
  const seal = (isHangUpOwed = false) => {
    sealing ??= (async () => {
      await notes.durable();
      const { isFirst, ...sealed } = await options.seal(session, log, isHangUpOwed);
      report = sealed.report;
      if (!isFirst) return;
      notes.append('keeper.sealed', sealed);
      log.info(sealed, 'report sealed');
    })();
    return sealing;
  };

  const takeInHand = async (what: Noticed, detail?: string) => {
    isTakenInHand = true;
    notes.append('keeper.noticed', { what, epoch, ...(detail !== undefined && { detail }) });
    log.warn({ what, epoch }, 'a session without a living job; the keeper takes it in hand');
    const known = await read().catch((error: unknown) => {
      log.error({ err: error }, 'the journal cannot be read; hanging up all the same');
      return undefined;
    });
    if (known?.isWithdrawn) return;
    if (known?.isClosed) return await seal(); // it said its last word, and nobody heard it
    void index('recovering');
    const rooms = facts ? await options.rooms() : null;
    const { isHangUpOwed } = await recover({
      room: facts?.room.name ?? '',
      roomSid: (known?.facts ?? facts)?.room.sid ?? '',
      agent: identity,
      caller: known?.caller,
      policy,
      hangUp: known?.hangUp ?? defaultHangUp,
      end: known?.end ?? null,
      isReleased: known?.isReleased ?? false,
      isUnopened: what === 'unopened',
      rooms,
      apologize: options.apologize(),
      seal,
      notes,
      log,
    });
    await seal(isHangUpOwed); // its deadline in the machine is over; the work is not
  };

  const kill = async (victim: Owner) => {
    if ((await isAlive(victim)) !== 'alive') return;
    try {
      process.kill(victim.pid, 'SIGKILL');
    } catch (error) {
      log.warn({ err: error, pid: victim.pid }, 'the job could not be killed');
    }
    // What it writes after this would be missing in the report.
    for (const end = performance.now() + KILL_MS; performance.now() < end; await pause(5))
      if ((await isAlive(victim)) !== 'alive') return;
  };

  /** F4. */
  const askServer = async () => {
    const rooms = await options.rooms();
    if (!isRunning() || peer) return;
    if (!rooms || !facts) return settle('gone', 'owner unknown, no answer over the socket, and no LiveKit to ask');
    try {
      const occupants = await rooms.occupants(facts.room.name, AbortSignal.timeout(ASK_MS));
      if (!isRunning() || peer) return;
      if (occupants.some((occupant) => occupant.identity === identity)) silence.heard(); // ask again later
      else settle('gone', 'owner unknown, and its agent is not in the room');
    } catch (error) {
      silence.heard();
      log.warn({ err: error }, 'LiveKit does not say whether the agent is still there; asking again');
    }
  };

  /** F2. Is it dead, frozen, or just quiet? One judgement at a time. */
  const judge = async () => {
    if (isJudging || !isRunning()) return;
    isJudging = true;
    try {
      const liveness = owner ? await isAlive(owner) : 'unknown';
      if (!isRunning()) return;
      if (liveness === 'dead') return settle('died');
      const limitMs = policy.unresponsiveMs + (peer ? 0 : RECONNECT_MS); // F3
      if (silence.ms <= limitMs) return;
      if (liveness === 'alive' && owner) {
        const starvedMs = await silence.starvedMs(owner);
        if (!isRunning() || silence.ms - Math.min(starvedMs, limitMs) <= limitMs) return;
        const wait = starvedMs < 1 ? '' : `, ${Math.round(starvedMs)} of them without a core`;
        settleAfter(kill(owner), 'frozen', `no beat for ${Math.round(silence.ms)} ms${wait}`);
      } else if (silence.ms > Math.max(policy.startMs, limitMs)) await askServer();
    } finally {
      isJudging = false;
    }
  };
  const settleAfter = (work: Promise<void>, what: Noticed, detail: string) => {
    const before = phase;
    phase = 'settling'; // a beat that arrives from here on changes nothing
    void work
      .catch((error: unknown) => log.warn({ err: error }, 'killing the job failed'))
      .finally(() => {
        phase = before;
        settle(what, detail);
      });
  };

  /** F6. Too late, or gone: it may have opened its journal and not reached us. */
  const unopened = async (why: string) => {
    if (phase !== 'accepted') return;
    const known = await read().catch(() => undefined);
    if (phase !== 'accepted') return;
    if (!known?.opened) return settle('unopened', why);
    phase = 'running';
    silence.heard();
    if (known.isClosed) settle('closed');
  };
  const armStart = () => {
    const waitingMs = Math.min(policy.startMs, Math.max(0, acceptedAt + policy.startMs - Date.now()));
    const isBeginning = launchedAt !== undefined && policy.warmStartMs < waitingMs;
    const why = isBeginning
      ? `a warm process opened no journal within ${policy.warmStartMs} ms`
      : `${launchedAt === undefined ? 'no process was ready' : 'no journal'} within ${policy.startMs} ms`;
    clearTimeout(startTimer);
    const leftMs = isBeginning ? policy.warmStartMs : waitingMs;
    startTimer = setTimeout(() => setImmediate(() => void unopened(why)), leftMs);
  };

  return {
    session,
    over,
    get isOpen() {
      return phase !== 'over';
    },
    get hasPeer() {
      return peer !== undefined;
    },

    async accept(accepted) {
      facts = { job: accepted.job, agentName: accepted.agentName, room: accepted.room, metadata: accepted.metadata };
      policy = accepted.policy;
      log = options.log.child({ session, job: facts.job, room: facts.room.name });
      await notes.begin({ kind: 'session.accepted', data: accepted });
      acceptedAt = Date.now();
      if (phase === 'accepted') armStart();
    },

    launched() {
      if (phase !== 'accepted') return;
      launchedAt = Date.now();
      armStart();
    },

    unstarted(why) {
      void unopened(why);
    },

    async withdraw(why) {
      if (phase !== 'accepted' && phase !== 'running') return;
      phase = 'over';
      clearTimeout(startTimer);
      notes.append('session.withdrawn', { why });
      await notes.close();
      log.info({ why }, 'withdrawn: no session');
      finish();
    },

    adopt(known) {
      learn(known);
      silence.heard();
      if (known.isClosed) return settle('closed');
      if (!known.opened) return armStart();
      phase = 'running';
      void index('open');
      void judge();
    },

    hello(from, message) {
      peer = from;
      silence.heard();
      if (isTakenInHand) return from.send({ type: 'yield' });
      if (report !== undefined) return from.send({ type: 'sealed', session, report });
      if (phase === 'over' || phase === 'settling') return;
      clearTimeout(startTimer);
      phase = 'running';
      ({ epoch, owner, identity } = message);
      log.info({ epoch, pid: owner.pid }, 'following the job');
      void index('open');
    },

    async serves({ agentName, room }) {
      if (phase !== 'accepted' && phase !== 'running') return false;
      if (!facts || facts.room.name !== room.name || facts.agentName !== agentName) return false;
      const known = await read().catch(() => undefined);
      if (known?.end || known?.isClosed) return false;
      if (facts.room.sid === room.sid) return true;
      const rooms = await options.rooms();
      const there = (await rooms?.occupants(room.name, AbortSignal.timeout(SERVED_MS)).catch(() => [])) ?? [];
      return there.some((occupant) => occupant.identity === identity);
    },

    beat() {
      silence.heard();
    },

    closed() {
      if (report !== undefined) peer?.send({ type: 'sealed', session, report });
      else settle('closed');
    },

    gone(from) {
      if (peer !== from) return; // it is back already, over another connection
      peer = undefined;
      void (async () => {
        for (const ms of DEATH_PAUSES_MS) {
          await pause(ms);
          if (peer || !isRunning()) return;
          await judge();
        }
      })();
    },

    tick(lateMs) {
      silence.wasDeaf(lateMs);
      if (!isRunning()) return;
      if (silence.ms > 2 * policy.beatMs) void silence.missed(owner);
      if (!peer || silence.ms > policy.unresponsiveMs) void judge();
    },

    tell(message) {
      peer?.send(message);
    },

    drop() {
      if (phase === 'settling') return;
      phase = 'over';
      clearTimeout(startTimer);
      void notes.close();
      finish();
    },

    force() {
      if (phase === 'running' && owner) settleAfter(kill(owner), 'frozen', 'still running when the budget was spent');
      else settle('unopened', 'not opened when the budget was spent');
    },
  };
}
