/**
 * What a definition says by a function of the call, asked once for each call.
 *
 *   O1  `policy` and `hangUp` before the journal is opened: its first record has them, so whoever takes the call over
 *       goes by the same ones. The room is not joined then; `call.metadata` and `call.job` are there.
 *   O2  The lines and the language once it is known who the caller is, beside `session(call)`; sooner only when the call
 *       fails before that, for its apology. All are asked at the same time.
 *   O3  Without its first words a call is not what was defined: a greeting that cannot be had is a failed start. All else
 *       has a default, and the call goes on with it: the error is in the report.
 */
import {
  type CallLimits,
  defaultPolicy,
  definePolicy,
  type KeeperLimit,
  keeperLimits,
  lastWordsMs,
  type Policy,
  PolicyError,
} from '../../machines/index.ts';
import { describeValue } from '../errors/config-error.ts';
import { linesOf } from '../errors/expected.ts';
import type { HangUpPolicy } from '../journal/entry.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { Log, Recorder } from '../session/ports.ts';
import type { Call } from './call.ts';
import { awaitedByCall } from './current-call.ts';
import {
  type Awaitable,
  hangUpSchema,
  languageIn,
  type LineField,
  lineFields,
  lineSchemas,
  type Lines,
} from './lines.ts';
import type { LiveJob } from './live-job.ts';
import { noteError, noteFailedStart } from './note-error.ts';
import { phrases } from './phrases.ts';

/** A value for every call, or a function that says it of one. */
export type OfCall<Value> = Value | ((call: Call) => Awaitable<Value>);

/** The limits of every call; those that are the call's own (`CallLimits`) also by functions, each or all of them. */
export type GivenPolicy =
  | (Partial<Pick<Policy, KeeperLimit>> & { [Name in keyof CallLimits]?: OfCall<number> })
  | ((call: Call) => Awaitable<Partial<CallLimits>>);
export type GivenHangUp = Partial<HangUpPolicy>;

type Asked = (call: Call) => unknown;
/** The functions of a definition, by field. */
export type FunctionsOfCall = Partial<Record<LineField | 'policy' | 'hangUp', Asked>> & {
  limits: Record<string, Asked>;
};

/** Of `connectMs`: for a greeting, longer than a look-up takes; it is silence to a caller. */
const LINES_SHARE = 0.4;
/** Of `warmStartMs`, by which the job has begun. */
const LIMITS_SHARE = 0.25;

const hangUpDefault: HangUpPolicy = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' };
export const hangUpPolicyOf = (given: GivenHangUp | undefined): HangUpPolicy => ({ ...hangUpDefault, ...given });

/** A program says nothing of its dialogue, so no silence of its caller can be told. @throws PolicyError */
export const policyOf = (given: unknown, isProgram: boolean): Policy => {
  if (!isProgram || typeof given !== 'object' || given === null) return definePolicy(given);
  const { maxDurationMs = defaultPolicy.maxDurationMs } = given as Partial<Policy>;
  return definePolicy({ idleMs: maxDurationMs, ...given });
};

/** Rejects with what the function throws, or says that it is late. */
export async function answerOf(name: string, ask: Asked, call: Call, limitMs: number): Promise<unknown> {
  const outcome = await settledWithin(
    awaitedByCall(call, async () => ask(call)),
    limitMs,
  );
  if (outcome.kind === 'late') throw new Error(`${name}(call): it did not settle within ${limitMs} ms`);
  if (outcome.kind === 'failed') throw outcome.error;
  return outcome.value;
}

type Noted = { recorder: Recorder; log: Log };
const goesOn = 'a function of the definition failed; the call goes on with the default';

// ── limits and hang-up: O1 ───────────────────────────────────────────────────────────────────────────────────────

type WithLimits = {
  ofCall: FunctionsOfCall;
  policy: Policy;
  givenLimits: object;
  hangUp: HangUpPolicy;
  isHangUpGiven: boolean;
  program?: unknown;
};

const hasLimitsOfCall = ({ ofCall }: WithLimits): boolean =>
  ofCall.policy !== undefined || ofCall.hangUp !== undefined || Object.keys(ofCall.limits).length > 0;

/** The definition as it holds for this call, its own. Never rejects: what cannot be had is noted, and the default holds. */
export async function forThisCall<Given extends WithLimits>(
  definition: Given,
  call: Call,
  noted: Noted,
): Promise<Given> {
  if (!hasLimitsOfCall(definition)) return { ...definition };
  const [policy, hangUp] = await Promise.all([limitsFor(definition, call, noted), hangUpFor(definition, call, noted)]);
  return { ...definition, ...policy, ...hangUp };
}

