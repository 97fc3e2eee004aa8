/**
 * The effects of the supervision machine for one session: who is asked, who is killed, who is let go, what is sealed.
 *
 *   F7  An effect that is late goes on by itself, and is not begun a second time beside the first.
 *   F8  A journal of megabytes and a process of gigabytes may need longer than `killMs`. Without them nobody knows whether
 *       the call may be taken over, so they are waited for still: out of the time that the next job has.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Policy, SupervisionEffects } from '../../machines/index.ts';
import type { Owner } from '../journal/entry.ts';
import { isAlive } from '../journal/owner.ts';
import type { Evidence } from './evidence.ts';
import { journalStateOf, type KnownSession } from './known-session.ts';
import type { Notes } from './notes.ts';
import { defaultHangUp, type Known } from './reading.ts';
import { recover } from './recover.ts';
import type { IndexRow } from './session-row.ts';
import type { Succession } from './succession.ts';
import { settledWithin, stopwatch } from '../waiting/deadline.ts';
import type { SuperviseOptions } from './supervise.ts';

/** How soon after its socket a process that was killed is gone: 2 to 13 ms measured; then it is asked with the pulse. */
const DEATH_PAUSES_MS = [0, 2, 5, 10, 20, 40, 80];
const LAST_DEATH_PAUSE_MS = 250;

/**
 * Restart intensity, as Erlang's supervisors count it: what was taken over longer ago than this is forgiven. A call that
 * was left because its worker was gone has not died of itself, and does not count.
 */
const INTENSITY_MS = 60_000;

const resumesLeft = (journal: Known | undefined): number => {
  if (!journal) return 0;
  const recent = journal.takenOverAt.filter((at) => Math.abs(Date.now() - at) < INTENSITY_MS);
  const left = Math.max(0, journal.resume - recent.length);
  return journal.isHandedOver ? Math.max(1, left) : left;
};

/** Whose line was lost may come back for as long as the call would have waited; who has never come, to the next job. */
const isStillAwaited = ({ awaited }: Known, { callerGraceMs }: Policy): boolean =>
  awaited !== undefined && (!awaited.wasThere || Math.abs(Date.now() - awaited.since) < callerGraceMs);

/** Whoever may still live, and could not be ended, hangs up when it is removed from the room: that call is not taken over. */
const isGone = async (owner: Owner | undefined): Promise<boolean> =>
  owner !== undefined && (await isAlive(owner)) === 'dead';

/** F8. Of the time that the next job has: it is heard after 0.8 s, and has to read a long journal as well. */
const LATE_SHARE = 0.4;

type Acts = {
  [Name in keyof SupervisionEffects]: (
    input: SupervisionEffects[Name]['input'],
    port: { signal: AbortSignal },
  ) => Promise<SupervisionEffects[Name]['output']>;
};

export type OfSession = {
  known: KnownSession;
  notes: Notes;
  index: IndexRow;
  evidence: Evidence;
  options: SuperviseOptions;
  /** Who takes it over. */
  succession: Succession;
  kill: (victim: Owner, signal: AbortSignal) => Promise<void>;
  /** Its report is in the store, by whomever it was sealed. */
  onSealed: (report: string) => void;
};

/** *Effect.* Ends a job's process, and nobody else's. Resolves when it is gone, or its signal says that that is late. */
export const killer =
  ({ known, options }: Pick<OfSession, 'known' | 'options'>): OfSession['kill'] =>
  async (victim, signal) => {
    const { isOfWorker = async () => true } = options;
    const { pid } = victim;
    if ((await isAlive(victim)) !== 'alive') return;
    if (!(await isOfWorker(victim)))
      return known.log.warn({ pid }, 'the job is outside the process group of the worker; it is not killed');
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      known.log.warn({ err: error, pid }, 'the job could not be killed');
    }
    // What it writes after this would be missing in the report.
    while (!signal.aborted && (await isAlive(victim)) === 'alive') await pause(5);
  };

