/**
 * One session machine at work: effects carried out, everything journaled, an answer always given.
 *
 * Owns: the actor, the scope of its effects, the crash report of the machine itself. Knows nothing of LiveKit.
 *   R1  `send` never throws and is in the journal before the machine sees it.
 *   R2  An effect that settles after the machine went on is journaled as `late` and changes nothing.
 *   R3  A machine that fails (a bug of ours) still hangs up, closes and reports: XState would orphan the rest.
 *   R4  Effects run in the async context in which the run was made, whoever sent the event. A tool that ends the call
 *       sends from its own, in which the SDK refuses to wait for the tool's speech.
 */
import { AsyncResource } from 'node:async_hooks';
import { createActor, fromPromise, type InspectionEvent } from 'xstate';
import {
  ends,
  sessionMachine,
  type SessionContext,
  type Effects,
  type Input,
  type SessionEvent,
  type Tag,
} from '../../machines/index.ts';
import type { Json } from '../journal/entry.ts';
import { isA, messageOf } from '../errors/thrown.ts';
import { LeftError, settledWithin, stopwatch } from '../waiting/deadline.ts';
import type { Clock, Log, Recorder } from './ports.ts';

export type EffectPort = { signal: AbortSignal; send: (event: SessionEvent) => void };
export type SessionEffects = {
  [Name in keyof Effects]: (input: Effects[Name]['input'], port: EffectPort) => Promise<Effects[Name]['output']>;
};

export type SessionRun = {
  /** The machine begins, and its first effects are asked for at once. Events that came before wait until here. */
  start(effects: SessionEffects): void;
  /** Takes no event any more: somebody else speaks for this call, and our own departure is none. */
  leave(): void;
  /** The state, by its name in the mission, at the first end trigger; undefined while there was none. */
  stage(): string | undefined;
  /** Never throws; ignored once the session is closed. */
  send: (event: SessionEvent) => void;
  /** The leaves of the current state: `live.conversing.dialogue.active`, … */
  leaves(): string[];
  /** What adapters ask: never a state's name. */
  readonly hasTag: (tag: Tag) => boolean;
  context(): SessionContext;
  /** Resolves when `closed` is reached; never rejects. */
  readonly closed: Promise<SessionContext>;
};

export type RunOptions = {
  input: Input;
  recorder: Recorder;
  log: Log;
  clock?: Clock;
  /** The machine is in other states than before. */
  onStates?: (hasTag: SessionRun['hasTag']) => void;
};

/** The leaves of a state value, dotted. Pure. */
export const leavesOf = (value: unknown, above = ''): string[] => {
  const under = (name: string) => (above === '' ? name : `${above}.${name}`);
  if (typeof value === 'string') return [under(value)];
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) => leavesOf(inner, under(name)));
};

