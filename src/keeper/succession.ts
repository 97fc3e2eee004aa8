/**
 * A dead session's next job: called for, known by its dispatch, waited for until its caller hears it.
 *
 *   S1  Known by the dispatch that we asked for, or by the one that the dead job had (LiveKit starts a job again by
 *       itself), never by metadata, which is the user's. An offer may be quicker than LiveKit's reply that names its
 *       dispatch, so it waits for that.
 *   S2  The ghost is removed before an offer is answered: two agents of one identity put each other out of the room. It is
 *       removed while the agent is called for: LiveKit waits 200 ms for more than one worker's answer.
 *   S3  A dispatch can be refused without a word and is never tried again (sdk-facts, 12), so it is repeated while nobody
 *       has come. The first that is offered has the call. The others are deleted then, and not before: with a dispatch
 *       LiveKit ends the job that has just come of it. A worker declines while no process of it is warm: when one is, the
 *       agent is called for at once, and not after the rest of a long pause.
 *   S4  Each that comes has an epoch of its own, also when the one before was never heard: what it wrote stays.
 *   S5  Never two voices: who was not heard in time is told to leave, and its process is ended.
 *   S6  A keeper that died may have called for an agent. Its offer can come before this one has begun to: it waits for
 *       that, and has the call.
 *   S7  A job that is about to leave has its next one called for before it does. That one's offer waits until it has left,
 *       and is declined when it stays after all.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { JobFacts, Owner } from '../journal/entry.ts';
import type { JobId, JobOfSession } from '../journal/ids.ts';
import { isAlive } from '../journal/owner.ts';
import { removeSuccession, writeSuccession } from '../journal/succession.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin, stopwatch, unlessAborted } from '../waiting/deadline.ts';
import type { KnownSession } from './known-session.ts';
import type { Notes } from './notes.ts';

/**
 * A warm worker answers a dispatch after 60 ms; without an offer by then it was refused (S3). Twice as long each time: a
 * machine without a core is slow to answer, and a dispatch that is taken back too soon never is answered.
 */
const REPEAT_MS = 500;
/** The offer of the last dispatch may be on its way: LiveKit takes 245 ms. */
const OFFER_MS = 300;
/** An offer waits so long for the reply that names its dispatch; its worker asks for no longer (seats.ts). */
const REPLY_MS = 400;
/** S7: a job that is told leaves within 0.4 s (machines/tenure.ts). Less than a worker waits for an answer (seats.ts). */
const LEAVING_MS = 1_500;
/** A process is gone 2 to 13 ms after its socket. */
const DEATH_POLL_MS = 20;
/** To take back what nobody wants any more, beside whatever comes next. */
const TIDY_MS = 2_000;

export type SuccessionOptions = {
  directory: string;
  known: KnownSession;
  notes: Pick<Notes, 'append' | 'durable'>;
  /** Ends a process that has to be silent. */
  end: (owner: Owner, signal: AbortSignal) => Promise<void>;
  /** Tells the job that is connected to leave. */
  dismiss: () => void;
  /** Tells it that the next one has been offered (S7). */
  nextIsHere: () => void;
};

/** `over`: it has ended the call by itself, with all that belongs to an end. */
type Fate = 'heard' | 'over' | 'lost';
/** One job that came: what becomes of it. */
type Successor = JobOfSession & { dispatch: string; settle: (fate: Fate) => void; fate: Promise<Fate> };
/** A dispatch that was asked for while the job before still has the call (S7). `dispatch`: undefined, it was refused. */
type Ahead = {
  rooms: Promise<Rooms | null>;
  dispatch: Promise<string | undefined>;
  stay: () => void;
  stays: Promise<void>;
};

export class Succession {
  readonly #options: SuccessionOptions;
  /** All that were asked for, and are not deleted: an offer that comes late is known by them, too. */
  readonly #dispatches = new Set<string>();
  readonly #deleted = new Set<string>();
  #reply: Promise<unknown> = Promise.resolve();
  #isGhostGone = false;
  #ghost: Promise<unknown> = Promise.resolve();
  #begin: () => void = () => undefined;
  #begun = this.#nextBegun();
  #ahead: Ahead | undefined;
  #isOn = false;
  #epoch = 0;
  #successor: Successor | undefined;
  #came: () => void = () => undefined;
  #again: () => void = () => undefined;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /** Is this job offered for the room that an agent was called for to? */
  concerns({ agentName, room }: JobFacts): boolean {
    const { facts } = this.#options.known;
    const isAwaited = this.#isOn || this.#ahead !== undefined;
    return isAwaited && facts?.room.name === room.name && facts.agentName === agentName;
  }

