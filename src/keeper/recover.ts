/**
 * The recovery machine at work for one dead session: its effects are carried out, and all of it is noted.
 *
 * Owns what its effects do.
 *   R1  It always resolves, also when the machine itself fails or is left: then the hang-up counts as owed.
 *   R2  Without access to LiveKit there is nobody to hang up on.
 *   R3  A job that never opened its journal never entered its room. An agent found there belongs to somebody else (this
 *       worker declined too late, and LiveKit gave the job to another one): that call is not ours to hang up. Nor is one
 *       in a room of the same name that was made anew: a keeper that was away for an hour finds such rooms. Nobody is
 *       hung up on before that was looked at; while LiveKit does not say, the hang-up is owed (owed.ts looks, too).
 */
import {
  ends,
  recoveryMachine,
  type RecoveryEvent,
  type RecoveryInput,
  type End,
  type HeardLine,
  type Policy,
  type HangUpStrategy,
  type RecoveryEffects,
} from '../../machines/index.ts';
import type { HangUpPolicy } from '../journal/entry.ts';
import type { SessionId } from '../journal/ids.ts';
import type { HangUpResult, Rooms } from '../rooms/rooms.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin, stopwatch } from '../waiting/deadline.ts';
import type { Log } from '../session/ports.ts';
import { runMachine } from '../session/run-machine.ts';

import type { Notes } from './notes.ts';
import { strategyFor } from '../session/hang-up-strategy.ts';

export type Apologize = (request: { room: string; signal: AbortSignal; onAudible: () => void }) => Promise<HeardLine>;

export type RecoveryRequest = {
  session: SessionId;
  room: string;
  /** As dispatched; empty when it is not known. */
  roomSid: string;
  /** Identity of the dead agent, when it is known. */
  agent: string | undefined;
  caller: string | undefined;
  policy: Policy;
  hangUp: HangUpPolicy;
  /** As the journal has it. */
  end: End | null;
  isReleased: boolean;
  isUnopened: boolean;
  /** Its caller has not come yet, or is away for a moment: the next job waits for them, as this one did. */
  isCallerAwaited: boolean;
  rooms: Rooms | null;
  /** Absent: the call is hung up on without a word. */
  apologize: Apologize | undefined;
  /** How often it may be taken over now, and how: settles when the caller hears the next agent. */
  resumesLeft: number;
  /** The system said that the process is gone; not found out by its silence. */
  wasSeenAtOnce: boolean;
  takeOver: (rooms: Rooms, signal: AbortSignal) => Promise<void>;
  /** Left by whoever asked for it: its effects are aborted. */
  signal: AbortSignal;
  notes: Pick<Notes, 'append'>;
  log: Log;
};

type Acts = {
  [Name in keyof RecoveryEffects]: (
    input: RecoveryEffects[Name]['input'],
    port: { signal: AbortSignal; send: (event: RecoveryEvent) => void },
  ) => Promise<RecoveryEffects[Name]['output']>;
};

/** The caller's app, before it is disconnected; 5 ms on a healthy server. The caller is not kept for it. */
const TELLING_MS = 100;

/** Nobody was asked for anything yet. */
const unconfirmed: HangUpResult = { verified: false, attempts: 0, left: [] };

export type Recovered = {
  outcome: 'resumed' | 'released';
  /** The caller may still be on the line: nobody confirmed the hang-up (R1). */
  isHangUpOwed: boolean;
};

/** *Effect.* */
export function recover(request: RecoveryRequest): Promise<Recovered> {
  return new Recovery(request).run();
}

class Recovery {
  readonly #request: RecoveryRequest;
  /** Whoever is in the room now has another call there (R3). */
  #isForeign = false;
  #isLookedAt = false;
  #isRoomThere = false;
  #telephones: string[] | undefined;
  /** Of the dead agent: the next job brings its own, and two faces would speak. */
  #avatars: string[] = [];

  constructor(request: RecoveryRequest) {
    this.#request = request;
  }

