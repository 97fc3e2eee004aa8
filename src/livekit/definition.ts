/**
 * What a user says of a session (`defineSession`), checked once at construction. What is wrong, unknown, or promised
 * and not built yet is refused there, in one error that names every field.
 */
import type { JobProcess, voice } from '@livekit/agents';
import { defaultPolicy, keeperLimits, type Policy } from '../../machines/index.ts';
import { describeValue } from '../errors/config-error.ts';
import type { HangUpPolicy } from '../journal/entry.ts';
import type { Destination } from '../link/destination.ts';
import type { Call } from './call.ts';
import type { ConnectOptions } from './connect-options.ts';
import { type Apology, type Awaitable, type Filler, lineFields, type Lines, problemsOf, type Words } from './lines.ts';
import {
  type FunctionsOfCall,
  type GivenHangUp,
  type GivenPolicy,
  hangUpPolicyOf,
  linesIn,
  type OfCall,
  policyOf,
} from './of-call.ts';
import { isEntry, type ParticipantEntry, participantsExpected } from './participant-entries.ts';
import type { Language } from './phrases.ts';

export type SessionDefinition = {
  /**
   * A moment before the room is joined, and how: encryption, what is subscribed to, ICE. Part of `connectMs`; a throw, a
   * hang or a wrong answer is a failed start. Default: as the SDK joins.
   */
  connect?: (call: Call) => Awaitable<ConnectOptions | undefined | void>;
  /** Once for each job process, before a call is there. A throw or a hang is remembered: the caller hears the apology. Default: nothing. */
  prewarm?: (proc: JobProcess) => unknown;
  /** Options of voice.AgentSession; Lastword builds it. No default: required, unless there is a `program`. */
  session?: (call: Call) => Awaitable<voice.AgentSessionOptions>;
  /** The voice.Agent that begins. No default: required, unless there is a `program`. */
  agent?: (call: Call) => Awaitable<voice.Agent>;
  /**
   * What AgentSession.start() takes besides the agent and the room. `inputOptions.participantIdentity` and
   * `participantKinds` say who the caller is; default: the first who can be one.
   */
  start?: (call: Call) => Awaitable<StartOptions>;
  /**
   * Between the construction of the AgentSession and its start, within the start's own limit: avatars, audio outputs of
   * your own (`session.output.audio = …`). A throw or a hang is a failed start: the caller hears the apology. Default:
   * nothing.
   */
  prepare?: (call: Call, session: voice.AgentSession) => unknown;
  /** Stands in for `session` and `agent`: a participant without an AgentSession. The session ends when it settles. Default: none. */
  program?: (call: Call) => Promise<void>;
  /** Default `wait`: the caller speaks first. `agent`: its own onEnter speaks. A function that fails is a failed start. */
  greeting?: OfCall<Words | 'agent' | 'wait'>;
  /** Default `none`. */
  goodbye?: OfCall<Words | 'none'>;
  /**
   * Of the recordings in the package, and of the texts of ours that are not given: en (default), de, es, fr. From a
   * function also with a region, as clients say it: `de-AT`.
   */
  language?: Language | ((call: Call) => Awaitable<string>);
  /** What a caller hears when the call fails; never the text of an exception. `audio` alone: the recording at once. Default: a sentence in `language`. */
  apology?: OfCall<Apology>;
  /**
   * What a caller hears when an answer takes longer than `firstAudioMs`, then each `fillerMs`: one text, or several in
   * turn. Default: "One moment, please.", in `language`.
   */
  filler?: OfCall<Filler>;
  /** Asked of a silent caller after `idleMs`. Default: "Are you still there?", in `language`. */
  nudge?: OfCall<Words>;
  /** Said when that was clearly speech and no words were found in it. Default: "Sorry, I did not catch that.", in `language`. */
  again?: OfCall<Words>;
  /** Said `windDownMs` before `maxDurationMs`. Default: "We have to come to an end soon.", in `language`. */
  windDown?: OfCall<Words>;
  /** What is left on a machine that answered (`call.report('voicemail')`). Default `none`. */
  voicemail?: OfCall<{ goodbye: Words | 'none' }>;
  /** What is said when hold music (`call.report('hold_music')`) has lasted for `holdMs`. Default `none`. */
  hold?: OfCall<{ goodbye: Words | 'none' }>;
  /** How the caller is let go. Default: the room is deleted, and after a transfer left. A job that never began is let go by the default. */
  hangUp?: OfCall<GivenHangUp>;
  /** Default `{ resume: 0 }`, and nothing else yet: a call whose process died is hung up on and reported. */
  onCrash?: { resume?: number; say?: string };
  /**
   * Limits, in ms but for `nudges`. Each is a number; one of the call's own may be a function of the call, or all of them
   * one function. The keeper's (`KeeperLimit`) hold for all calls, and no call may take longer to end than the numbers
   * say. Default: `defaultPolicy`.
   */
  policy?: GivenPolicy;
  /** Run for each participant that joins, or each of a kind; a throw or a hang harms nobody else. Default: none. */
  participants?: ParticipantEntry[];
  /** Where each report goes. Default: nowhere; it is kept, and `lastword report` prints it. */
  reports?: Destination[];
  /** Where a line goes when a call failed by its own or a provider's fault (`end.by` is `system`). Default: only the log. */
  alerts?: Destination[];
  /** Fields that every log line of the call carries. Personal data under `pii` keys. Default: none. */
  logFields?: (call: Call) => Record<string, unknown>;
};