export const supervisionEffects = (given: OfSession): Acts => {
  const { known, notes, index, evidence, options, succession, kill, onSealed } = given;
  const { isOfWorker = async () => true, isReachable = () => true } = options;
  let sealing: Promise<void> | undefined;
  let reading: Promise<Known> | undefined;
  /** Nothing is missing: `secure` was in time. */
  let isSecured = false;

  const untilGone = async (signal: AbortSignal): Promise<void> => {
    const pauses = DEATH_PAUSES_MS.values();
    while (!(await isGone(known.owner))) await pause(pauses.next().value ?? LAST_DEATH_PAUSE_MS, undefined, { signal });
  };
  /** F8. @returns what is left of the next job's time */
  const securedLate = async (signal: AbortSignal): Promise<number> => {
    const { takeoverMs } = known.policy;
    if (isSecured) return takeoverMs;
    const elapsed = stopwatch();
    const most = Math.ceil(takeoverMs * LATE_SHARE); // AbortSignal.timeout() takes whole numbers only
    const over = AbortSignal.any([signal, AbortSignal.timeout(most)]);
    reading ??= known.read();
    await settledWithin(Promise.allSettled([reading, known.owner && untilGone(over)]), most);
    return Math.max(1, takeoverMs - elapsed());
  };

  return {
    async look() {
      try {
        const journal = journalStateOf(await known.read());
        return { journal: journal === 'withdrawn' ? 'none' : journal };
      } catch {
        return { journal: 'unreadable' };
      }
    },
    awaitDeath: (_, { signal }) => untilGone(signal),
    async ask() {
      const verdict = await evidence.verdict(known.suspect);
      if (verdict.process !== 'alive' || !known.owner) return verdict;
      // It could not reach us, or may not speak, or is no process of ours: silence says nothing, and LiveKit is asked.
      const isBarred = !isReachable() || known.isRefused;
      return isBarred || !(await isOfWorker(known.owner)) ? { ...verdict, process: 'unknown' } : verdict;
    },
    async askRoom(_, { signal }) {
      const rooms = await options.rooms();
      const { facts, identity } = known;
      if (!rooms || !facts) throw new Error('there is no LiveKit to ask');
      const occupants = await rooms.occupants(facts.room.name, signal);
      const agentThere = occupants.some((one) =>
        identity === undefined ? one.kind === 'agent' : one.identity === identity,
      );
      // LiveKit lists a dead agent for 20 s: whom it does not list sooner may have yet to join.
      if (!agentThere && known.silentMs < known.policy.startMs) throw new Error('it may have yet to join');
      return { agentThere };
    },
    async secure({ noticed }, { signal }) {
      [reading, isSecured] = [undefined, false];
      if (known.owner && noticed !== 'died') await kill(known.owner, signal);
      const read = (reading ??= known.read());
      try {
        const journal = journalStateOf(await read);
        isSecured = !signal.aborted;
        return { journal };
      } catch (error) {
        if (reading === read) reading = undefined; // once more, in what is left of the time
        throw error;
      }
    },
    async recover({ noticed }, { signal }) {
      index.put('recovering');
      const takeoverMs = await securedLate(signal);
      const { facts, journal, policy, identity, log } = known;
      return await recover({
        session: known.session,
        room: facts?.room.name ?? '',
        roomSid: (journal?.facts ?? facts)?.room.sid ?? '',
        agent: identity,
        caller: journal?.caller,
        policy: { ...policy, takeoverMs },
        hangUp: journal?.hangUp ?? defaultHangUp,
        end: journal?.end ?? null,
        isReleased: journal?.isReleased ?? false,
        isUnopened: noticed === 'unopened' && journal?.isLost !== true, // an agent that nobody knows of may be its own
        isCallerAwaited: journal !== undefined && isStillAwaited(journal, policy),
        rooms: facts ? await options.rooms() : null,
        apologize: journal?.apology && options.apologize(journal.apology),
        resumesLeft: options.mayResume?.() !== false && (await isGone(known.owner)) ? resumesLeft(journal) : 0,
        wasSeenAtOnce: noticed === 'died',
        takeOver: (rooms, until) => succession.takeOver(rooms, until),
        signal,
        notes,
        log,
      });
    },
    async seal({ isHangUpOwed }) {
      sealing ??= (async () => {
        await notes.durable();
        const { isFirst, ...sealed } = await options.seal(known.session, known.log, isHangUpOwed, known.remembered);
        onSealed(sealed.report);
        if (!isFirst) return;
        notes.append('keeper.sealed', sealed);
        known.log.info(sealed, 'report sealed');
      })().finally(() => (sealing = undefined)); // F7
      await sealing;
    },
  };
};