  /**
   * Resolves with whether the job is ours (S1); then it is on disk what it is to be.
   * @throws Error for one that came too late, or when it cannot be written down
   */
  async offered({ job, dispatch }: JobFacts): Promise<boolean> {
    const { directory, known, notes } = this.#options;
    if (this.#ahead && !(await this.#hasLeft(this.#ahead, dispatch))) return false; // S7
    await settledWithin(this.#begun, REPLY_MS); // S6
    await settledWithin(this.#reply, REPLY_MS);
    if (dispatch === undefined || !this.#dispatches.has(dispatch)) return false;
    await settledWithin(this.#ghost, REPLY_MS); // S2
    if (this.#deleted.has(dispatch)) return false; // meanwhile
    if (!this.#isOn || this.#successor) throw new Error('this call has its next agent already, or waits for none');
    if (!this.#isGhostGone) throw new Error('the dead agent is still in the room');
    const successor = { session: known.session, epoch: this.#next(), job };
    let settle: Successor['settle'] = () => undefined;
    const fate = new Promise<Fate>((resolve) => (settle = resolve));
    this.#successor = { ...successor, dispatch, settle, fate };
    known.succeeded(successor);
    this.#came();
    try {
      notes.append('keeper.succeeded', { epoch: successor.epoch, job, dispatch });
      await writeSuccession(directory, successor);
    } catch (error) {
      this.#successor.settle('lost');
      throw error;
    }
    return true;
  }

  /** The job that has the call is about to leave it (S7). */
  callAhead(rooms: Promise<Rooms | null>): void {
    if (this.#isOn || this.#ahead) return;
    const late = AbortSignal.timeout(TIDY_MS);
    const asking = rooms.then((found) => (found ? this.#call(found, late) : undefined));
    let stay = (): void => undefined;
    const stays = new Promise<void>((resolve) => (stay = resolve));
    this.#ahead = { rooms, dispatch: asking.catch(() => undefined), stay, stays };
  }

  /** It stays, or its call is over. */
  takeBack(): void {
    const { rooms, dispatch, stay } = this.#ahead ?? {};
    this.#ahead = undefined;
    stay?.();
    const deleted = Promise.all([rooms, dispatch]).then(([found, asked]) => {
      if (found && asked !== undefined) this.#delete(found, asked);
    });
    deleted.catch(() => undefined); // no LiveKit, no dispatch
  }

  /** Resolves with whether this dispatch is the one. @throws Error when the job before stays */
  async #hasLeft({ dispatch, stays }: Ahead, offered: string | undefined): Promise<boolean> {
    await settledWithin(dispatch, REPLY_MS);
    if (offered === undefined || !this.#dispatches.has(offered)) return false;
    this.#options.nextIsHere();
    await settledWithin(Promise.race([this.#begun, stays]), LEAVING_MS);
    if (!this.#isOn) throw new Error('the job before it has not left');
    return true;
  }

  /** Is this the job that was waited for? */
  isOf({ epoch, job }: JobOfSession): boolean {
    return this.#isOn && this.#successor?.epoch === epoch && this.#successor.job === job;
  }

  heard(epoch: number): void {
    if (this.#isOn && this.#successor?.epoch === epoch) this.#successor.settle('heard');
  }

  closed(): void {
    if (this.#isOn) this.#successor?.settle('over');
  }

  /** It declined, or has no process, or none any more. */
  lost(job: JobId): void {
    if (this.#successor?.job === job) this.#successor.settle('lost');
  }

  /** A connection that is lost is no death: the job may come back over another one before anybody hears it. */
  async disconnected(): Promise<void> {
    const { known } = this.#options;
    const successor = this.#successor;
    if (!successor) return;
    while (this.#isOn && this.#successor === successor && known.epoch === successor.epoch && known.owner) {
      if ((await isAlive(known.owner)) === 'dead') return successor.settle('lost');
      await pause(DEATH_POLL_MS);
    }
  }

  /** A process of the worker is warm (S3). An offer that is on its way may have it already. */
  warm(): void {
    if (this.#isOn && !this.#successor) setTimeout(() => this.#again(), OFFER_MS).unref();
  }

  /**
   * *Effect.* Resolves when the caller hears the next agent, or it has ended the call. Rejects when its signal says that
   * it is too late.
   */
  async takeOver(rooms: Rooms, signal: AbortSignal): Promise<void> {
    const { directory, known, notes, end, dismiss } = this.#options;
    const { facts, log } = known;
    if (!facts) throw new Error('it is not known which room the call is in');
    const elapsed = stopwatch();
    const room = facts.room.name;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const { dispatch, called = [] } = known.journal ?? {};
    for (const earlier of dispatch === undefined ? called : [dispatch, ...called])
      if (!this.#deleted.has(earlier)) this.#dispatches.add(earlier);
    this.#isOn = true;
    this.#begin();
    this.#tell(rooms, 'session.resuming');
    const asked = new Set<string>();
    let before = ahead?.dispatch; // S7
    let repeatMs = REPEAT_MS;
    const removeGhost = async () => {
      if (known.identity !== undefined) await rooms.remove(room, known.identity, signal);
      this.#isGhostGone = true;
    };
    try {
      for (;;) {
        this.#isGhostGone = false;
        const ghost = removeGhost(); // S2
        this.#ghost = ghost.catch(() => undefined);
        if (!this.#successor) {
          const came = new Promise<void>((resolve) => (this.#came = resolve));
          const asking = (before ?? Promise.resolve(undefined)).then((there) => there ?? this.#call(rooms, signal));
          before = undefined;
          this.#reply = asking.catch(() => undefined);
          await unlessAborted(asking, signal).then(
            (dispatch) => asked.add(dispatch),
            (error: unknown) => {
              if (signal.aborted) throw error;
              log.warn({ error: messageOf(error) }, 'the agent could not be called for again; it is tried once more');
            },
          );
          const again = new Promise<void>((resolve) => (this.#again = resolve));
          await ghost;
          await unlessAborted(settledWithin(Promise.race([came, again]), repeatMs), signal); // S3
          repeatMs *= 2;
        }
        const successor = this.#successor;
        if (!successor) continue;
        for (const other of asked) if (other !== successor.dispatch) this.#delete(rooms, other); // S3
        const fate = await unlessAborted(successor.fate, signal);
        if (fate === 'over') return;
        if (fate === 'heard') {
          this.#tell(rooms, 'session.resumed');
          notes.append('keeper.resumed', { epoch: successor.epoch, ms: elapsed() });
          log.info({ epoch: successor.epoch, job: successor.job, ms: elapsed() }, 'the call goes on with another job');
          return;
        }
        log.warn({ epoch: successor.epoch, job: successor.job }, 'the job that took the call over is gone, unheard');
        void removeSuccession(directory, successor.job);
        if (known.owner) await end(known.owner, signal); // S5: whoever said hello, and is not dead after all
        this.#successor = undefined;
      }
    } finally {
      const isHeard = this.#successor !== undefined && !signal.aborted;
      this.#isOn = false;
      this.#begun = this.#nextBegun();
      if (!isHeard) {
        for (const dispatch of asked) this.#delete(rooms, dispatch);
        dismiss(); // S5
        if (known.owner) void end(known.owner, AbortSignal.timeout(TIDY_MS));
      }
      if (this.#successor) void removeSuccession(directory, this.#successor.job);
      this.#successor = undefined;
    }
  }

  /** @throws RoomsError */
  async #call(rooms: Rooms, signal: AbortSignal): Promise<string> {
    const { known, notes } = this.#options;
    const { facts } = known;
    if (!facts) throw new Error('it is not known which room the call is in');
    const metadata = known.journal?.facts?.metadata ?? facts.metadata;
    const dispatch = await rooms.dispatch(facts.room.name, facts.agentName, metadata, signal);
    this.#dispatches.add(dispatch);
    notes.append('keeper.dispatched', { dispatch });
    return dispatch;
  }

  #delete(rooms: Rooms, dispatch: string): void {
    const { facts } = this.#options.known;
    if (!facts || this.#deleted.has(dispatch)) return;
    this.#deleted.add(dispatch);
    this.#dispatches.delete(dispatch);
    void rooms.undispatch(facts.room.name, dispatch, AbortSignal.timeout(TIDY_MS)).catch(() => undefined);
  }

  #nextBegun(): Promise<void> {
    return new Promise((resolve) => (this.#begin = resolve));
  }

  /** The caller's app may show that it is not over. Nobody waits for it. */
  #tell(rooms: Rooms, type: 'session.resuming' | 'session.resumed'): void {
    const { session, facts } = this.#options.known;
    if (facts) void rooms.tell(facts.room.name, { type, session }, AbortSignal.timeout(TIDY_MS)).catch(() => undefined);
  }

  /** S4 */
  #next(): number {
    return (this.#epoch = Math.max(this.#epoch, this.#options.known.epoch) + 1);
  }
}
