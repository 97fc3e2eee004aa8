/**
 * What a user says of a session (`defineSession`), checked once at construction. What is wrong, unknown, or promised
 * and not built yet is refused there, in one error that names every field.
 */
import type { JobProcess, voice } from '@livekit/agents';
import { definePolicy, hangUpStrategies, type Policy } from '../../machines/index.ts';
import { describeValue } from '../config-error.ts';
import type { HangUpPolicy } from '../journal/entry.ts';
import type { Destination } from '../link/destination.ts';
import { messageOf } from '../session/deadline.ts';
import { readWav } from '../wav.ts';
import type { Call } from './call.ts';
import type { ConnectOptions } from './connect-options.ts';
import { isEntry, type ParticipantEntry, participantsExpected } from './participant-entries.ts';
import { type Language, languages, phrases } from './phrases.ts';

export type Awaitable<Value> = Value | Promise<Value>;

/** A fixed text, or instructions for the model (which may then not call tools). */
export type Words = { say: string } | { generate: string };

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
  /** Default `wait`: the caller speaks first. `agent`: its own onEnter speaks. */
  greeting?: Words | 'agent' | 'wait';
  /** Default `none`. */
  goodbye?: Words | 'none';
  /** Of the recordings in the package, and of the texts of ours that are not given: en (default), de, es, fr. */
  language?: Language;
  /** What a caller hears when the call fails; never the text of an exception. `audio` alone: the recording at once. Default: a sentence in `language`. */
  apology?: { say?: string; audio?: URL };
  /**
   * What a caller hears when an answer takes longer than `firstAudioMs`, then each `fillerMs`: one text, or several in
   * turn. Default: "One moment, please.", in `language`.
   */
  filler?: { say?: string | string[]; audio?: URL };
  /** Asked of a silent caller after `idleMs`. Default: "Are you still there?", in `language`. */
  nudge?: Words;
  /** Said when that was clearly speech and no words were found in it. Default: "Sorry, I did not catch that.", in `language`. */
  again?: Words;
  /** Said `windDownMs` before `maxDurationMs`. Default: "We have to come to an end soon.", in `language`. */
  windDown?: Words;
  /** What is left on a machine that answered (`call.report('voicemail')`). Default `none`. */
  voicemail?: { goodbye: Words | 'none' };
  /** What is said when hold music (`call.report('hold_music')`) has lasted for `holdMs`. Default `none`. */
  hold?: { goodbye: Words | 'none' };
  /** How the caller is let go. Default: the room is deleted, and after a transfer left. */
  hangUp?: Partial<HangUpPolicy>;
  /** Default `{ resume: 0 }`, and nothing else yet: a call whose process died is hung up on and reported. */
  onCrash?: { resume?: number; say?: string };
  /** Limits, in ms but for `nudges`. Default: `defaultPolicy`. */
  policy?: Partial<Policy>;
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

/** A definition with every default filled in. */
export type Defined = Omit<
  SessionDefinition,
  'greeting' | 'goodbye' | 'policy' | 'hangUp' | 'nudge' | 'again' | 'windDown' | 'voicemail' | 'hold'
