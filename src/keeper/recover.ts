/**
 * The recovery machine at work for one dead session: its effects are carried out, and all of it is noted.
 *
 * Owns the actor and the scope of its effects. What the effects do is given to it.
 *   R1  It always resolves, also when the machine itself fails or is left: then the hang-up counts as owed.
 *   R2  Without access to LiveKit there is nobody to hang up on.
 *   R3  A job that never opened its journal never entered its room. An agent found there belongs to somebody else (this
 *       worker declined too late, and LiveKit gave the job to another one): that call is not ours to hang up. Nor is one
 *       in a room of the same name that was made anew: a keeper that was away for an hour finds such rooms. Nobody is
 *       hung up on before that was looked at; while LiveKit does not say, the hang-up is owed (owed.ts looks, too).
 */
import { createActor, fromPromise, type InspectionEvent } from 'xstate';
import {
  recoveryMachine,
  type End,
  type HeardLine,
  type Policy,
  type HangUpStrategy,
  type RecoveryEffects,
} from '../../machines/index.ts';
import type { HangUpPolicy, Json } from '../journal/entry.ts';
import type { HangUpResult, Rooms } from '../rooms/rooms.ts';
import { messageOf } from '../errors/thrown.ts';
import { stopwatch } from '../waiting/deadline.ts';
import type { Log } from '../session/ports.ts';
import { leavesOf } from '../session/run.ts';
import type { Notes } from './notes.ts';
import { strategyFor } from '../session/hang-up-strategy.ts';

export type Apologize = (request: { room: string; signal: AbortSignal; onAudible: () => void }) => Promise<HeardLine>;

export type RecoveryRequest = {
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
  rooms: Rooms | null;
  /** Absent: the call is hung up on without a word. */
  apologize: Apologize | undefined;
  /** Left by whoever asked for it: its effects are aborted. */
  signal: AbortSignal;
  notes: Pick<Notes, 'append'>;
  log: Log;
};

type Effect = {
  [Name in keyof RecoveryEffects]: (
    input: RecoveryEffects[Name]['input'],
    signal: AbortSignal,
  ) => Promise<RecoveryEffects[Name]['output']>;
};

/** Nobody was asked for anything yet. */
const unconfirmed: HangUpResult = { verified: false, attempts: 0, left: [] };

/** *Effect.* @returns whether the caller may still be on the line: nobody confirmed the hang-up (R1) */
export function recover(request: RecoveryRequest): Promise<{ isHangUpOwed: boolean }> {
  const { room, agent, policy, rooms, notes, log } = request;
  const scope = new AbortController();
  let isForeign = false;
  let isLookedAt = false;
  let telephones: string[] | undefined;
  let effectCount = 0;

  /** Whose room it is now. */
  const look = async (asked: Rooms, signal: AbortSignal) => {
    const [occupants, sid] = await Promise.all([asked.occupants(room, signal), asked.sidOf(room, signal)]);
    telephones = occupants.filter(({ kind }) => kind === 'sip').map(({ identity }) => identity);
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

  const act: Effect = {
    probe: async (_, signal) => {
      if (!rooms) return { callerThere: false, successorSpeaks: false };
      const occupants = await look(rooms, signal);
      const callerThere = occupants.some(({ kind }) => kind === 'standard' || kind === 'sip');
      return { callerThere: callerThere && !isForeign, successorSpeaks: false };
    },
    takeOver: () => Promise.reject(new Error('taking a call over is not built yet; resumesLeft has to be 0')),
    apologize: async (_, signal) => {
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
            actor.send({ type: 'apologist.audible' });
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
    hangUp: async (_, signal) => {
      if (!rooms) return { verified: true };
      const strategy = strategyFor(request.end, request.hangUp);
      const elapsed = stopwatch();
      // R3: the probe was late, and a room is deleted by its name.
      const unseen = isLookedAt ? undefined : await look(rooms, signal).then(() => undefined, messageOf);
      if (isForeign) return { verified: true };
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

  const provide = <Name extends keyof RecoveryEffects>(name: Name) =>
    fromPromise<RecoveryEffects[Name]['output'], RecoveryEffects[Name]['input']>(async ({ input, signal }) => {
      const id = `${name}#${(effectCount += 1)}`;
      const elapsed = stopwatch();
      const note = (
        phase: 'requested' | 'settled' | 'failed' | 'late',
        more: { output?: Json; error?: string } = {},
      ) => {
        const ms = phase === 'requested' ? {} : { ms: elapsed() };
        notes.append('effect', { machine: 'recovery', id, name, phase, ...ms, ...more });
      };
      note('requested');
      const both = AbortSignal.any([signal, scope.signal]);
      try {
        const output = await act[name](input, both);
        note(both.aborted ? 'late' : 'settled', { output: output as Json });
        return output;
      } catch (error) {
        note(both.aborted ? 'late' : 'failed', { error: messageOf(error) });
        throw error;
      }
    });

  let states: string[] = [];
  const inspect = (seen: InspectionEvent) => {
    try {
      if (seen.type !== '@xstate.snapshot' || seen.actorRef !== actor) return; // before R1: an observer may not throw
      const { value } = seen.snapshot as { value?: unknown };
      const now = value === undefined ? states : leavesOf(value);
      if (now.join() === states.join()) return;
      if (now[0] !== 'done')
        notes.append('transition', { machine: 'recovery', from: states, to: now, event: seen.event.type });
      states = now;
    } catch (error) {
      log.error({ error: messageOf(error) }, 'a state of the recovery could not be noted');
    }
  };

  const actor = createActor(
    recoveryMachine.provide({
      actors: {
        probe: provide('probe'),
        takeOver: provide('takeOver'),
        apologize: provide('apologize'),
        hangUp: provide('hangUp'),
      },
    }),
    {
      inspect,
      input: {
        policy,
        resumesLeft: 0,
        end: request.end,
        isReleased: request.isReleased || rooms === null, // R2
        apologizes: request.apologize !== undefined,
      },
    },
  );

  return new Promise((resolve) => {
    const isUnreleased = !request.isReleased && rooms !== null;
    const finish = (isHangUpOwed: boolean) => {
      scope.abort();
      resolve({ isHangUpOwed });
    };
    const leave = () => {
      finish(isUnreleased);
      actor.stop();
    };
    if (request.signal.aborted) return leave();
    request.signal.addEventListener('abort', leave, { once: true });
    actor.subscribe({
      complete: () => finish(actor.getSnapshot().context.isHangUpOwed),
      error: (error) => {
        log.error({ err: error }, 'the recovery machine failed; sealing without it');
        notes.append('error', { component: 'orchestrator', message: messageOf(error), recoverable: false });
        finish(isUnreleased);
      },
    });
    actor.start();
  });
}
