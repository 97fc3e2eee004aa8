/**
 * Why a session ends. Two levels, small and stable: who ended it, and the reason. Pure data and one constructor.
 *
 * A reason is one of `reasons`, or a word of the application's own; it is never empty.
 */
import type { Awaited } from './events.ts';

export type End = {
  /** Who ended it. */
  by: 'caller' | 'agent' | 'operator' | 'limit' | 'system';
  /** One of the built-in words, or the application's own; never empty. */
  reason: string;
  /** Whose fault it was. */
  fault: 'none' | 'caller' | 'application' | 'provider' | 'platform';
  /** One line for whoever reads the report: an error's message, a disconnect reason. */
  detail?: string;
  /** How the caller is let go; left out: as the definition says of such an end. */
  hangUp?: HangUpStrategy;
};

/** Of everybody in the room, of telephones, of the caller, or of nobody: the agent goes, and the others stay. */
export const hangUpStrategies = ['delete-room', 'remove-sip', 'remove-caller', 'leave'] as const;
export type HangUpStrategy = (typeof hangUpStrategies)[number];

/** The built-in reasons, and what each one says. */
export const reasons = {
  caller_hung_up: 'the caller left',
  caller_lost: 'the caller lost the connection and did not return in time',
  never_joined: 'the room stayed empty',
  agent_ended: 'the agent, or its code, ended the call',
  max_duration: 'the call reached its longest duration',
  idle: 'nobody spoke, also after the nudges',
  transferred: 'the caller went on to somebody else',
  on_hold: 'the call was on hold for too long',
  voicemail: 'a machine answered',
  room_deleted: 'the room was deleted by somebody else',
  removed: 'the agent or the caller was removed from the room',
  startup_failed: 'something threw or was late before the first word was heard',
  model_failed: 'a model failed in the middle of the call',
  memory_limit: 'the process of the call took more memory than it may',
  worker_shutdown: 'the worker was told to stop',
  operator_ended: 'an operator ended the call by hand',
  worker_lost: 'the worker of this job is gone',
  process_crashed: 'the process of the call died or froze',
  orchestrator_error: 'a fault of the orchestrator itself',
  unspecified: 'whoever ended the call gave no reason',
} as const;
export type Reason = keyof typeof reasons;

/** Pure. Tells a built-in reason from one of the application's own. */
export const isReason = (text: string): text is Reason => Object.hasOwn(reasons, text);

/** Pure. An end with a blank reason gets `unspecified`: a report without a reason explains nothing. */
export const named = (end: End): End => (end.reason.trim() === '' ? { ...end, reason: 'unspecified' } : end);

/**
 * Pure, and never throws: it is called while something else goes wrong.
 *
 * @param reason one of `reasons` or a word of your own; a blank one becomes `unspecified`
 */
export const endOf = (by: End['by'], reason: string, fault: End['fault'] = 'none', detail?: string): End =>
  named({ by, reason, fault, ...(detail !== undefined && { detail }) });

const found = (by: End['by'], reason: Reason, fault: End['fault'], detail?: string): End =>
  endOf(by, reason, fault, detail);

const awaited: Record<Awaited, { what: string; fault: End['fault'] }> = {
  hook: { what: "the agent's hook for the turn", fault: 'application' },
  llm: { what: 'the language model', fault: 'provider' },
  tts: { what: 'the voice', fault: 'provider' },
  tool: { what: 'what follows a tool', fault: 'provider' },
};
/** Pure. Patience is over: who was waited for, and for how long. Without a core nobody can answer: then it is no fault of theirs. */
export const noAnswer = (
  reason: 'startup_failed' | 'model_failed',
  awaits: Awaited,
  ms: number,
  isStarved = false,
): End => {
  const { what, fault } = awaited[awaits];
  const detail = `${what} gave nothing within ${ms} ms`;
  return isStarved
    ? found('system', reason, 'platform', `${detail}, while this machine was short of cores`)
    : found('system', reason, fault, detail);
};

/** What the machines find by themselves. */
export const ends = {
  startupFailed: found('system', 'startup_failed', 'application'),
  neverJoined: found('limit', 'never_joined', 'caller'),
  idle: found('limit', 'idle', 'caller'),
  callerLost: found('limit', 'caller_lost', 'platform'),
  ownLineLost: found('system', 'caller_lost', 'platform', 'the agent lost the room and was not back in time'),
  onHold: found('limit', 'on_hold', 'caller'),
  transferred: found('agent', 'transferred', 'none'),
  voicemail: found('caller', 'voicemail', 'none'),
  maxDuration: found('limit', 'max_duration', 'none'),
  unheard: found('system', 'model_failed', 'platform', 'neither the voice nor a recording could be heard'),
  startUnheard: found('system', 'startup_failed', 'platform', 'no recording could be heard'),
  processCrashed: found('system', 'process_crashed', 'application'),
  orchestratorError: found('system', 'orchestrator_error', 'application'),
};