export type StartOptions = {
  /** Default: the SDK's. `closeOnDisconnect: false` and a `deleteRoomOnClose` against `hangUp` are a failed start. */
  inputOptions?: Partial<voice.RoomInputOptions>;
  /** Default: the SDK's. */
  outputOptions?: Partial<voice.RoomOutputOptions>;
  /** Default: the SDK's. */
  record?: NonNullable<Parameters<voice.AgentSession['start']>[0]['record']>;
};

/** A definition with every default filled in: as it holds for every call, or for one (of-call.ts). */
export type Defined = Omit<SessionDefinition, keyof Lines | 'policy' | 'hangUp'> &
  Omit<Lines, 'apology' | 'filler'> & {
    apology: Apology | undefined;
    filler: Filler | undefined;
    policy: Policy;
    hangUp: HangUpPolicy;
    /** The user's own word on normal ends, not a default. */
    isHangUpGiven: boolean;
    participants: NonNullable<SessionDefinition['participants']>;
    reports: Destination[];
    alerts: Destination[];
    /** What is asked by call. */
    ofCall: FunctionsOfCall;
    /** As given, without what a function says. */
    givenLines: Partial<Lines>;
    givenLimits: object;
  };

const knownFields = [
  'connect',
  'prewarm',
  'session',
  'agent',
  'start',
  'prepare',
  'program',
  'greeting',
  'goodbye',
  'language',
  'apology',
  'filler',
  'nudge',
  'again',
  'windDown',
  'voicemail',
  'hold',
  'hangUp',
  'onCrash',
  'policy',
  'participants',
  'reports',
  'alerts',
  'logFields',
] as const satisfies (keyof SessionDefinition)[];
const functions = ['connect', 'prewarm', 'session', 'agent', 'start', 'prepare', 'program', 'logFields'] as const;
const destinationKinds = ['webhook', 'file', 'stdout', 'module', 'slack'];