  run(): Promise<Recovered> {
    const { policy, rooms, notes, log, signal, end, resumesLeft, wasSeenAtOnce, isReleased } = this.#request;
    const effects: Acts = {
      probe: (_, port) => this.#probe(port.signal),
      takeOver: (_, port) => this.#takeOver(port.signal),
      apologize: (_, port) => this.#apologize(port.signal, port.send),
      hangUp: (_, port) => this.#hangUp(port.signal),
    };
    return new Promise((resolve) => {
      const isUnreleased = !isReleased && rooms !== null;
      const finish = (isHangUpOwed: boolean) => resolve({ outcome: 'released', isHangUpOwed });
      const machine = runMachine<typeof recoveryMachine, RecoveryEvent>({
        machine: 'recovery',
        chart: recoveryMachine,
        input: {
          policy,
          resumesLeft: rooms === null ? 0 : resumesLeft,
          wasSeenAtOnce,
          end,
          isReleased: isReleased || rooms === null, // R2
          apologizes: this.#request.apologize !== undefined,
        } satisfies RecoveryInput,
        note: (kind, data) => notes.append(kind, data),
        onDone: ({ context: { outcome, isHangUpOwed } }) =>
          resolve({ outcome: outcome === 'resumed' ? 'resumed' : 'released', isHangUpOwed }),
        onFailed: (error) => {
          log.error({ err: error }, 'the recovery machine failed; sealing without it');
          notes.append('error', { component: 'orchestrator', message: messageOf(error), recoverable: false });
          finish(isUnreleased);
        },
        onTrouble: (error) => log.error({ error: messageOf(error) }, 'what the recovery received went wrong'),
      });
      const leave = () => {
        finish(isUnreleased);
        machine.stop();
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      machine.start(effects);
    });
  }

  async #probe(signal: AbortSignal): Promise<RecoveryEffects['probe']['output']> {
    const { rooms, isCallerAwaited, resumesLeft } = this.#request;
    if (!rooms) return { callerThere: false, successorSpeaks: false };
    const occupants = await this.#look(rooms, signal);
    const callerThere = occupants.some(({ kind }) => kind === 'standard' || kind === 'sip');
    // Who comes to a room that was deleted has it made anew, and waits in it for nobody.
    const isAwaited = isCallerAwaited && resumesLeft > 0 && this.#isRoomThere;
    return { callerThere: (callerThere || isAwaited) && !this.#isForeign, successorSpeaks: false };
  }

  async #takeOver(signal: AbortSignal): Promise<void> {
    const { rooms, room, log, takeOver } = this.#request;
    if (!rooms) throw new Error('there is no LiveKit to call an agent by');
    // The probe was late, and a room that was made anew is somebody else's (R3).
    if (!this.#isLookedAt) await this.#look(rooms, signal);
    if (this.#isForeign) throw new Error('another agent or another call has this room');
    const avatars = this.#avatars;
    if (avatars.length > 0) log.info({ avatars: avatars.length }, 'the avatar of the dead agent is taken out');
    await Promise.allSettled(avatars.map((identity) => rooms.remove(room, identity, signal)));
    await takeOver(rooms, signal);
  }

  async #apologize(signal: AbortSignal, send: (event: RecoveryEvent) => void): Promise<HeardLine> {
    const { apologize, room, notes } = this.#request;
    if (!apologize) throw new Error('no apology is wanted');
    const elapsed = stopwatch();
    let firstAudioMs: number | undefined;
    const spoken = (outcome: 'played' | 'cut' | 'failed', heardMs: number, why?: string) =>
      notes.append('spoken', {
        line: 'apology',
        rung: 'bundled',
        heardMs,
        outcome,
        ...(firstAudioMs !== undefined && { firstAudioMs }),
        ...(why !== undefined && { why }),
      });
    try {
      const onAudible = () => {
        firstAudioMs = elapsed();
        send({ type: 'apologist.audible' });
      };
      const heard = await apologize({ room, signal, onAudible });
      spoken('played', heard.heardMs);
      return heard;
    } catch (error) {
      const heardMs = firstAudioMs === undefined ? 0 : elapsed() - firstAudioMs;
      spoken(firstAudioMs === undefined ? 'failed' : 'cut', heardMs, messageOf(error));
      throw error;
    }
  }

  async #hangUp(signal: AbortSignal): Promise<RecoveryEffects['hangUp']['output']> {
    const { rooms, room, session, notes, log, end } = this.#request;
    if (!rooms) return { verified: true };
    const strategy = strategyFor(end, this.#request.hangUp);
    const elapsed = stopwatch();
    // R3: the probe was late, and a room is deleted by its name.
    const unseen = this.#isLookedAt ? undefined : await this.#look(rooms, signal).then(() => undefined, messageOf);
    if (this.#isForeign) return { verified: true };
    const { reason, by } = end ?? ends.processCrashed;
    await settledWithin(rooms.tell(room, { type: 'session.ended', session, reason, by }, signal), TELLING_MS);
    const result =
      unseen === undefined ? await this.#letGo(rooms, strategy, signal) : { ...unconfirmed, error: unseen };
    notes.append('hangup', { strategy, ...result, ms: elapsed() });
    const { verified, attempts, left, error } = result;
    log.info(
      // An identity may be a telephone number, and errors name it.
      { room, strategy, verified, attempts, 'pii.left': left, ...(error !== undefined && { 'pii.error': error }) },
      verified ? 'the caller was released' : 'the hang-up is unconfirmed',
    );
    return { verified };
  }

  #letGo(rooms: Rooms, strategy: HangUpStrategy, signal: AbortSignal): Promise<HangUpResult> {
    const { room, roomSid, caller, agent } = this.#request;
    return rooms.hangUp({
      room,
      strategy,
      ...(roomSid !== '' && { roomSid }),
      ...(this.#telephones && { sip: this.#telephones }),
      signal,
      ...(caller !== undefined && { caller }),
      ...(agent !== undefined && { agent }),
    });
  }

  /** Whose room it is now (R3). */
  async #look(rooms: Rooms, signal: AbortSignal) {
    const { room, roomSid, agent, isUnopened, log } = this.#request;
    const [occupants, sid] = await Promise.all([rooms.occupants(room, signal), rooms.sidOf(room, signal)]);
    this.#telephones = occupants.filter(({ kind }) => kind === 'sip').map(({ identity }) => identity);
    this.#avatars = occupants.filter(({ onBehalfOf }) => agent && onBehalfOf === agent).map(({ identity }) => identity);
    this.#isRoomThere = sid !== undefined;
    const isAnew = roomSid !== '' && sid !== undefined && sid !== roomSid;
    this.#isForeign = isAnew || (isUnopened && occupants.some(({ kind }) => kind === 'agent'));
    if (this.#isForeign) log.warn({ room, sid }, 'another agent or another call has this room; it is left alone');
    this.#isLookedAt = true;
    return occupants;
  }
}
