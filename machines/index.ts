/** Every machine, its events, its input and its numbers, by name. */
export { bound, bounds, boundOf, releaseBound, silenceBound, startBound, UnboundedMachineError } from './bound.ts';
export type { Bound, BoundProblem } from './bound.ts';
export type { Effects, Heard, RecoveryEffects, Speech } from './effects.ts';
export { ends } from './events.ts';
export type { End, Line, Rung, SessionEvent } from './events.ts';
export { defaultPolicy } from './policy.ts';
export type { Limit, Policy } from './policy.ts';
export { recoveryMachine } from './recovery.machine.ts';
export type { RecoveryEvent, RecoveryInput } from './recovery.machine.ts';
export { sessionMachine } from './session.machine.ts';
export type { Context, Greeting, Input } from './session.machine.ts';
