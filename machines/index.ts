/** Every machine, its events, its input and its numbers, by name. */
export {
  bound,
  detections,
  lastWordsMs,
  releaseBound,
  releases,
  silenceBound,
  silences,
  startBound,
  starts,
} from './analysis/bound.ts';
export { sessionContext, supervisionContext } from './analysis/bound.ts';
export type { Detections, Machines, Walks } from './analysis/bound.ts';
export { UnboundedMachineError } from './analysis/chart.ts';
export type { BoundProblem } from './analysis/chart.ts';
export { boundOf, bounds } from './analysis/walks.ts';
export type { Bound } from './analysis/walks.ts';

export { digester } from './analysis/digest.ts';
export { walkReceived } from './analysis/received.ts';
export type { Received } from './analysis/received.ts';
export { differences, replay, replayerOf } from './analysis/replay.ts';
export type { Refusal, Replay, ReplayEntry, Replayer, ReplayStep, SeenStep } from './analysis/replay.ts';
export {
  leavesOf,
  limitIn,
  limitOfTrigger,
  limitTrigger,
  ownName,
  pathOfState,
  START,
  stageOf,
} from './analysis/words.ts';
export { toDot, toMermaid, transitionTable } from './analysis/diagram.ts';
export { plainConfig } from './analysis/plain-config.ts';
export type { Plain } from './analysis/plain-config.ts';
export { machineShape } from './analysis/shape.ts';
export type { MachineShape } from './analysis/shape.ts';

export type {
  Effects,
  HeardLine,
  RecoveryEffects,
  Speech,
  SupervisionEffects,
  Transferred,
  Verdict,
} from './effects.ts';
export { endOf, ends, hangUpStrategies, isReason, noAnswer, reasons } from './ends.ts';
export type { End, HangUpStrategy, Reason } from './ends.ts';
export type { Awaited, Greeting, Line, Noticed, Rung, SessionEnd, SessionEvent, Transfer } from './events.ts';

export { definePolicy, expectedOf, PolicyError } from './define-policy.ts';
export type { PolicyProblem } from './define-policy.ts';
export { defaultPolicy, isCount, keeperLimits, MAX_TIMER_MS } from './policy.ts';
export type { CallLimits, KeeperLimit, Limit, Policy } from './policy.ts';

export { recoveryContext, recoveryMachine } from './recovery.machine.ts';
export type { RecoveryContext, RecoveryEvent, RecoveryInput, RecoveryTag } from './recovery.machine.ts';
export { supervisionMachine } from './supervision.machine.ts';
export type { SupervisionContext, SupervisionEvent, SupervisionInput, SupervisionTag } from './supervision.machine.ts';
export { sessionMachine } from './session.machine.ts';
export type { SessionContext, Input, Tag } from './session.setup.ts';

export { actOnWait, nextWait, UNTAKEN_MS } from './unanswered.ts';
export type { CallerSeen, CallerWait, WaitAct, WaitFacts } from './unanswered.ts';
export { CALLED_MS, CALM_MS, heldTenure, nextTenure } from './tenure.ts';
export type { Tenure, TenureAct, TenureEvent, TenurePhase, TenureStep, WorkerFate } from './tenure.ts';
export { CLEAR_SPEECH_MS, emptyLedger, isOwed, tell } from './turns.ts';
export type { Ledger, Pipeline, TurnFact } from './turns.ts';
