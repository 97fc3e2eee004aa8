/**
 * What a user says of a session (`defineSession`), checked once at construction. What is wrong, unknown, or promised
 * and not built yet is refused there, in one error that names every field.
 */
import type { JobProcess, voice } from '@livekit/agents';
import { z } from 'zod';
import { defaultPolicy, keeperLimits, type Policy } from '../../machines/index.ts';
import { aFunction, expected, fields, linesOf } from '../errors/expected.ts';
import type { HangUpPolicy, Json } from '../journal/entry.ts';
import { type Destination, destinationKinds } from '../link/destination.ts';
import type { Call } from './call.ts';
import type { ConnectOptions } from './connect-options.ts';
import {
  type Apology,
  type Awaitable,
  type Filler,
  hangUpSchema,
  lineFields,
  type Lines,
  lineSchemas,
  type Words,
} from './lines.ts';
import {
  type FunctionsOfCall,
  type GivenHangUp,
  type GivenPolicy,
  hangUpPolicyOf,
  linesIn,
  type OfCall,
  policyOf,
} from './of-call.ts';
import { participantEntries, type ParticipantEntry } from './participant-entries.ts';
import type { Language } from '../sound/bundled.ts';

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
  /** What becomes of a call whose process died or froze, while its caller is there. Default `{ resume: 2 }`. */
  onCrash?: {
    /** How often within a minute another process takes it over; 0: the caller hears the apology, and is hung up on. Default 2; of a program, which is begun anew with `call.resumed`, 0. */
    resume?: number;
    /** The first words after that. Default: "Sorry, I lost you for a moment.", in `language`. */
    say?: OfCall<string>;
    /** Nobody takes it over: is `apology.audio`, or the package’s recording, played before the hang-up? Default true. */
    apologize?: boolean;
  };
  /** Agents by id, for a call that is taken over after a handoff. Default: the first agent goes on. */
  agents?: Record<string, (call: Call) => Awaitable<voice.Agent>>;
  /**
   * The application's own state, kept at each turn, of a program each second: `call.resumed.snapshot` after a crash. What
   * JSON can say, at most 64 KiB of it, within a second. Default: none.
   */
  snapshot?: (call: Call) => Awaitable<Json>;
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
    /** How often within a minute it may be taken over. */
    resume: number;
    /** What is asked by call. */
    ofCall: FunctionsOfCall;
    /** As given, without what a function says. */
    givenLines: Partial<Lines>;
    givenLimits: object;
  };

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

/** More within a minute is a crash loop, and rings the caller for ever. */
const MOST_RESUMES = 10;
const DEFAULT_RESUMES = 2;
const aCount = expected(`a whole number from 0 to ${MOST_RESUMES}`);
const resumes = z.int(aCount).min(0, aCount).max(MOST_RESUMES, aCount).optional();
const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';
const yesOrNo = z.boolean(expected('true or false')).optional();
const alone = 'nothing: a program stands alone, without `session`, `agent` and `prepare`';
const forItself = 'nothing: a program speaks for itself, there is no AgentSession to speak with';

const isKeepers = (name: string): boolean => (keeperLimits as readonly string[]).includes(name);
const isLimit = (value: unknown) => typeof value !== 'function';
const limitsExpected = expected('limits such as { maxDurationMs: 600000 }');
const keepersExpected = expected('a number: it is the keeper’s, and holds for all calls');
const policy = z.looseObject(
  Object.fromEntries(keeperLimits.map((name) => [name, z.custom(isLimit, keepersExpected).optional()])),
  limitsExpected,
);

const destinationsFor = (kinds: readonly string[], what: string) => {
  const isFitting = (value: unknown) => isObject(value) && kinds.includes(String(value['kind']));
  return z.array(z.custom(isFitting, expected(what)), expected('a list of destinations')).optional();
};

