/**
 * Effects whose end the adversary decides, and the clock that it moves. What is asked for is checked at once: order,
 * repetition, words to nobody, deadlines.
 */
import { fromPromise, type AnyStateMachine } from 'xstate';
import type { Policy } from '../../machines/index.ts';
import type { Breach, GroundTruth, Ratios } from './ground-truth.ts';

/** How long an effect may be under way: written here by hand, so that a limit swapped in a machine shows. */
const allowedMs = (policy: Policy, name: string, line: string | undefined): number => {
  const lines: Record<string, number> = {
    goodbye: policy.rungMs + policy.goodbyeMs,
    apology: policy.rungMs + policy.apologyMs,
    greeting: policy.turnMs,
    recovery: policy.turnMs,
  };
  const effects: Record<string, number> = {
    connect: policy.connectMs,
    startSession: policy.connectMs,
    awaitCaller: policy.callerJoinMs,
    speak: lines[line ?? ''] ?? policy.rungMs,
    hold: policy.holdMs,
    transfer: policy.transferMs,
    mend: policy.mendMs,
    drain: policy.drainMs,
    interrupt: policy.interruptMs,
    hangUp: policy.hangUpMs,
    close: policy.closeMs,
    sendReport: policy.reportMs,
    probe: policy.probeMs,
    takeOver: policy.takeoverMs,
    apologize: policy.apologistMs + policy.apologyMs,
    seal: policy.sealMs,
  };
  return effects[name] ?? 0;
};

export type EffectInput = { line?: string; rung?: string; until?: string; end?: { reason: string } } | undefined;

export type Call = {
  name: string;
  line: string | undefined;
  rung: string | undefined;
  until: string | undefined;
  isAudible: boolean;
  isOver: boolean;
  hasSucceeded: boolean;
  succeed: (output: unknown) => void;
  fail: () => void;
};

export class AttackedEffects {
  now = 0;
  readonly timers = new Map<number, { at: number; fire: () => void }>();
  readonly pending = new Set<Call>();
  /** Names in the order of their requests; a line as `goodbye:live`. */
  asked: string[] = [];
  /** The same requests themselves. */
  calls: Call[] = [];
  lastLine: Call | null = null;
  /** The line that the caller hears, or is about to. */
  lastWord: Call | null = null;
  #ids = 0;
  readonly #policy: Policy;
  readonly #broke: Breach;
  readonly #tight: Ratios;
  /** Looks at each request; set by the adversary, which knows the call. */
  onAsked: (call: Call, input: EffectInput) => void = () => {};
  truth: GroundTruth | null = null;

  constructor(policy: Policy, broke: Breach, tight: Ratios) {
    this.#policy = policy;
    this.#broke = broke;
    this.#tight = tight;
  }

  readonly clock = {
    setTimeout: (fire: () => void, ms: number): number => {
      if (!(ms > 0)) this.#broke('a bad delay', String(ms));
      this.timers.set(++this.#ids, { at: this.now + ms, fire });
      return this.#ids;
    },
    clearTimeout: (id: number): void => void this.timers.delete(id),
  };

  nextTimer(): [number, { at: number; fire: () => void }] | undefined {
    let first: [number, { at: number; fire: () => void }] | undefined;
    for (const timer of this.timers) if (!first || timer[1].at < first[1].at) first = timer;
    return first;
  }

  times(name: string): number {
    return this.asked.filter((each) => each === name).length;
  }

  /** The machine with these effects, until it is asked for again: runs come one after the other. */
  provide(machine: AnyStateMachine): AnyStateMachine {
    const stage = stages.get(machine) ?? stageOf(machine);
    stage.effects = this;
    return stage.machine;
  }

  /** The process is gone, and everything in it. */
  forget(): void {
    this.timers.clear();
    this.pending.clear();
    this.asked = [];
    this.calls = [];
    this.lastLine = null;
    this.lastWord = null;
  }

  begin(name: string, input: EffectInput, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const begunAt = this.now;
      const call: Call = {
        name,
        line: input?.line,
        rung: input?.rung,
        until: input?.until,
        isAudible: false,
        isOver: false,
        hasSucceeded: false,
        succeed: (output) => {
          call.hasSucceeded = true;
          finish();
          resolve(output);
        },
        fail: () => {
          finish();
          reject(new Error('failed, as the adversary wanted'));
        },
      };
      const finish = (): void => {
        if (call.isOver) return;
        call.isOver = true;
        this.pending.delete(call);
        const limit = allowedMs(this.#policy, name, call.line);
        const took = this.now - begunAt;
        this.#tight('effect', took, limit);
        const diedAt = this.truth?.diedAt ?? null;
        if ((diedAt === null || this.now > diedAt) && took > limit)
          this.#broke('effect past its deadline', `${name} ${took} > ${limit}`);
        if (this.lastWord !== call) return;
        this.lastWord = null;
        if (this.truth) this.truth.isLinePlaying = false;
      };
      signal.addEventListener('abort', finish);
      this.pending.add(call);
      this.asked.push(call.line ? `${call.line}:${call.rung}` : name);
      this.calls.push(call);
      this.onAsked(call, input);
    });
  }
}

/** One machine for all runs: to put one together takes as long as a run. */
type Stage = { machine: AnyStateMachine; effects: AttackedEffects | null };
const stages = new WeakMap<AnyStateMachine, Stage>();

function stageOf(original: AnyStateMachine): Stage {
  const names = Object.keys(original.implementations.actors as object);
  const logicOf = (name: string) =>
    fromPromise<unknown, EffectInput>(
      ({ input, signal }) => stage.effects?.begin(name, input, signal) ?? Promise.reject(new Error('no run is on')),
    );
  const actors = Object.fromEntries(names.map((name) => [name, logicOf(name)]));
  const stage: Stage = { machine: original.provide({ actors } as never), effects: null };
  stages.set(original, stage);
  return stage;
}
