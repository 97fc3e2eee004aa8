/**
 * The session machine at work (run-machine.ts): where its first end came from, and an answer whatever happens.
 *
 *   R3  A machine that fails (a bug of ours) still hangs up, closes and reports: XState would orphan the rest.
 */
import {
  ends,
  sessionMachine,
  type SessionContext,
  type Effects,
  type Input,
  type SessionEvent,
  type Tag,
  stageOf,
} from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { Clock, Log, Recorder } from './ports.ts';
import { runMachine } from './run-machine.ts';

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

/** Nothing happens before `start()`. */
export function runSession({ input, recorder, log, clock, onStates }: RunOptions): SessionRun {
  /** From its start on; nothing is asked for before. */
  let effects: SessionEffects;
  let isOver = false;
  let stage: string | undefined;
  let finish: (context: SessionContext) => void = () => undefined;
  const closed = new Promise<SessionContext>((resolve) => {
    finish = (context) => {
      isOver = true;
      resolve(context);
    };
  });
  const hasTag = (tag: Tag): boolean => machine.snapshot().hasTag(tag);

  const machine = runMachine<typeof sessionMachine, SessionEvent>({
    machine: 'session',
    chart: sessionMachine,
    input,
    note: (kind, data) => recorder.append(kind, data),
    clock,
    aside: speechOf,
    onFailedEffect: (effect, asked, error) =>
      log.warn({ effect, ...speechOf(asked), error: messageOf(error) }, 'an effect failed'),
    onStep: (before, { context: { end } }) => {
      if (end === null || stage !== undefined) return undefined;
      stage = stageOf(before) ?? 'connecting';
      return { end };
    },
    onStates: () => onStates?.(hasTag),
    onDone: ({ context }) => finish(context),
    onFailed: (error) => void rescue(error),
    onTrouble: (error) => log.error({ error: messageOf(error) }, 'what the session machine received went wrong'),
  });

  /** R3. */
  async function rescue(error: unknown): Promise<void> {
    const { context } = machine.snapshot();
    stage ??= stageOf(machine.leaves()) ?? 'connecting';
    const end = context.end ?? { ...ends.orchestratorError, detail: messageOf(error) };
    recorder.append('error', { component: 'orchestrator', message: messageOf(error), recoverable: false });
    log.error({ error: messageOf(error) }, 'the session machine failed; hanging up and reporting');
    const { hangUpMs, closeMs, reportMs } = input.policy;
    const rest = new AbortController();
    const port = { signal: rest.signal, send: () => {} };
    await settledWithin(effects.hangUp({ end }, port), hangUpMs);
    await settledWithin(effects.close(undefined, port), closeMs);
    await settledWithin(effects.sendReport({ end }, port), reportMs);
    rest.abort();
    finish({ ...context, end });
  }

  return {
    start: (given) => {
      effects = given;
      machine.start(given);
    },
    leave: () => machine.leave(),
    stage: () => stage,
    send: (event) => {
      if (isOver) return;
      if (typeof (event as { type?: unknown } | null | undefined)?.type !== 'string') {
        log.error('what is no event was sent; it is ignored'); // XState would stop the machine for it
        return;
      }
      machine.send(event);
    },
    leaves: () => machine.leaves(),
    hasTag,
    context: () => machine.snapshot().context,
    closed,
  };
}

const speechOf = (asked: unknown): object => {
  if (typeof asked !== 'object' || asked === null || !('line' in asked)) return {};
  const { line, rung } = asked as { line: string; rung: string };
  return { line, rung };
};