/** Of every definition; a field that may be a function of the call is taken out before when it is one. */
const common = {
  connect: aFunction().optional(),
  prewarm: aFunction().optional(),
  session: aFunction('a function that returns options of voice.AgentSession (or `program`)'),
  agent: aFunction('a function that returns your voice.Agent (or `program`)'),
  start: aFunction().optional(),
  prepare: aFunction().optional(),
  program: aFunction().optional(),
  greeting: lineSchemas.greeting.optional(),
  goodbye: lineSchemas.goodbye.optional(),
  language: lineSchemas.language.optional(),
  apology: lineSchemas.apology.optional(),
  filler: lineSchemas.filler.optional(),
  nudge: lineSchemas.nudge.optional(),
  again: lineSchemas.again.optional(),
  windDown: lineSchemas.windDown.optional(),
  voicemail: lineSchemas.voicemail.optional(),
  hold: lineSchemas.hold.optional(),
  hangUp: hangUpSchema.optional(),
  onCrash: fields({
    resume: resumes,
    say: z
      .custom((value) => isText(value) || typeof value === 'function', expected('a text, or a function of the call'))
      .optional(),
    apologize: yesOrNo,
  }).optional(),
  agents: z.record(z.string(), aFunction('a function of the call that returns a voice.Agent')).optional(),
  snapshot: aFunction().optional(),
  policy: policy.optional(),
  participants: participantEntries.optional(),
  reports: destinationsFor(
    destinationKinds.filter((kind) => kind !== 'slack'),
    'webhook(…), file(…), stdout() or destination(url of a module): a function cannot cross to the keeper, and slack(…) belongs in `alerts`',
  ),
  alerts: destinationsFor(
    destinationKinds,
    'webhook(…), file(…), stdout(), slack(…) or destination(url of a module); a function cannot cross to the keeper',
  ),
  logFields: aFunction().optional(),
} satisfies Record<keyof SessionDefinition, z.ZodType>;
const ofSession = fields(common, { what: 'an object with `session` and `agent`, or `program`' });

const silent = z.custom((value) => value === 'wait' || value === 'none', expected(forItself)).optional();
const nothing = z.undefined(expected(alone)).optional();
const spoken = {
  greeting: silent,
  goodbye: silent,
  nudge: silent,
  again: silent,
  windDown: silent,
  voicemail: fields({ goodbye: silent }).optional(),
  hold: fields({ goodbye: silent }).optional(),
};
const ofProgram = ofSession.extend({
  session: nothing,
  agent: nothing,
  agents: nothing,
  prepare: nothing,
  onCrash: fields({ resume: resumes, say: nothing, apologize: yesOrNo }).optional(),
  ...spoken,
});

/** Reads the audio files, and nothing else. @throws DefinitionError, and PolicyError for `policy`. */
export function checkDefinition(given: SessionDefinition): Defined {
  const isProgram = isObject(given) && typeof given.program === 'function';
  const { constant, ofCall } = parted(given, isProgram);
  const problems = linesOf(isProgram ? ofProgram : ofSession, constant, '');
  if (problems.length > 0) throw new DefinitionError(problems);

  const { policy: givenLimits = {}, hangUp } = constant as { policy?: object; hangUp?: GivenHangUp };
  const givenLines = Object.fromEntries(
    Object.entries(constant as object).filter(([field, value]) => field in lineSchemas && value !== undefined),
  ) as Partial<Lines>;
  return {
    ...given,
    ...linesIn(givenLines),
    apology: givenLines.apology,
    filler: givenLines.filler,
    policy: policyOf(givenLimits, isProgram),
    hangUp: hangUpPolicyOf(hangUp),
    isHangUpGiven: hangUp?.normal !== undefined,
    participants: given.participants ?? [],
    reports: given.reports ?? [],
    alerts: given.alerts ?? [],
    resume: given.onCrash?.resume ?? (isProgram ? 0 : DEFAULT_RESUMES),
    ofCall,
    givenLines,
    givenLimits,
  };
}

/** What is asked by call, and what holds for all of them. A program has no words to ask for. */
function parted(given: unknown, isProgram: boolean): { constant: unknown; ofCall: FunctionsOfCall } {
  const ofCall: FunctionsOfCall = { limits: {} };
  if (!isObject(given)) return { constant: given, ofCall };
  const constant = { ...given };
  for (const field of [...lineFields, 'hangUp', 'policy'] as const) {
    if (typeof constant[field] !== 'function' || (isProgram && field in spoken)) continue;
    ofCall[field] = constant[field] as (call: Call) => unknown;
    delete constant[field];
  }
  if (!isObject(constant['policy'])) return { constant, ofCall };
  const limits = { ...constant['policy'] };
  for (const [name, limit] of Object.entries(limits)) {
    if (typeof limit !== 'function' || !Object.hasOwn(defaultPolicy, name) || isKeepers(name)) continue;
    ofCall.limits[name] = limit as (call: Call) => unknown;
    delete limits[name];
  }
  return { constant: { ...constant, policy: limits }, ofCall };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
