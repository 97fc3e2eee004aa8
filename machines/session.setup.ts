/**
 * What the session machine is made of: context, guards, actions, delays, effects, and the turns of phrase that its
 * states share. Pure. The states are in session.opening.ts, session.conversing.ts and session.ending.ts; J2 is in
 * session.machine.ts. No target stands here: a transition says itself where it leads.
 */
import { and, assign, not, or, raise, setup, stateIn } from 'xstate';
import { effect, stepsOf, type Effects, type Speech } from './effects.ts';
import { ends, named, noAnswer, type End } from './ends.ts';
import type { Awaited, Greeting, Line, Rung, SessionEvent, Transfer } from './events.ts';
import { limits, MAX_TIMER_MS, type Policy } from './policy.ts';

export type Input = {
  policy: Policy;
  /** After a crash: the first words excuse it. */
  resumed: boolean;
  /** How long the call had lasted before, in ms; counts for `maxDurationMs`. */
  elapsedMs: number;
  greeting: Greeting;
  /** Is one configured? */
  goodbye: boolean;
};
export type SessionContext = Omit<Input, 'goodbye'> & {
  goodbye: boolean; // configured, and still wanted
  end: End | null;
  alsoTriggered: End[];
  nudges: number;
  awaits: Awaited; // what the caller waits for
  isStarved: boolean; // this process waits for a core
  isSilenceTold: boolean; // false: what is said is only read, nobody listens, or work in the background is awaited
  endpointingMs: number; // longest time from their last sound to their turn
  givenMs: number; // by the application, to a caller who looks something up
  askedAgain: number; // in a row, without words in between
  isLiveBroken: boolean; // the live rung failed since the agent was last heard
  isAnswerOwed: boolean; // the caller was lost while waiting for us
  isOwnLineLost: boolean; // it was the agent that was lost
  isUnheard: boolean; // what the agent said ended while the caller was lost, or it was away itself before they were
  isHoldGoodbye: boolean; // is a goodbye said to who holds for too long?
  transfer: Transfer | null; // asked for
  failure: End | null; // what is being mended, or was
};
/** Pure. What is known when a session begins. */
export const atTheStart = (input: Input): SessionContext => ({
  ...input,
  end: null,
  alsoTriggered: [],
  nudges: 0,
  awaits: 'llm',
  isStarved: false,
  isSilenceTold: true,
  endpointingMs: 3_000,
  givenMs: 1,
  askedAgain: 0,
  isHoldGoodbye: false,
  transfer: null,
  isLiveBroken: false,
  isAnswerOwed: false,
  isOwnLineLost: false,
  isUnheard: false,
  failure: null,
});
/**
 * silent    the caller waits for us and hears nothing        audible   a line of ours plays
 * starting  nothing was ever heard                           expecting costs nothing to a caller who is there
 * fresh     heard on entry: a silence begins here anew       leaving   an end is recorded     released  caller let go
 *
 * What adapters ask for:
 * greeting  until the first words are heard                  greets    they are ours          waiting   an answer is owed
 * lastRung  no other line would be heard after this one      transferring  to somebody else   hangingUp  being let go
 * mending   the session failed, and is made whole            calm    nobody speaks, and nobody waits for us
 */
export type Tag =
  | 'live'
  | 'silent'
  | 'audible'
  | 'starting'
  | 'expecting'
  | 'fresh'
  | 'leaving'
  | 'released'
  | 'greeting'
  | 'greets'
  | 'waiting'
  | 'lastRung'
  | 'transferring'
  | 'mending'
  | 'calm'
  | 'hangingUp';

export const { within, during, spoken } = stepsOf<Effects, SessionContext>();

export const record = (given: End) => ({ type: 'recordEnd', params: given }) as const; // an end that the machine itself finds
/** The end that the event brings. Not a name in quotes: so the types refuse it where an event brings none. */
export const recordGivenEnd = { type: 'recordEnd', params: ({ event }: { event: { end: End } }) => event.end } as const;
/** What could not be mended. */
export const recordFailure = {
  type: 'recordEnd',
  params: ({ context }: { context: SessionContext }) => context.failure ?? ends.orchestratorError,
} as const;
/** An end that names whom the caller waited for. */
export const recordNoAnswer = (reason: 'startup_failed' | 'model_failed') =>
  ({
    type: 'recordEnd',
    params: ({ context: { awaits, policy, isStarved } }: { context: SessionContext }) =>
      noAnswer(reason, awaits, policy.turnMs, isStarved),
  }) as const;