/** Nothing happens before `start()`. */
export function runSession({ input, recorder, log, clock, onStates }: RunOptions): SessionRun {
  /** From its start on; nothing is asked for before. */
  let effects: SessionEffects;
  const scope = new AbortController();
  let effectCount = 0;
  let isOver = false;
  const asyncContext = new AsyncResource('LastwordSession');

  const provide = <Name extends keyof Effects>(name: Name) =>
    fromPromise<Effects[Name]['output'], Effects[Name]['input']>(async ({ input: asked, signal }) => {
      const id = `${name}#${(effectCount += 1)}`;
      const elapsed = stopwatch();
      const line = speechOf(asked);
      const note = (phase: 'requested' | 'settled' | 'failed' | 'aborted' | 'late', more: object = {}) =>
        recorder.append('effect', { machine: 'session', id, name, phase, ...line, ...more });
      note('requested');
      let isLeft = false;
      const both = AbortSignal.any([signal, scope.signal]);
      both.addEventListener('abort', () => {
        if (isLeft) return;
        isLeft = true;
        note('aborted', { ms: elapsed() });
      });
      try {
        const output = await effects[name](asked, { signal: both, send });
        const ms = elapsed();
        note(isLeft ? 'late' : 'settled', { ms, output: output as Json });
        isLeft = true;
        return output;
      } catch (error) {
        const ms = elapsed();
        if (!(isLeft && isA(error, LeftError))) note(isLeft ? 'late' : 'failed', { ms, error: messageOf(error) });
        if (!isLeft) log.warn({ effect: name, ...line, error: messageOf(error) }, 'an effect failed');
        isLeft = true;
        throw error;
      }
    });

  let states: string[] = [];
  let stage: string | undefined;
  const inspect = (seen: InspectionEvent) => {
    // An observer that throws makes `send` throw and loses the event, so this one may not.
    try {
      if (seen.type !== '@xstate.snapshot' || seen.actorRef !== actor) return;
      const snapshot = seen.snapshot as { value?: unknown };
      if (snapshot.value === undefined) return;
      const now = leavesOf(snapshot.value);
      const { end } = (seen.snapshot as { context?: SessionContext }).context ?? {};
      const isFirst = end !== undefined && end !== null && stage === undefined;
      if (isFirst) stage = stageOf(states);
      if (now.join() === states.join()) return;
      recorder.append('transition', {
        machine: 'session',
        from: states,
        to: now,
        event: seen.event.type,
        ...(isFirst && { end }),
      });
      states = now;
      onStates?.(hasTag);
    } catch (error) {
      log.error({ error: messageOf(error) }, 'a state could not be recorded');
    }
  };

  const actor = createActor(
    sessionMachine.provide({
      actors: {
        hold: provide('hold'),
        transfer: provide('transfer'),
        connect: provide('connect'),
        startSession: provide('startSession'),
        awaitCaller: provide('awaitCaller'),
        speak: provide('speak'),
        drain: provide('drain'),
        interrupt: provide('interrupt'),
        hangUp: provide('hangUp'),
        close: provide('close'),
        sendReport: provide('sendReport'),
      } satisfies Record<keyof Effects, unknown>,
    }),
    { input, inspect, ...(clock && { clock: clock as never }) },
  );

  function send(event: SessionEvent): void {
    if (isOver) return;
    if (typeof (event as { type?: unknown } | null | undefined)?.type !== 'string') {
      log.error('what is no event was sent; it is ignored'); // XState would stop the machine for it
      return;
    }
    try {
      recorder.append('event', plain(event));
      asyncContext.runInAsyncScope(() => actor.send(event)); // R4
    } catch (error) {
      log.error({ event: event.type, error: messageOf(error) }, 'an event could not be taken');
    }
  }

  const hasTag = (tag: Tag): boolean => actor.getSnapshot().hasTag(tag);

  const closed = new Promise<SessionContext>((resolve) => {
    const finish = (context: SessionContext) => {
      isOver = true;
      scope.abort();
      resolve(context);
    };
    /** R3. */
    const rescue = async (error: unknown) => {
      const context = actor.getSnapshot().context;
      stage ??= stageOf(states);
      const end = context.end ?? { ...ends.orchestratorError, detail: messageOf(error) };
      recorder.append('error', { component: 'orchestrator', message: messageOf(error), recoverable: false });
      log.error({ error: messageOf(error) }, 'the session machine failed; hanging up and reporting');
      scope.abort();
      const { hangUpMs, closeMs, reportMs } = input.policy;
      const rest = new AbortController();
      const port = { signal: rest.signal, send: () => {} };
      await settledWithin(effects.hangUp({ end }, port), hangUpMs);
      await settledWithin(effects.close(undefined, port), closeMs);
      await settledWithin(effects.sendReport({ end }, port), reportMs);
      rest.abort();
      finish({ ...context, end });
    };
    actor.subscribe({
      complete: () => finish(actor.getSnapshot().context),
      error: (error) => void rescue(error),
    });
  });
  return {
    start: (given) => {
      effects = given;
      asyncContext.runInAsyncScope(() => actor.start()); // R4
    },
    leave: () => void (isOver = true),
    stage: () => stage,
    send,
    leaves: () => states,
    hasTag,
    context: () => actor.getSnapshot().context,
    closed,
  };
}

/** `live.conversing.dialogue.active` → `conversing`, `exiting.saying.playing` → `exiting`. */
const stageOf = (leaves: string[]): string => {
  const [outer, inner] = (leaves[0] ?? 'connecting').split('.');
  return (outer === 'live' ? inner : outer) ?? 'connecting';
};

const speechOf = (asked: unknown): object => {
  if (typeof asked !== 'object' || asked === null || !('line' in asked)) return {};
  const { line, rung } = asked as { line: string; rung: string };
  return { line, rung };
};

/** An event as the journal keeps it: its own fields, which are all JSON. */
const plain = (event: SessionEvent): { type: string; [detail: string]: Json } =>
  ({ ...event }) as { type: string; [detail: string]: Json };