async function limitsFor(definition: WithLimits, call: Call, noted: Noted): Promise<{ policy?: Policy }> {
  const { ofCall, policy, givenLimits, program } = definition;
  const limitMs = LIMITS_SHARE * policy.warmStartMs;
  const answers: Record<string, unknown> = {};
  const refuse = (error: unknown, name: string) => noteError(noted, name, error, true, goesOn);
  const asking = Object.entries(ofCall.limits).map(async ([name, ask]) => {
    try {
      const value = await answerOf(`policy.${name}`, ask, call, limitMs);
      if (value === undefined) throw new Error(`policy.${name}(call): expected a number, got nothing`);
      answers[name] = value;
    } catch (error) {
      refuse(error, `policy.${name}`);
    }
  });
  await Promise.all(asking);
  try {
    if (ofCall.policy) {
      const value = await answerOf('policy', ofCall.policy, call, limitMs);
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new Error(`policy(call): expected limits such as { maxDurationMs: 600000 }, got ${describeValue(value)}`);
      Object.assign(answers, value);
    }
    if (Object.keys(answers).length === 0) return {};
    const theirs = Object.keys(answers).find((name) => (keeperLimits as readonly string[]).includes(name));
    if (theirs !== undefined)
      throw new Error(
        `policy(call).${theirs}: expected a limit of the call's own, got the keeper's, which holds for all calls: give it as a number, in \`policy: { ${theirs}: … }\``,
      );
    const own = policyOf({ ...givenLimits, ...answers }, Boolean(program));
    const [mine, most] = [lastWordsMs(own), lastWordsMs(policy)];
    if (mine > most)
      throw new Error(
        `policy(call): expected an end of at most ${most} ms, which is what the keeper waits for, got limits by which it may take ${mine} ms; give the longest ones as numbers`,
      );
    return { policy: own };
  } catch (error) {
    refuse(error instanceof PolicyError ? new Error(`policy(call): ${inOneLine(error)}`) : error, 'policy');
    return {};
  }
}

const inOneLine = ({ problems }: PolicyError): string =>
  problems.map(({ field, expected, got }) => `${field}: expected ${expected}, got ${got}`).join('; ');

async function hangUpFor(
  { ofCall, policy }: WithLimits,
  call: Call,
  noted: Noted,
): Promise<{ hangUp?: HangUpPolicy; isHangUpGiven?: boolean }> {
  if (!ofCall.hangUp) return {};
  try {
    const value = await answerOf('hangUp', ofCall.hangUp, call, LIMITS_SHARE * policy.warmStartMs);
    const [problem] = linesOf(hangUpSchema, value, 'hangUp(call)');
    if (problem !== undefined) throw new Error(problem);
    const given = value as GivenHangUp;
    return { hangUp: hangUpPolicyOf(given), isHangUpGiven: given.normal !== undefined };
  } catch (error) {
    noteError(noted, 'hangUp', error, true, goesOn);
    return {};
  }
}

// ── lines: O2 ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of what is not given, in the language of the call. */
export const linesIn = (given: Partial<Lines>): Omit<Lines, 'apology' | 'filler'> => {
  const { language = 'en' } = given;
  return {
    greeting: given.greeting ?? 'wait',
    goodbye: given.goodbye ?? 'none',
    voicemail: given.voicemail ?? { goodbye: 'none' },
    hold: given.hold ?? { goodbye: 'none' },
    language,
    nudge: given.nudge ?? { say: phrases[language].nudge },
    again: given.again ?? { say: phrases[language].again },
    windDown: given.windDown ?? { say: phrases[language].windDown },
  };
};

/**
 * Asks for the lines of this call, the first time; they stand in `job.definition` when it has settled. Never rejects.
 * Resolves with what was wrong with the greeting, if something was (O3).
 */
export const askLines = (job: LiveJob): Promise<{ error: unknown } | undefined> => (job.lines ??= ask(job));

async function ask(job: LiveJob): Promise<{ error: unknown } | undefined> {
  const { definition, call, run } = job;
  const { ofCall, givenLines } = definition;
  const asked = lineFields.flatMap((field) => (ofCall[field] ? [[field, ofCall[field]] as const] : []));
  if (asked.length === 0) return undefined;
  const limitMs = LINES_SHARE * definition.policy.connectMs;
  const lines: Partial<Record<LineField, unknown>> = { ...givenLines };
  let failed: { error: unknown } | undefined;
  const answers = asked.map(async ([field, make]) => {
    try {
      const answer = await answerOf(field, make, call, limitMs);
      const value = field === 'language' ? languageIn(answer) : answer;
      const [problem] = linesOf(lineSchemas[field], value, `${field}(call)`);
      if (problem !== undefined) throw new Error(problem);
      lines[field] = value;
    } catch (error) {
      if (field === 'greeting') failed = { error };
      else noteError(job, field, error, true, goesOn);
    }
  });
  await Promise.all(answers);
  if (failed) noteFailedStart(job, 'greeting', failed.error);
  const known = lines as Partial<Lines>;
  Object.assign(definition, known, linesIn(known));
  const { greeting, goodbye, language } = definition;
  run.send({
    type: 'lines.chosen',
    greeting: typeof greeting === 'object' ? 'say' : greeting,
    goodbye: goodbye !== 'none',
    language,
  });
  return failed;
}