export const endSoFar = (context: SessionContext): End => context.end ?? ends.orchestratorError;

export const line = (name: Line, rung: Rung, how: Pick<Speech, 'until' | 'interruptible'>) => () => ({
  line: name,
  rung,
  ...how,
});
export const remark = { until: 'audible', interruptible: true } as const;
export const lastWord = { until: 'played', interruptible: false } as const;
export const goodbyeHeard = { type: 'line.audible', guard: 'isGoodbye' } as const;
export const apologyHeard = { type: 'line.audible', guard: 'isApology' } as const;

/** The output of a settled effect; XState types it by the declared events only. */
const outcomeOf = (event: object): unknown => (event as { output?: { outcome?: unknown } }).output?.outcome;

export const session = setup({
  types: {} as { context: SessionContext; events: SessionEvent; input: Input; output: SessionContext; tags: Tag },
  actors: {
    connect: effect<Effects, 'connect'>('connect'),
    startSession: effect<Effects, 'startSession'>('startSession'),
    awaitCaller: effect<Effects, 'awaitCaller'>('awaitCaller'),
    speak: effect<Effects, 'speak'>('speak'),
    hold: effect<Effects, 'hold'>('hold'),
    transfer: effect<Effects, 'transfer'>('transfer'),
    mend: effect<Effects, 'mend'>('mend'),
    drain: effect<Effects, 'drain'>('drain'),
    interrupt: effect<Effects, 'interrupt'>('interrupt'),
    hangUp: effect<Effects, 'hangUp'>('hangUp'),
    close: effect<Effects, 'close'>('close'),
    sendReport: effect<Effects, 'sendReport'>('sendReport'),
  },
  delays: {
    ...limits,
    // A quarter of the time in which the keeper wants the next job to be heard: joining takes less than half of it.
    excuseMs: ({ context: { policy } }) => Math.min(policy.firstAudioMs, policy.takeoverMs / 4),
    endpointingMs: ({ context }) => context.endpointingMs,
    givenMs: ({ context }) => context.givenMs,
    noiseMs: ({ context }) => Math.min(4 * context.policy.idleMs, MAX_TIMER_MS),
    untilWindDownMs: ({ context: { policy, elapsedMs } }) =>
      Math.max(1, policy.maxDurationMs - policy.windDownMs - elapsedMs),
  },
  guards: {
    isTransferred: ({ event }) => outcomeOf(event) === 'transferred',
    isWorking: or([stateIn('#toolRunning'), stateIn('#transferring')]),
    isResting: not(or([stateIn('#toolRunning'), stateIn('#transferring')])),
    isBusy: or([stateIn('#toolRunning'), stateIn('#transferring'), stateIn('#granted'), not('isSilenceTold')]),
    isSilenceTold: ({ context }) => context.isSilenceTold,
    isTurn: ({ event }) => event.type === 'caller.waits' && event.isTurn,
    isTurnFound: ({ event }) => event.type === 'caller.stopped' && event.endpointingMs !== null,
    isUnrecognized: stateIn('#unrecognized'),
    isWorthMending: ({ event }) => event.type === 'session.failed' && event.isMendable === true,
    isMendable: and(['isWorthMending', or([stateIn('#whole'), stateIn('#mending')])]),
    /** Not for ever: who goes on without words (a television, a noise) is left alone. */
    isDeaf: ({ context }) => context.askedAgain >= context.policy.nudges,
    hasNudgesLeft: ({ context }) => context.nudges < context.policy.nudges,
    agentGreets: ({ context }) => context.greeting === 'agent' && !context.resumed,
    callerSpeaksFirst: ({ context }) => context.greeting === 'wait' && !context.resumed,
    isResumed: ({ context }) => context.resumed,
    isLiveBroken: ({ context }) => context.isLiveBroken,
    isAnswerOwed: ({ context }) => context.isAnswerOwed,
    isOwnLineLost: ({ context }) => context.isOwnLineLost,
    isUnheard: ({ context }) => context.isOwnLineLost || context.isUnheard,
    isGoodbyeUnwanted: ({ context }) => !context.goodbye,
    isDrainSkipped: ({ event }) => event.type === 'session.end' && !event.drain,
    isGoodbye: ({ event }) => event.type === 'line.audible' && event.line === 'goodbye',
    isApology: ({ event }) => event.type === 'line.audible' && event.line === 'apology',
    isCallerLost: stateIn('#suspended'),
    isFillingLive: stateIn('#fillingLive'),
    isFillingBundled: or([stateIn('#fillingBundled'), stateIn('#asking')]),
    isFilled: stateIn('#filled'),
  },
  actions: {
    // J2: the first end stays; a later one is noted and may take the goodbye away, never bring it back.
    recordEnd: assign(({ context, event }, given: End) => ({
      ...(context.end ? { alsoTriggered: [...context.alsoTriggered, named(given)] } : { end: named(given) }),
      ...(event.type === 'session.end' && event.goodbye === false && { goodbye: false }),
    })),
    countNudge: assign({ nudges: ({ context }) => context.nudges + 1 }),
    forgetCounts: assign({ nudges: 0 }),
    noteAwaited: assign({
      awaits: ({ context, event }) =>
        event.type === 'caller.waits' || event.type === 'answer.moved' ? event.awaits : context.awaits,
    }),
    noteEndpointing: assign({
      endpointingMs: ({ context, event }) =>
        event.type === 'caller.stopped' && event.endpointingMs !== null
          ? Math.min(Math.max(1, event.endpointingMs), MAX_TIMER_MS)
          : context.endpointingMs,
    }),
    noteGiven: assign({
      givenMs: ({ context, event }) =>
        event.type === 'time.given' ? Math.min(Math.max(1, event.ms), MAX_TIMER_MS) : context.givenMs,
    }),
    countAgain: assign({ askedAgain: ({ context }) => context.askedAgain + 1 }),
    forgetAgain: assign({ askedAgain: 0 }),
    noteCores: assign({ isStarved: ({ event }) => event.type === 'cores.switched' && event.areShort }),
    noteSilence: assign({ isSilenceTold: ({ event }) => event.type === 'silence.switched' && event.counts }),
    // Before the first words. What was taken away is not brought back (J2).
    noteLines: assign({
      greeting: ({ context, event }) => (event.type === 'lines.chosen' ? event.greeting : context.greeting),
      goodbye: ({ context, event }) => context.goodbye && (event.type !== 'lines.chosen' || event.goodbye),
    }),
    endTime: raise({ type: 'time.over' }),
    noteFailure: assign({ failure: ({ event }) => (event.type === 'session.failed' ? event.end : null) }),
    noteHold: assign({ isHoldGoodbye: ({ event }) => event.type === 'hold.began' && event.goodbye }),
    noteTransfer: assign({ transfer: ({ event }) => (event.type === 'transfer.requested' ? event.transfer : null) }),
    chooseGoodbye: assign({
      goodbye: ({ context, event }) => (event.type === 'voicemail.found' ? event.goodbye : context.isHoldGoodbye),
    }),
    noteLiveBroken: assign({ isLiveBroken: true }),
    noteLiveWorks: assign({ isLiveBroken: false }),
    oweAnswer: assign({ isAnswerOwed: true }),
    oweNothing: assign({ isAnswerOwed: false }),
    noteUnheard: assign({ isUnheard: true }),
    forgetUnheard: assign({ isUnheard: false }),
    noteOwnAbsence: assign({ isUnheard: ({ context }) => context.isUnheard || context.isOwnLineLost }),
    noteWhoseLine: assign({ isOwnLineLost: ({ event }) => event.type === 'caller.lost' && event.isOwnLine === true }),
    // J2: speech ends in time for the steps that are never shortened. Each request has its own timer: the first counts.
    startBudget: raise(
      { type: 'budget.spent' },
      {
        delay: ({ context: { policy }, event }) =>
          event.type === 'shutdown.requested'
            ? Math.max(1, event.graceMs - policy.hangUpMs - policy.closeMs - policy.reportMs)
            : 1,
      },
    ),
  },
});