> & {
  language: Language;
  greeting: Words | 'agent' | 'wait';
  goodbye: Words | 'none';
  nudge: Words;
  again: Words;
  windDown: Words;
  voicemail: { goodbye: Words | 'none' };
  hold: { goodbye: Words | 'none' };
  policy: Policy;
  hangUp: HangUpPolicy;
  /** The user's own word on normal ends, not a default. */
  isHangUpGiven: boolean;
  participants: NonNullable<SessionDefinition['participants']>;
  reports: Destination[];
  alerts: Destination[];
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

/** The last rung of a failing call: a file that is not there would be found out by a caller who hears nothing. */
const wavProblem = (file: URL): string | undefined => {
  try {
    readWav(file);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
};

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
  const isWords = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return false;
    const words = Object.entries(value);
    return (
      words.length === 1 &&
      ['say', 'generate'].includes(words[0]?.[0] ?? '') &&
      typeof words[0]?.[1] === 'string' &&
      words[0][1].trim() !== ''
    );
  };
  const wordsExpected = "{ say: '…' } or { generate: '…' }";
  const { greeting = 'wait', goodbye = 'none' } = given;
  expect(
    isWords(greeting) || greeting === 'agent' || greeting === 'wait',
    'greeting',
    `${wordsExpected}, 'agent' or 'wait'`,
    greeting,
  );
  expect(isWords(goodbye) || goodbye === 'none', 'goodbye', `${wordsExpected} or 'none'`, goodbye);
  for (const line of ['nudge', 'again', 'windDown'] as const) {
    expect(given[line] === undefined || isWords(given[line]), line, wordsExpected, given[line]);
  }
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const [field, inner] of [
    ['apology', '{ say, audio }'],
    ['filler', '{ say, audio }'],
    ['hangUp', '{ normal, failure, transfer }'],
    ['onCrash', '{ resume, say }'],
    ['policy', 'limits such as { maxDurationMs: 600000 }'],
  ] as const) {
    expect(given[field] === undefined || isObject(given[field]), field, inner, given[field]);
  }
  for (const when of ['voicemail', 'hold'] as const) {
    const said: unknown = given[when] === undefined ? 'none' : given[when]?.goodbye;
    expect(isWords(said) || said === 'none', `${when}.goodbye`, `${wordsExpected} or 'none'`, said);
    expect(!given.program || said === 'none', `${when}.goodbye`, "'none': a program speaks for itself", said);
  }
  const { language = 'en' } = given;
  expect(languages.includes(language), 'language', `one of ${languages.join(', ')}`, language);
  for (const line of ['apology', 'filler'] as const) {
    const { say, audio } = given[line] ?? {};
    const isText = (one: unknown) => typeof one === 'string' && one.trim() !== '';
    const isSeveral = line === 'filler' && Array.isArray(say) && say.length > 0 && say.every(isText);
    const expected = line === 'filler' ? 'a text, or several in a list' : 'a text';
    expect(say === undefined || isText(say) || isSeveral, `${line}.say`, expected, say);
    expect(
      audio === undefined || (audio instanceof URL && audio.protocol === 'file:'),
      `${line}.audio`,
      'a file URL of a WAV (PCM, 16 bit, one channel)',
      audio,
    );
    const problem = audio instanceof URL && audio.protocol === 'file:' ? wavProblem(audio) : undefined;
    if (problem !== undefined) problems.push(`${line}.audio: expected a WAV that can be played, got ${problem}`);
  }
  for (const [when, strategy] of isObject(given.hangUp) ? Object.entries(given.hangUp ?? {}) : []) {
    expect(['normal', 'failure', 'transfer'].includes(when), `hangUp.${when}`, 'normal, failure or transfer', when);
    expect(hangUpStrategies.includes(strategy), `hangUp.${when}`, `one of ${hangUpStrategies.join(', ')}`, strategy);
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

  const policy = definePolicy({
    // A program says nothing of its dialogue, so no silence of its caller can be told.
    ...(given.program && { idleMs: given.policy?.maxDurationMs ?? 1_800_000 }),
    ...given.policy,
  });
  return {
    ...given,
    greeting,
    goodbye,
    voicemail: given.voicemail ?? { goodbye: 'none' },
    hold: given.hold ?? { goodbye: 'none' },
    language,
    nudge: given.nudge ?? { say: phrases[language].nudge },
    again: given.again ?? { say: phrases[language].again },
    windDown: given.windDown ?? { say: phrases[language].windDown },
    policy,
    hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave', ...given.hangUp },
    isHangUpGiven: given.hangUp?.normal !== undefined,
    participants: given.participants ?? [],
    reports: given.reports ?? [],
    alerts: given.alerts ?? [],
  };
}
