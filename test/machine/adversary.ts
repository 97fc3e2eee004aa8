/**
 * Drives both machines with random policies, late, failing and hanging effects, random events, and a process that dies
 * or freezes at any instant, on a virtual clock. Each promise has a monitor with a name; a run that breaks one is kept
 * with its last steps.
 */
import { createActor, type AnyActorRef, type AnyMachineSnapshot } from 'xstate';
import {
  bounds,
  defaultPolicy,
  endOf,
  ends,
  recoveryContext,
  recoveryMachine,
  sessionContext,
  sessionMachine,
  type End,
  type Greeting,
  type Line,
  type Machines,
  type Policy,
  type Rung,
  type SessionEvent,
} from '../../machines/index.ts';
import { AttackedEffects, type Call, type EffectInput } from './attacked-effects.ts';
import { GroundTruth, longestOf } from './ground-truth.ts';
import { randomFrom, type Random } from './random.ts';

export type Figures = {
  runs: number;
  deaths: number;
  goodbyes: number;
  apologies: number;
  fillers: number;
  resumed: number;
  states: Set<string>;
  /** How close a measured time came to its bound, 0 to 1. */
  tight: Map<string, number>;
  /** The longest measured with the default limits, in milliseconds. */
  real: Map<string, number>;
  broken: Map<string, { times: number; first: string }>;
};

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
};
const placeOf = (snapshot: AnyMachineSnapshot): string => JSON.stringify(snapshot.value).replaceAll(/[{}"]/g, '');
const dialogue = (state: string) => ({ live: { conversing: { dialogue: state } } });
const session = (state: string) => ({ live: { conversing: { session: state } } });

type World = { policy: Policy; isReal: boolean } & {
  table: ReturnType<typeof bounds>;
  recoveryTable: ReturnType<typeof bounds>;
  longest: ReturnType<typeof longestOf>;
};

function worldOf(policy: Policy, isReal: boolean): World {
  return {
    policy,
    isReal,
    table: bounds(sessionMachine, sessionContext(policy)),
    recoveryTable: bounds(recoveryMachine, recoveryContext(policy)),
    longest: longestOf(policy),
  };
}

/** Limits drawn at random, so that no two of them are alike by chance. */
function randomPolicy(random: Random): Policy {
  const scaled = Object.entries(defaultPolicy).map(([name, value]): [string, number] => {
    if (name === 'nudges') return [name, value];
    return [name, 10 + random.below(name === 'maxDurationMs' ? random.pick([500, 6_000]) : 300)];
  });
  const policy = Object.fromEntries(scaled) as Policy;
  return { ...policy, maxDurationMs: policy.maxDurationMs + policy.windDownMs };
}

/** Walks are costly: many runs share a policy, and so do all attacks of one seed. One is made when it is first needed. */
const worlds = new Map<string, World>();
function worldFor(seed: number, random: Random): World {
  const slot = random.next() < 0.3 ? random.below(2) : 2 + random.below(60);
  const name = `${seed} ${slot}`;
  const world = worlds.get(name) ?? makeWorld(seed, slot);
  worlds.set(name, world);
  return world;
}
function makeWorld(seed: number, slot: number): World {
  const maxDurationMs = [60_000, 600_000][slot];
  return maxDurationMs === undefined
    ? worldOf(randomPolicy(randomFrom(seed * 1_000 + slot)), false)
    : worldOf({ ...defaultPolicy, maxDurationMs }, true);
}

type Attacked = Pick<Machines, 'session' | 'recovery'>;

/**
 * @param until stop as soon as this monitor is broken
 */
export async function attack(
  machines: Attacked,
  options: { seed: number; runs: number; until?: string },
): Promise<Figures> {
  const random = randomFrom(options.seed);
  const figures: Figures = {
    runs: 0,
    deaths: 0,
    goodbyes: 0,
    apologies: 0,
    fillers: 0,
    resumed: 0,
    states: new Set(),
    tight: new Map(),
    real: new Map(),
    broken: new Map(),
  };
  for (; figures.runs < options.runs; figures.runs++) {
    if (options.until !== undefined && figures.broken.has(options.until)) break;
    await new Run(machines, worldFor(options.seed, random), random, figures).play();
  }
  return figures;
}

class Run {
  readonly machines: Attacked;
  readonly world: World;
  readonly policy: Policy;
  readonly random: Random;
  readonly figures: Figures;
  readonly log: string[] = [];
  readonly effects: AttackedEffects;
  readonly truth: GroundTruth;

  readonly greeting: Greeting;
  readonly resumed: boolean;
  isGoodbyeWanted: boolean;
  liveFailed = false;
  toolSince: number | null = null;
  lostAt: number | null = null;
  conversingSince: number | null = null;
  nudgesInARow = 0;
  askedAgainInARow = 0;
  answeringSince: number | null = null;
  isSpeaking = false;
  awaitingSince: number | null = null;
  isHoldGoodbye = false;
  heldSince: number | null = null;
  transferOutcome = '';
  budgetAt: number | null = null;
  firstEnd: End | null = null;

  readonly trouble: number;
  readonly lossy: number;
  readonly fails: number;
  readonly startsWell: boolean;
  readonly isMortal: boolean;
  readonly patience: number;

  constructor(machines: Attacked, world: World, random: Random, figures: Figures) {
    this.machines = machines;
    this.world = world;
    this.policy = world.policy;
    this.random = random;
    this.figures = figures;
    this.effects = new AttackedEffects(world.policy, this.broke, this.tight);
    this.truth = new GroundTruth(() => this.effects.now, world.policy, world.longest, this.broke, this.tight);
    this.effects.truth = this.truth;
    this.effects.onAsked = (call, input) => this.asked(call, input);
    this.greeting = random.pick<Greeting>(['say', 'generate', 'agent', 'wait']);
    this.resumed = random.next() < 0.1;
    this.isGoodbyeWanted = random.next() < 0.85;
    this.trouble = random.pick([0, 0.05, 0.3]);
    this.lossy = random.pick([0, 0.1, 1]);
    this.fails = random.pick([0.01, 0.05, 0.3]);
    this.startsWell = random.next() < 0.85;
    this.isMortal = random.next() < 0.4;
    this.patience = random.pick([0.02, 0.1, 0.4]);
  }

  readonly broke = (monitor: string, text: string): void => {
    const known = this.figures.broken.get(monitor);
    if (known) known.times++;
    else
      this.figures.broken.set(monitor, {
        times: 1,
        first: `run ${this.figures.runs}: ${text} | ${this.log.slice(-10).join(' · ')}`,
      });
  };
  readonly tight = (what: string, took: number, limit: number): void => {
    const { tight, real } = this.figures;
    if (limit > 0) tight.set(what, Math.max(tight.get(what) ?? 0, took / limit));
    if (this.world.isReal && what.includes(',')) real.set(what, Math.max(real.get(what) ?? 0, took));
  };

  async play(): Promise<void> {
    const { truth, effects } = this;
    const actor = createActor(effects.provide(this.machines.session), {
      clock: effects.clock,
      input: {
        policy: this.policy,
        resumed: this.resumed,
        elapsedMs: 0,
        greeting: this.greeting,
        goodbye: this.isGoodbyeWanted,
      },
    } as never) as AnyActorRef;
    const enteredAt = this.watchSession(actor);
    actor.start();
    const isOver = await this.drive(actor, false);
    const last = actor.getSnapshot() as AnyMachineSnapshot;
    if (last.status === 'done') return this.checkEnding(last, enteredAt);
    if (!this.isMortal || isOver) return this.broke('never closed', placeOf(last));
    this.log.push(`death in ${placeOf(last)}`);
    this.figures.deaths++;
    this.wasAlone();
    truth.diedAt = effects.now;
    truth.triggeredAt ??= effects.now;
    actor.stop();
    await this.recover(last.context.end as End | null);
  }

  // ── what is asked for ──

  asked(call: Call, input: EffectInput): void {
    const { effects, truth, figures } = this;
    const { name, line, rung } = call;
    const { asked } = effects;
    this.log.push(`+${asked.at(-1)}`);
    if (name === 'speak' && (truth.isLost || truth.hasLeft || (!truth.isThere && line !== 'apology')))
      this.broke(line === 'goodbye' ? 'goodbye to nobody' : 'a line to nobody', String(line));
    if (line === 'goodbye' || line === 'apology') effects.lastWord = call;
    if (line === 'goodbye') {
      figures.goodbyes++;
      if (effects.times('goodbye:live') > 1) this.broke('goodbye twice', '');
      if (asked.at(-2) !== 'interrupt') this.broke('goodbye without interrupting', asked.slice(-3).join());
      if (!this.isGoodbyeWanted) this.broke('a goodbye that nobody wants', '');
    }
    if (line === 'apology') figures.apologies++;
    if (line === 'filler') figures.fillers++;
    if (line === 'again' && ++this.askedAgainInARow > this.policy.nudges)
      this.broke('asked again for ever', String(this.askedAgainInARow));
    if (line === 'greeting' && this.resumed) this.broke('the wrong first words', line);
    if (line === 'nudge' && ++this.nudgesInARow > this.policy.nudges)
      this.broke('too many nudges', String(this.nudgesInARow));
    if (rung === 'live' && this.liveFailed && (line === 'filler' || line === 'goodbye' || line === 'apology'))
      this.broke('a failed rung tried again', line);
    if (rung === 'bundled' && line === 'apology' && !this.liveFailed && this.conversingSince !== null) {
      const isRemark = (each: Call): boolean => each.line === 'windDown' || each.line === 'nudge';
      const last = effects.calls.slice(0, -1).findLast((each) => !isRemark(each));
      if (last?.hasSucceeded) this.broke('a rung left out', `after ${last.line ?? last.name}`);
    }
    if (rung === 'bundled' && this.conversingSince !== null) this.liveFailed = true; // a greeting has no other rung
    if (name === 'startSession' && asked.includes('awaitCaller'))
      this.broke('agent session started at the wrong time', '');
    if (name === 'hangUp') this.hangUpAsked(input);
    if (name === 'sendReport' && input?.end !== this.firstEnd) this.broke('end', `reported ${input?.end?.reason}`);
    if (name === 'speak') effects.lastLine = call;
  }

  hangUpAsked(input: EffectInput): void {
    const { effects, truth, budgetAt } = this;
    const { lastLine, asked } = effects;
    if (!input?.end?.reason) this.broke('end', 'hang-up without a reason');
    if (truth.diedAt !== null && input?.end?.reason !== (this.firstEnd?.reason ?? 'process_crashed'))
      this.broke('end', `recovery hangs up as ${input?.end?.reason}`);
    if (truth.diedAt !== null) return;
    if (this.firstEnd && input?.end !== this.firstEnd) this.broke('end', `hung up as ${input?.end?.reason}`);
    const isListening = !truth.isLost && !truth.hasLeft && budgetAt === null;
    const isApologyUnheard =
      lastLine?.line === 'apology' && lastLine.rung === 'live' && !lastLine.isAudible && !lastLine.hasSucceeded;
    if (isApologyUnheard && isListening) this.broke('apology ends with the live rung', '');
    if (asked.at(-2) === 'interrupt' && isListening && truth.isThere && this.isGoodbyeWanted && !this.liveFailed)
      this.broke('a goodbye left out', '');
  }

  // ── the session, watched from outside ──

  watchSession(actor: AnyActorRef): Map<string, number> {
    const { effects, truth, policy } = this;
    const enteredAt = new Map<string, number>();
    let before: AnyMachineSnapshot | null = null;
    actor.subscribe({
      error: (error: unknown) => this.broke('the machine failed', String(error)),
      next: (snapshot: AnyMachineSnapshot) => {
        const { now } = effects;
        const was = (state: Parameters<AnyMachineSnapshot['matches']>[0]): boolean => before?.matches(state) ?? false;
        const isLive = snapshot.matches('live');
        if (isLive && truth.isEnding) this.broke('back into the call', placeOf(snapshot));
        if (!isLive) truth.triggeredAt ??= now;
        truth.isEnding = !isLive;
        this.noteStates(snapshot, enteredAt);
        const isAwaiting = snapshot.matches({ live: { connecting: 'awaitingCaller' } });
        if (isAwaiting) this.awaitingSince ??= now;
        else this.wasAlone();
        if (snapshot.matches({ live: 'conversing' })) {
          this.conversingSince ??= now;
          if (was({ live: { connecting: 'awaitingCaller' } })) {
            truth.measureStart(true); // greeting: 'wait'
            truth.wasHeard = true;
            truth.waits = false;
          }
        }
        const isWaiting = snapshot.matches(dialogue('waiting'));
        if (isWaiting && !was(dialogue('waiting'))) truth.waits = true; // recognition was late
        if (!isWaiting && was(dialogue('waiting')) && snapshot.matches(dialogue('active'))) truth.waits = false;
        this.checkPatience(snapshot);
        this.checkEnd(snapshot, before);
        if (!snapshot.matches(dialogue('held'))) this.heldSince = null;
        else this.heldSince ??= now;
        if (this.heldSince !== null && now - this.heldSince > policy.holdMs)
          this.broke('the hold outlived', `${now - this.heldSince}`);
        if (isLive && this.lostAt !== null && now - this.lostAt > policy.callerGraceMs)
          this.broke('the grace period outlived', `${now - this.lostAt}`);
        if (isLive && this.conversingSince !== null && now - this.conversingSince > policy.maxDurationMs)
          this.broke('the longest duration outlived', `${now - this.conversingSince}`);
        if (snapshot.matches('reporting') || snapshot.status === 'done') truth.released();
        before = snapshot;
        truth.look();
      },
    });
    return enteredAt;
  }

  /** The caller is there, or nobody waits for them any more. */
  wasAlone(): void {
    if (this.awaitingSince !== null) this.truth.aloneMs += this.effects.now - this.awaitingSince;
    this.awaitingSince = null;
  }

  noteStates(snapshot: AnyMachineSnapshot, enteredAt: Map<string, number>): void {
    for (const { id } of snapshot._nodes) {
      this.figures.states.add(id);
      if (!enteredAt.has(id)) enteredAt.set(id, this.effects.now);
    }
  }

  checkPatience(snapshot: AnyMachineSnapshot): void {
    const { now } = this.effects;
    const isAnswering = snapshot.matches({
      live: { conversing: { dialogue: { waiting: { patience: 'answering' } } } },
    });
    if (!isAnswering) this.answeringSince = null;
    else this.answeringSince ??= now;
    if (this.answeringSince !== null && now - this.answeringSince > this.policy.turnMs)
      this.broke('the patience outlived', `${now - this.answeringSince}`);
  }

  checkEnd(snapshot: AnyMachineSnapshot, before: AnyMachineSnapshot | null): void {
    const end = snapshot.context.end as End | null;
    if (!end) return;
    this.firstEnd ??= end;
    if (this.firstEnd !== end) this.broke('end', `${this.firstEnd.reason} became ${end.reason}`);
    if (end.reason.trim() === '') this.broke('end', 'a blank reason');
    if (before?.context.end !== null) return;
    if (end.reason === 'on_hold') this.isGoodbyeWanted = this.isHoldGoodbye;
    if (end.reason === 'transferred' && this.transferOutcome !== 'transferred')
      this.broke('transferred without a transfer', this.transferOutcome);
    const { now } = this.effects;
    if (end.reason === 'max_duration' && this.truth.isListening && !this.effects.asked.includes('windDown:live'))
      this.broke('the caller was not told', '');
    const toolFor = this.toolSince === null ? Infinity : now - this.toolSince;
    if (
      end.reason === 'model_failed' &&
      toolFor < this.policy.toolMs &&
      before.matches({ live: { conversing: { work: 'running' } } }) &&
      end.detail?.includes('gave nothing') === true
    )
      this.broke('a tool cut off', `${toolFor} < ${this.policy.toolMs}`);
  }

  checkEnding(last: AnyMachineSnapshot, enteredAt: Map<string, number>): void {
    const { effects } = this;
    if (!last.context.end?.reason) this.broke('end', 'none');
    const steps = ['hangUp', 'close', 'sendReport'];
    for (const name of steps) if (effects.times(name) !== 1) this.broke('a step of the ending missing or twice', name);
    const order = steps.map((name) => effects.asked.indexOf(name));
    if (order.some((at, index) => at < (order[index - 1] ?? -1)))
      this.broke('order of the ending', effects.asked.slice(-4).join());
    if (this.budgetAt !== null && effects.now > this.budgetAt)
      this.broke('budget', `${effects.now} > ${this.budgetAt}`);
    this.checkBounds(enteredAt, this.world.table);
  }

  checkBounds(enteredAt: Map<string, number>, table: World['table']): void {
    for (const [state, at] of enteredAt) {
      const bound = table.get(state);
      if (!bound) continue;
      const took = this.effects.now - at;
      this.tight(state, took, bound.ms);
      if (took > bound.ms) this.broke('bound', `${state} ${took} > ${bound.ms}`);
    }
  }

  // ── what happens to the call ──

  send(actor: AnyActorRef, event: SessionEvent): void {
    const before = actor.getSnapshot() as AnyMachineSnapshot;
    this.log.push(`${placeOf(before)}<${event.type}`);
    const wasActive = before.matches(dialogue('active'));
    const drains = this.effects.times('drain');
    if (event.type === 'session.end' && event.goodbye === false)
      this.isGoodbyeWanted &&= this.effects.times('goodbye:live') > 0;
    if (event.type === 'voicemail.found' && before.context.end === null) this.isGoodbyeWanted = event.goodbye;
    actor.send(event);
    const after = actor.getSnapshot() as AnyMachineSnapshot;
    const isWhole = before.matches(session('whole')) || before.matches(session('mending'));
    if (event.type === 'session.failed' && event.isMendable === true && isWhole) {
      if (!after.matches(session('mending'))) this.broke('not mended', placeOf(after));
      return;
    }
    if (
      'end' in event &&
      before.context.end === null &&
      after.context.end?.reason !== (event.end.reason || 'unspecified')
    )
      this.broke('end', `${event.type} not recorded`);
    if (
      'end' in event &&
      before.context.end !== null &&
      before.status === 'active' &&
      after.context.alsoTriggered.length !== before.context.alsoTriggered.length + 1
    )
      this.broke('a later trigger forgotten', event.type);
    if ('end' in event && wasActive && after.matches('live')) this.broke('a trigger that does not end', event.type);
    if (event.type === 'hold.began' && !before.matches(dialogue('held')) && after.matches(dialogue('held'))) {
      this.isHoldGoodbye = event.goodbye;
      this.truth.waits = false;
      this.truth.look();
    }
    const hasDrained = this.effects.times('drain') > drains;
    if (event.type === 'session.end' && wasActive && hasDrained !== event.drain)
      this.broke('drain', String(event.drain));
    if (event.type === 'session.failed' && wasActive && !this.effects.asked.at(-1)?.startsWith('apology'))
      this.broke('no apology', String(this.effects.asked.at(-1)));
    const isOwed = event.type === 'caller.returned' && before.matches(dialogue('suspended')) && this.truth.waits;
    if (isOwed && !after.matches(dialogue('waiting'))) this.broke('an owed answer forgotten', '');
    if (event.type === 'agent.audible' && before.matches({ live: 'greeting' }) && after.matches({ live: 'greeting' }))
      this.broke('greeting outlives its first audio', '');
  }

  oneEvent(actor: AnyActorRef): void {
    const { truth, effects, policy, random } = this;
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    const { now } = effects;
    const isTalking = snapshot.matches({ live: 'conversing' });
    const isGreeting = snapshot.matches({ live: 'greeting' });
    const isHeld = snapshot.matches(dialogue('held'));
    const isConnecting = snapshot.matches({ live: 'connecting' });
    const patience = truth.isLost ? 0.5 : snapshot.matches(dialogue('waiting')) ? 2 * this.trouble : this.trouble;
    const mayEnd = !snapshot.matches('live') || random.next() <= patience;
    const type = random.pick([
      ...(isTalking && !truth.isLost && !isHeld
        ? ([
            'dialogue.moved',
            'caller.waits',
            'caller.waits',
            'agent.audible',
            'answer.moved',
            'caller.speaks',
            'caller.acts',
            'caller.stopped',
            'words.missed',
            'time.given',
          ] as const)
        : []),
      ...(isHeld ? ['hold.ended'] : []),
      ...(isTalking && !truth.isLost && random.next() < 0.2 ? ['hold.began', 'transfer.requested'] : []),
      ...(isGreeting && !truth.isLost
        ? (['agent.audible', 'agent.audible', 'caller.waits', 'caller.speaks', 'caller.stopped'] as const)
        : []),
      ...(isTalking ? [this.toolSince === null ? 'tool.started' : 'tool.ended'] : []),
      ...(mayEnd ? ['session.end', 'session.failed', 'shutdown.requested', 'voicemail.found'] : []),
      ...(truth.isLost ? ['caller.returned'] : []),
      ...(!isConnecting && truth.isThere && !truth.isLost && random.next() < this.lossy ? ['caller.lost'] : []),
      ...(truth.isThere && random.next() < this.trouble ? ['caller.left'] : []),
      'line.audible',
    ] as const);
    if (truth.hasLeft && /^(agent|dialogue|caller)/.test(type) && type !== 'caller.left') return;
    switch (type) {
      case 'agent.audible':
        truth.waits = false;
        this.nudgesInARow = 0;
        this.liveFailed = false;
        truth.heard();
        return this.send(actor, { type });
      case 'dialogue.moved':
        this.isSpeaking = false;
        truth.waits = false;
        truth.wasHeard = true;
        truth.measureStart(true);
        return this.send(actor, { type });
      case 'caller.speaks':
        if (isGreeting) truth.measureStart(false); // their own time
        this.isSpeaking = true;
        truth.waits = false;
        return this.send(actor, { type });
      case 'caller.acts': // takes no floor: who waits still does
        this.nudgesInARow = this.askedAgainInARow = 0;
        return this.send(actor, { type });
      case 'caller.stopped':
        this.isSpeaking = false;
        truth.waits = isGreeting; // they said hello, and still wait for the greeting
        return this.send(actor, {
          type,
          endpointingMs: random.next() < 0.8 ? 1 + random.below(300) : null,
        });
      case 'words.missed':
        return this.send(actor, { type });
      case 'time.given':
        return this.send(actor, { type, ms: 1 + random.below(1000) });
      case 'answer.moved':
        truth.step();
        if (this.answeringSince !== null) this.answeringSince = now;
        return this.send(actor, { type, awaits: random.pick(['llm', 'tts', 'tool', 'hook']) });
      case 'caller.waits': {
        const isTurn = !isGreeting || random.next() < 0.5;
        if (isTurn && isGreeting) {
          truth.wasHeard = true; // from here on it is a silence, not a start
          truth.measureStart(false);
        }
        if (isTurn) this.isSpeaking = false;
        truth.waits = !this.isSpeaking; // who speaks over the first words does not wait for them yet
        this.askedAgainInARow = 0;
        return this.send(actor, { type, awaits: random.pick(['llm', 'hook']), isTurn });
      }
      case 'tool.started':
        this.toolSince = now;
        return this.send(actor, { type });
      case 'tool.ended':
        this.toolSince = null;
        this.answeringSince = null;
        return this.send(actor, { type });
      case 'caller.lost':
        truth.isLost = true;
        truth.waits &&= isGreeting || snapshot.context.isAnswerOwed === true;
        this.lostAt = now;
        truth.measureStart(false);
        truth.look();
        return this.send(actor, random.next() < 0.3 ? { type, isOwnLine: true } : { type });
      case 'caller.returned':
        truth.isLost = false;
        this.lostAt = null;
        truth.wasHeard = true; // from here on it is a silence, not a start
        return this.send(actor, { type });
      case 'caller.left':
        truth.hasLeft = true;
        truth.measureStart(false);
        truth.look();
        return this.send(actor, { type, end: endOf('caller', 'caller_hung_up', 'none') });
      case 'shutdown.requested': {
        const graceMs = policy.hangUpMs + policy.closeMs + policy.reportMs + 1 + random.below(300);
        this.budgetAt = Math.min(this.budgetAt ?? Infinity, now + graceMs);
        return this.send(actor, { type, end: endOf('operator', 'worker_shutdown', 'none'), graceMs });
      }
      case 'session.end': {
        const reason = random.next() < 0.1 ? '' : 'agent_ended';
        const goodbye = random.pick([{}, {}, { goodbye: true }, { goodbye: false }]);
        return this.send(actor, {
          type,
          end: { by: 'agent', reason, fault: 'none' },
          drain: random.next() < 0.6,
          ...goodbye,
        });
      }
      case 'voicemail.found':
        return this.send(actor, { type, end: ends.voicemail, goodbye: random.next() < 0.5 });
      case 'hold.began':
        return this.send(actor, { type, goodbye: random.next() < 0.5 });
      case 'hold.ended':
        this.nudgesInARow = 0;
        return this.send(actor, { type });
      case 'transfer.requested':
        return this.send(actor, { type, transfer: { id: '1', how: random.pick(['refer', 'warm']), to: 'somebody' } });
      case 'session.failed':
        return this.send(actor, {
          type,
          end: endOf('system', 'model_failed_hard', 'provider'),
          isMendable: random.next() < 0.5,
        });
      case 'line.audible': // a word of a line that nobody asked for, or of an older one
        return this.send(actor, { type, line: 'filler', rung: 'live' });
    }
  }

  oneEffect(fails: number, sendAudible: (call: Call) => void, isLive: boolean): void {
    const { truth, effects, random } = this;
    const call = random.pick([...effects.pending]);
    const isLine = (call.name === 'speak' && call.until === 'played') || call.name === 'apologize';
    if (isLine && !call.isAudible && random.next() < 0.6) {
      if (truth.isLost || truth.hasLeft) return;
      truth.isThere = true; // an apology for a failed start may find somebody
      call.isAudible = true;
      effects.lastWord = call;
      truth.isLinePlaying = true;
      this.log.push(`audible ${call.line ?? 'apologist'}`);
      truth.heard();
      return sendAudible(call);
    }
    if (random.next() < fails) {
      this.log.push(`${call.name} fails`);
      if (call.rung === 'live' && (call.line === 'filler' || call.line === 'apology') && !call.isAudible)
        this.liveFailed = true;
      return call.fail();
    }
    this.log.push(`${call.name} ok`);
    if (call.name === 'awaitCaller') truth.isThere = true;
    if (call.name === 'speak' && call.until === 'audible' && !truth.isLost && !truth.hasLeft) {
      truth.heard();
      if (call.line === 'greeting' || call.line === 'recovery') truth.waits = false;
      truth.isEnding = !isLive;
      truth.look();
    }
    if (call.line === 'again') truth.waits = false;
    if (call.name === 'hold') this.nudgesInARow = 0;
    if (call.name === 'takeOver') truth.heard();
    const outputs: Record<string, () => unknown> = {
      probe: () => ({ callerThere: random.next() < 0.9, successorSpeaks: random.next() < 0.1 }),
      hangUp: () => ({ verified: random.next() < 0.8 }),
      transfer: () => ({ outcome: (this.transferOutcome = random.pick(['transferred', 'declined'])) }),
    };
    call.succeed(outputs[call.name]?.() ?? {});
  }

  /** @returns true when it is over, or can go no further */
  async drive(subject: AnyActorRef, isRecovery: boolean): Promise<boolean> {
    const { effects, random } = this;
    for (let step = 0; step < 3_000; step++) {
      await settle();
      const snapshot = subject.getSnapshot() as AnyMachineSnapshot;
      if (snapshot.status !== 'active') return true;
      const isLive = !isRecovery && snapshot.matches('live');
      if (!isRecovery && this.isMortal && random.next() < 0.04) return false;
      const next = effects.nextTimer();
      const wait = (): void => {
        if (next && random.next() < 0.8) effects.now = Math.max(effects.now, next[1].at - 1);
      };
      const isStarting = isLive && this.startsWell && !snapshot.matches({ live: 'conversing' });
      if (effects.pending.size > 0 && random.next() < (isStarting ? 0.97 : isLive ? 0.5 : this.patience)) {
        wait();
        this.oneEffect(isStarting ? 0.01 : isLive ? this.fails : 0.5, (call) => this.lineHeard(subject, call), isLive);
        continue;
      }
      if (!isRecovery && random.next() < (isStarting ? 0.97 : isLive ? 0.35 : 0.12)) {
        wait();
        this.oneEvent(subject);
        continue;
      }
      if (!next) return false;
      effects.timers.delete(next[0]);
      effects.now = next[1].at;
      next[1].fire();
    }
    return false;
  }

  lineHeard(subject: AnyActorRef, { name, line, rung }: Call): void {
    if (name === 'apologize') subject.send({ type: 'apologist.audible' });
    else this.send(subject, { type: 'line.audible', line: line as Line, rung: rung as Rung });
  }

  // ── the process dies or freezes; the keeper finds out ──

  async recover(end: End | null): Promise<void> {
    const { truth, effects, policy, random } = this;
    this.firstEnd = end;
    const wasReleased = truth.isReleased;
    effects.forget();
    truth.isLinePlaying = false;
    const isGone = !truth.isListening;
    truth.look();
    effects.now += random.next() < 0.5 ? policy.unresponsiveMs : 0;
    const resumesLeft = random.pick([0, 1, 2]);
    const apologizes = random.next() < 0.85;
    const recovery = createActor(effects.provide(this.machines.recovery), {
      clock: effects.clock,
      input: { policy, resumesLeft, end, isReleased: wasReleased, apologizes },
    } as never) as AnyActorRef;
    const enteredAt = new Map<string, number>();
    recovery.subscribe({
      error: (error: unknown) => this.broke('the recovery failed', String(error)),
      next: (snapshot: AnyMachineSnapshot) => {
        this.noteStates(snapshot, enteredAt);
        if (snapshot.context.outcome === 'released') truth.released();
        truth.look();
      },
    });
    recovery.start();
    if (!(await this.drive(recovery, true))) return this.broke('recovery never done', placeOf(recovery.getSnapshot()));
    await settle();
    const { context } = recovery.getSnapshot() as AnyMachineSnapshot;
    const isResumed = context.outcome === 'resumed';
    if (isResumed) {
      this.figures.resumed++;
      truth.resumed();
    }
    const asked = effects.asked.join();
    const [takeOvers, apologies] = [effects.times('takeOver'), effects.times('apologize')];
    if (takeOvers > 0 && (end !== null || resumesLeft === 0 || wasReleased))
      this.broke('a call taken over that is not wanted', `resumes ${resumesLeft}, end ${end?.reason}`);
    if (takeOvers > 1 || apologies > 1) this.broke('recovery twice', asked);
    if (effects.times('hangUp') !== (isResumed || wasReleased ? 0 : 1)) this.broke('recovery does not hang up', asked);
    if (!isResumed && !context.end?.reason) this.broke('end', 'none after recovery');
    if (context.outcome === 'open') this.broke('recovery without an outcome', asked);
    if (apologies > 0 && !apologizes) this.broke('an apology that nobody wants', asked);
    if (!isGone && apologizes && takeOvers > 0 && apologies === 0 && !isResumed) this.broke('no apology', asked);
    this.checkBounds(enteredAt, this.world.recoveryTable);
  }
}
