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
  const { room, agent, policy, rooms, notes, log } = request;
  let isForeign = false;
  let isLookedAt = false;
  let isRoomThere = false;
  let telephones: string[] | undefined;
  /** Of the dead agent: the next job brings its own, and two faces would speak. */
  let avatars: string[] = [];

  /** Whose room it is now. */
  const look = async (asked: Rooms, signal: AbortSignal) => {
    const [occupants, sid] = await Promise.all([asked.occupants(room, signal), asked.sidOf(room, signal)]);
    telephones = occupants.filter(({ kind }) => kind === 'sip').map(({ identity }) => identity);
    avatars = occupants.filter(({ onBehalfOf }) => agent && onBehalfOf === agent).map(({ identity }) => identity);
    isRoomThere = sid !== undefined;
    const isAnew = request.roomSid !== '' && sid !== undefined && sid !== request.roomSid;
    isForeign = isAnew || (request.isUnopened && occupants.some(({ kind }) => kind === 'agent')); // R3
    if (isForeign) log.warn({ room, sid }, 'another agent or another call has this room; it is left alone');
    isLookedAt = true;
    return occupants;
  };

  const hangUp = (asked: Rooms, strategy: HangUpStrategy, signal: AbortSignal): Promise<HangUpResult> =>
    asked.hangUp({
      room,
      strategy,
      ...(request.roomSid !== '' && { roomSid: request.roomSid }),
      ...(telephones && { sip: telephones }),
      signal,
      ...(request.caller !== undefined && { caller: request.caller }),
      ...(agent !== undefined && { agent }),
    });

  const effects: Acts = {
    probe: async (_, { signal }) => {
      if (!rooms) return { callerThere: false, successorSpeaks: false };
      const occupants = await look(rooms, signal);
      const callerThere = occupants.some(({ kind }) => kind === 'standard' || kind === 'sip');
      // Who comes to a room that was deleted has it made anew, and waits in it for nobody.
      const isAwaited = request.isCallerAwaited && request.resumesLeft > 0 && isRoomThere;
      return { callerThere: (callerThere || isAwaited) && !isForeign, successorSpeaks: false };
    },
    takeOver: async (_, { signal }) => {
      if (!rooms) throw new Error('there is no LiveKit to call an agent by');
      // The probe was late, and a room that was made anew is somebody else's (R3).
      if (!isLookedAt) await look(rooms, signal);
      if (isForeign) throw new Error('another agent or another call has this room');
      if (avatars.length > 0) log.info({ avatars: avatars.length }, 'the avatar of the dead agent is taken out');
      await Promise.allSettled(avatars.map((identity) => rooms.remove(room, identity, signal)));
      await request.takeOver(rooms, signal);
    },
    apologize: async (_, { signal, send }) => {
      if (!request.apologize) throw new Error('no apology is wanted');
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
        const heard = await request.apologize({
          room,
          signal,
          onAudible: () => {
            firstAudioMs = elapsed();
            send({ type: 'apologist.audible' });
          },
        });
        spoken('played', heard.heardMs);
        return heard;
      } catch (error) {
        const heardMs = firstAudioMs === undefined ? 0 : elapsed() - firstAudioMs;
        spoken(firstAudioMs === undefined ? 'failed' : 'cut', heardMs, messageOf(error));
        throw error;
      }
    },
    hangUp: async (_, { signal }) => {
      if (!rooms) return { verified: true };
      const strategy = strategyFor(request.end, request.hangUp);
      const elapsed = stopwatch();
      // R3: the probe was late, and a room is deleted by its name.
      const unseen = isLookedAt ? undefined : await look(rooms, signal).then(() => undefined, messageOf);
      if (isForeign) return { verified: true };
      const { reason, by } = request.end ?? ends.processCrashed;
      const told = rooms.tell(room, { type: 'session.ended', session: request.session, reason, by }, signal);
      await settledWithin(told, TELLING_MS);
      const result = unseen === undefined ? await hangUp(rooms, strategy, signal) : { ...unconfirmed, error: unseen };
      notes.append('hangup', { strategy, ...result, ms: elapsed() });
      const { verified, attempts, left, error } = result;
      log.info(
        // An identity may be a telephone number, and errors name it.
        { room, strategy, verified, attempts, 'pii.left': left, ...(error !== undefined && { 'pii.error': error }) },
        verified ? 'the caller was released' : 'the hang-up is unconfirmed',
      );
      return { verified: result.verified };
    },
  };

  return new Promise((resolve) => {
    const isUnreleased = !request.isReleased && rooms !== null;
    const finish = (isHangUpOwed: boolean) => resolve({ outcome: 'released', isHangUpOwed });
    const machine = runMachine<typeof recoveryMachine, RecoveryEvent>({
      machine: 'recovery',
      chart: recoveryMachine,
      input: {
        policy,
        resumesLeft: rooms === null ? 0 : request.resumesLeft,
        wasSeenAtOnce: request.wasSeenAtOnce,
        end: request.end,
        isReleased: request.isReleased || rooms === null, // R2
        apologizes: request.apologize !== undefined,
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
    if (request.signal.aborted) return leave();
    request.signal.addEventListener('abort', leave, { once: true });
    machine.start(effects);
  });
}
