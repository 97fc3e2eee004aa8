/**
 * Calls at human speed for the adversary: nobody fails, and everything takes as long as it may. Delays are drawn around
 * the limits (just below, just above, far beyond where nothing limits them), and each promise has a monitor with a name.
 */
import { createActor, type AnyActorRef, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import { defaultPolicy, endOf, type Greeting, type Policy, type SessionEvent } from '../../machines/index.ts';
import { AttackedEffects, type Call } from './attacked-effects.ts';
import { randomFrom, type Random } from './random.ts';

export type Unhurried = {
  runs: number;
  fillers: number;
  /** Delays by what they were near: `firstAudioMs -1`. */
  near: Set<string>;
  broken: Map<string, string>;
};

const limits = ['firstAudioMs', 'fillerMs', 'turnMs', 'toolMs', 'idleMs'] as const;
const offsets = [-200, -1, 1, 200];
const STEPS = 14;
const START_MS = 1;

/** @param until stop as soon as this monitor is broken; `true`: any */
export async function unhurried(
  machine: AnyStateMachine,
  options: { seed: number; runs: number; until?: true },
): Promise<Unhurried> {
  const random = randomFrom(options.seed);
  const found: Unhurried = { runs: 0, fillers: 0, near: new Set(), broken: new Map() };
  for (; found.runs < options.runs; found.runs += 1) {
    if (options.until && found.broken.size > 0) break;
    await new Talk(machine, random, found).play();
  }
  return found;
}

type Floor = 'free' | 'caller' | 'waits' | 'agent';

class Talk {
  readonly #random: Random;
  readonly #found: Unhurried;
  readonly #policy: Policy = defaultPolicy;
  readonly #effects: AttackedEffects;
  readonly #actor: AnyActorRef;
  readonly #log: string[] = [];
  readonly #greeting: Greeting;
  #floor: Floor = 'free';
  #isLeaving = false;
  #isWorking = false;
  /** The last step forward, the last sound of ours, or the beginning of the wait. */
  #silentSince = 0;
  #lastFillerAt = -Infinity;

  constructor(machine: AnyStateMachine, random: Random, found: Unhurried) {
    this.#random = random;
    this.#found = found;
    this.#greeting = random.pick<Greeting>(['say', 'generate', 'agent', 'wait']);
    this.#effects = new AttackedEffects(
      this.#policy,
      (monitor, text) => this.#broke(monitor, text),
      () => {},
    );
    this.#effects.onAsked = (call) => this.#asked(call);
    this.#actor = createActor(this.#effects.provide(machine), {
      clock: this.#effects.clock,
      input: { policy: this.#policy, resumed: false, elapsedMs: 0, greeting: this.#greeting, goodbye: true },
    } as never) as AnyActorRef;
  }

  async play(): Promise<void> {
    this.#actor.start();
    await this.#settle();
    await this.#wait(3 * START_MS);
    if (this.#greeting !== 'wait') await this.#greets();
    for (let step = 0; step < STEPS && !this.#isOver(); step += 1) await this.#goOn();
    this.#check();
    this.#isLeaving = true;
    this.#send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
    this.#actor.stop();
  }

  // ── what happens ──

  async #greets(): Promise<void> {
    this.#floor = 'waits';
    this.#silentSince = this.#effects.now;
    await this.#wait(this.#around(this.#policy.turnMs - 1));
    const greeting = [...this.#effects.pending].find(({ line }) => line === 'greeting');
    if (greeting) greeting.succeed({ heardMs: 0 });
    else this.#send({ type: 'agent.audible' });
    this.#floor = 'agent';
    await this.#settle();
  }

  async #goOn(): Promise<void> {
    const { idleMs, turnMs, toolMs, firstAudioMs, fillerMs } = this.#policy;
    const chance = this.#random.next();
    switch (this.#floor) {
      case 'free': {
        if (chance < 0.15) {
          this.#send({ type: 'time.given', ms: 60_000 });
          await this.#wait(this.#around(60_000 + idleMs - 1));
        } else await this.#wait(this.#around(idleMs - 1));
        if (chance > 0.9) return this.#send({ type: 'caller.acts' }); // a key
        return this.#says({ type: 'caller.speaks' }, 'caller');
      }
      case 'caller': {
        await this.#wait(this.#around(4 * idleMs - 1));
        this.#send({ type: 'caller.acts' }); // words
        await this.#wait(this.#around(4 * idleMs - 1));
        if (chance < 0.2) return this.#says({ type: 'dialogue.moved' }, 'free');
        const endpointingMs = this.#random.pick([300, 3000, 7000, null]);
        this.#silentSince = this.#effects.now; // their own time, and then the endpointing
        this.#floor = 'waits';
        this.#send({ type: 'caller.stopped', endpointingMs });
        // Words come before a filler and the next one's time are over: later, they are asked to say it again.
        await this.#wait(
          this.#around(endpointingMs === null ? turnMs - 1 : endpointingMs + firstAudioMs + fillerMs - 1),
        );
        return this.#says({ type: 'caller.waits', awaits: this.#random.pick(['hook', 'llm']), isTurn: true }, 'waits');
      }
      case 'waits': {
        if (chance < 0.35) {
          this.#isWorking = true;
          this.#send({ type: 'tool.started' });
          await this.#wait(this.#around(toolMs - 1));
          this.#send({ type: 'tool.ended' });
          this.#isWorking = false;
          return this.#says({ type: 'answer.moved', awaits: 'llm' }, 'waits');
        }
        if (chance < 0.42) {
          await this.#wait(this.#around(turnMs - 1));
          return this.#says({ type: 'caller.speaks' }, 'caller'); // asks again
        }
        await this.#wait(this.#around(turnMs - 1));
        if (chance < 0.6) return this.#says({ type: 'answer.moved', awaits: 'tts' }, 'waits');
        return this.#says({ type: 'agent.audible' }, 'agent');
      }
      case 'agent': {
        await this.#wait(this.#around(Infinity));
        if (chance < 0.2) return this.#says({ type: 'caller.speaks' }, 'caller'); // barge-in
        if (chance < 0.4) return this.#says({ type: 'caller.waits', awaits: 'llm', isTurn: false }, 'waits'); // announced
        return this.#says({ type: 'dialogue.moved' }, 'free');
      }
    }
  }

  /** Just below a limit, just above it, or anything; at least 1 and at most `most`. */
  #around(most: number): number {
    const limit = this.#random.pick(limits);
    const offset = this.#random.pick(offsets);
    const times = this.#random.pick([1, 1, 2]);
    const ms = this.#random.next() < 0.3 ? this.#random.below(20_000) : times * this.#policy[limit] + offset;
    if (ms <= most && times === 1) this.#found.near.add(`${limit} ${offset < 0 ? 'below' : 'above'}`);
    return Math.max(1, Math.min(most, ms));
  }

  // ── what is asked for ──

  #asked(call: Call): void {
    const { name, line, rung } = call;
    const { clock } = this.#effects;
    this.#log.push(`${this.#effects.now} +${line ?? name}`);
    const after = (ms: number) => clock.setTimeout(() => !call.isOver && call.succeed({ identity: 'caller' }), ms);
    if (this.#isLeaving) return;
    if (name !== 'speak') {
      if (['connect', 'startSession', 'awaitCaller'].includes(name)) return void after(START_MS);
      return this.#broke('ended', `${name} is asked for`);
    }
    if (line === 'greeting') return; // heard when its time has come
    if (line !== 'filler') return this.#broke(String(line), 'in a healthy call');
    this.#checkFiller();
    // A voice that is late leaves it to the recording, which is not.
    const late = rung === 'live' && this.#random.next() < 0.3;
    const { rungMs } = this.#policy;
    clock.setTimeout(
      () => {
        if (call.isOver) return;
        this.#found.fillers += 1;
        this.#lastFillerAt = this.#effects.now;
        call.succeed({ heardMs: 0 });
      },
      late ? rungMs + 1 : this.#random.pick([1, rungMs - 1, 1 + this.#random.below(rungMs - 1)]),
    );
  }

  #checkFiller(): void {
    const { now } = this.#effects;
    const since = Math.max(this.#silentSince, this.#lastFillerAt);
    if (this.#floor !== 'waits') this.#broke('a filler in the caller’s turn', this.#floor);
    if (now - since < this.#policy.firstAudioMs) this.#broke('a filler too early', `${now - since} ms`);
  }

  // ── time ──

  #says(event: SessionEvent, floor: Floor): void {
    // A turn that is taken at last is no sound and no step: who waited for it waits on.
    const isWaitedFor = this.#floor === 'waits' && event.type === 'caller.waits';
    this.#floor = floor;
    if (!isWaitedFor) {
      this.#silentSince = this.#effects.now;
      this.#lastFillerAt = -Infinity;
    }
    this.#send(event);
  }

  #send(event: SessionEvent): void {
    this.#log.push(`${this.#effects.now} ${event.type}`);
    this.#actor.send(event);
  }

  /** So long passes, and whatever is due in it happens. */
  async #wait(ms: number): Promise<void> {
    const { timers } = this.#effects;
    const until = this.#effects.now + ms;
    for (;;) {
      await this.#settle();
      const next = this.#effects.nextTimer();
      if (!next || next[1].at > until) break;
      timers.delete(next[0]);
      this.#effects.now = next[1].at;
      next[1].fire();
    }
    this.#effects.now = until;
    this.#check();
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
  }

  #isOver(): boolean {
    return !(this.#actor.getSnapshot() as AnyMachineSnapshot).matches('live');
  }

  #check(): void {
    const { end } = (this.#actor.getSnapshot() as AnyMachineSnapshot).context;
    if (end) this.#broke('ended', `as ${end.reason}: ${end.detail ?? ''}`);
  }

  #broke(monitor: string, text: string): void {
    const told = `run ${this.#found.runs}, ${this.#isWorking ? 'a tool at work' : this.#floor}: ${text}`;
    if (!this.#found.broken.has(monitor))
      this.#found.broken.set(monitor, `${told} | ${this.#log.slice(-12).join(' · ')}`);
  }
}