/** All that is wrong with a definition, a line each. */
export class DefinitionError extends Error {
  override name = 'DefinitionError';
  readonly code = 'LASTWORD_DEFINITION';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `LASTWORD_DEFINITION: defineSession(…) cannot work as written:\n${problems.map((each) => `  ${each}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Reads the audio files, and nothing else. @throws DefinitionError, and PolicyError for `policy`. */
export function checkDefinition(given: SessionDefinition): Defined {
  const problems: string[] = [];
  const expect = (holds: boolean, field: string, expected: string, got: unknown) => {
    if (!holds) problems.push(`${field}: expected ${expected}, got ${describeValue(got)}`);
  };
  if (typeof given !== 'object' || given === null) {
    throw new DefinitionError([
      `expected an object with \`session\` and \`agent\`, or \`program\`, got ${describeValue(given)}`,
    ]);
  }
  for (const field of Object.keys(given)) {
    expect((knownFields as readonly string[]).includes(field), field, `one of ${knownFields.join(', ')}`, field);
  }
  for (const field of functions) {
    expect(given[field] === undefined || typeof given[field] === 'function', field, 'a function', given[field]);
  }
  if (given.program) {
    expect(!given.session && !given.agent, 'program', 'to stand alone, without `session` and `agent`', 'both');
    expect(!given.prepare, 'prepare', 'nothing: a program has no AgentSession to prepare', given.prepare);
    for (const line of ['greeting', 'goodbye', 'nudge', 'again', 'windDown'] as const) {
      const isSilent = given[line] === undefined || given[line] === 'wait' || given[line] === 'none';
      expect(
        isSilent,
        line,
        'nothing: a program speaks for itself, there is no AgentSession to speak with',
        given[line],
      );
    }
  } else {
    expect(
      Boolean(given.session),
      'session',
      'a function that returns options of voice.AgentSession (or `program`)',
      given.session,
    );
    expect(Boolean(given.agent), 'agent', 'a function that returns your voice.Agent (or `program`)', given.agent);
  }
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const ofCall: FunctionsOfCall = { limits: {} };
  const givenLines: Record<string, unknown> = {};
  for (const field of [...lineFields, 'hangUp'] as const) {
    const value: unknown = given[field];
    if (typeof value === 'function') ofCall[field] = value as (call: Call) => unknown;
    else if (value !== undefined) problems.push(...problemsOf(field, value));
    if (field !== 'hangUp' && value !== undefined && typeof value !== 'function') givenLines[field] = value;
  }
  for (const when of ['voicemail', 'hold'] as const) {
    const said: unknown = given[when] === undefined ? 'none' : (given[when] as { goodbye?: unknown } | null)?.goodbye;
    expect(!given.program || said === 'none', `${when}.goodbye`, "'none': a program speaks for itself", said);
  }
  expect(given.onCrash === undefined || isObject(given.onCrash), 'onCrash', '{ resume, say }', given.onCrash);
  const { policy: limits } = given as { policy?: unknown };
  if (typeof limits === 'function') ofCall.policy = limits as (call: Call) => unknown;
  else if (limits !== undefined) expect(isObject(limits), 'policy', 'limits such as { maxDurationMs: 600000 }', limits);
  const givenLimits: Record<string, unknown> = {};
  for (const [name, limit] of isObject(limits) ? Object.entries(limits as object) : []) {
    const isFunction = typeof limit === 'function';
    const isOwn = Object.hasOwn(defaultPolicy, name) && !(keeperLimits as readonly string[]).includes(name);
    if (isFunction && isOwn) ofCall.limits[name] = limit as (call: Call) => unknown;
    else if (isFunction && Object.hasOwn(defaultPolicy, name))
      expect(false, `policy.${name}`, 'a number: it is the keeper’s, and holds for all calls', limit);
    else givenLimits[name] = limit;
  }
  const { resume, say } = given.onCrash ?? {};
  expect(
    resume === undefined || resume === 0,
    'onCrash.resume',
    '0: resuming a call after a crash is not built yet',
    resume,
  );
  expect(say === undefined, 'onCrash.say', 'nothing: resuming a call after a crash is not built yet', say);
  expect(
    given.participants === undefined || (Array.isArray(given.participants) && given.participants.every(isEntry)),
    'participants',
    participantsExpected,
    given.participants,
  );
  for (const list of ['reports', 'alerts'] as const) {
    expect(given[list] === undefined || Array.isArray(given[list]), list, 'a list of destinations', given[list]);
    for (const [index, destination] of (Array.isArray(given[list]) ? given[list] : []).entries()) {
      const isKnown =
        typeof destination === 'object' && destination !== null && destinationKinds.includes(destination.kind);
      expect(
        isKnown,
        `${list}[${index}]`,
        'webhook(…), file(…), stdout(), slack(…) or destination(url of a module); a function cannot cross to the keeper',
        destination,
      );
      expect(
        !isKnown || list === 'alerts' || destination.kind !== 'slack',
        `${list}[${index}]`,
        'a destination for reports; slack(…) belongs in `alerts`',
        destination,
      );
    }
  }
  if (problems.length > 0) throw new DefinitionError(problems);

  const policy = policyOf(givenLimits, Boolean(given.program));
  const lines = givenLines as Partial<Lines>;
  return {
    ...given,
    ...linesIn(lines),
    apology: lines.apology,
    filler: lines.filler,
    policy,
    hangUp: hangUpPolicyOf(ofCall.hangUp ? {} : (given.hangUp as GivenHangUp)),
    isHangUpGiven: !ofCall.hangUp && (given.hangUp as GivenHangUp | undefined)?.normal !== undefined,
    participants: given.participants ?? [],
    reports: given.reports ?? [],
    alerts: given.alerts ?? [],
    ofCall,
    givenLines: lines,
    givenLimits,
  };
}
