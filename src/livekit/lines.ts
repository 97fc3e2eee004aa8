/**
 * What may stand in the fields of a definition that are also asked for by call: the lines, the language, the hang-up.
 * Checked at construction, or when the function of the call has answered. Reads the audio files, and nothing else.
 */
import type { tts } from '@livekit/agents';
import { hangUpStrategies } from '../../machines/index.ts';
import { describeValue } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import { readWav } from '../sound/wav.ts';
import type { Call } from './call.ts';
import { type Language, languages } from './phrases.ts';

export type Awaitable<Value> = Value | Promise<Value>;

/**
 * A fixed text, or instructions for the model (which may then not call tools). A text is spoken by the session's TTS;
 * where there is none its `audio` is played (a WAV: PCM, 16 bit, one channel), and without that the line is left out.
 */
export type Words = { say: string; audio?: URL } | { generate: string };

/** What a caller hears when the call fails. */
export type Apology = {
  /** In your words, by live TTS. Default: a sentence of ours in `language`. */
  say?: string;
  /** What is played where no voice works, a WAV (PCM, 16 bit, one channel). Default: the recording in the package. */
  audio?: URL;
  /** A voice for it where the session has none yet: it failed to start. Asked for then, within `rungMs`. Default: none. */
  tts?: (call: Call) => Awaitable<tts.TTS>;
};
export type Filler = {
  /** One text, or several that are said in turn, by live TTS. Default: "One moment, please.", in `language`. */
  say?: string | string[];
  /** What is played where no voice works, a WAV (PCM, 16 bit, one channel). Default: the recording in the package. */
  audio?: URL;
};

/** By field: what it may be. */
export type Lines = {
  greeting: Words | 'agent' | 'wait';
  goodbye: Words | 'none';
  language: Language;
  apology: Apology;
  filler: Filler;
  nudge: Words;
  again: Words;
  windDown: Words;
  voicemail: { goodbye: Words | 'none' };
  hold: { goodbye: Words | 'none' };
};
export type LineField = keyof Lines;
type CheckedField = LineField | 'hangUp';

type Expect = (holds: boolean, field: string, expected: string, got: unknown) => void;
type Check = (value: unknown, expect: Expect, at: string) => void;

const wordsExpected = "{ say: '…' } or { generate: '…' }";
const audioExpected = 'a file URL of a WAV (PCM, 16 bit, one channel)';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isFile = (value: unknown): value is URL => value instanceof URL && value.protocol === 'file:';

const isWords = (value: unknown): boolean => {
  if (!isObject(value)) return false;
  const { say, generate, audio, ...more } = value;
  if (Object.keys(more).length > 0 || (say === undefined) === (generate === undefined)) return false;
  return isText(say ?? generate) && (audio === undefined || say !== undefined);
};

const checkAudio = (audio: unknown, expect: Expect, at: string): void => {
  expect(audio === undefined || isFile(audio), at, audioExpected, audio);
  if (!isFile(audio)) return;
  try {
    // The last rung of a failing call: a file that is not there would be found out by a caller who hears nothing.
    readWav(audio);
  } catch (error) {
    expect(false, at, 'a WAV that can be played', error);
  }
};

const wordsOr =
  (...others: string[]): Check =>
  (value, expect, at) => {
    const or = others.map((other) => `'${other}'`).join(' or ');
    const expected = others.length === 1 ? `${wordsExpected} or ${or}` : `${wordsExpected}${or && `, ${or}`}`;
    expect(isWords(value) || others.includes(value as string), at, expected, value);
    if (isWords(value)) checkAudio((value as { audio?: unknown }).audio, expect, `${at}.audio`);
  };

const recording =
  (line: 'apology' | 'filler'): Check =>
  (value, expect, at) => {
    const known = line === 'apology' ? ['say', 'audio', 'tts'] : ['say', 'audio'];
    expect(isObject(value), at, `{ ${known.join(', ')} }`, value);
    if (!isObject(value)) return;
    for (const field of Object.keys(value))
      expect(known.includes(field), `${at}.${field}`, `one of ${known.join(', ')}`, 'an unknown field');
    const { say, audio, tts } = value;
    const isSeveral = line === 'filler' && Array.isArray(say) && say.length > 0 && say.every(isText);
    const expected = line === 'filler' ? 'a text, or several in a list' : 'a text';
    expect(say === undefined || isText(say) || isSeveral, `${at}.say`, expected, say);
    checkAudio(audio, expect, `${at}.audio`);
    expect(tts === undefined || typeof tts === 'function', `${at}.tts`, 'a function that returns your TTS', tts);
  };

const goodbyeIn: Check = (value, expect, at) =>
  wordsOr('none')(isObject(value) ? value['goodbye'] : value, expect, `${at}.goodbye`);

const checks: Record<CheckedField, Check> = {
  greeting: wordsOr('agent', 'wait'),
  goodbye: wordsOr('none'),
  nudge: wordsOr(),
  again: wordsOr(),
  windDown: wordsOr(),
  voicemail: goodbyeIn,
  hold: goodbyeIn,
  apology: recording('apology'),
  filler: recording('filler'),
  language: (value, expect, at) =>
    expect((languages as readonly unknown[]).includes(value), at, `one of ${languages.join(', ')}`, value),
  hangUp: (value, expect, at) => {
    expect(isObject(value), at, '{ normal, failure, transfer }', value);
    for (const [when, strategy] of isObject(value) ? Object.entries(value) : []) {
      expect(['normal', 'failure', 'transfer'].includes(when), `${at}.${when}`, 'normal, failure or transfer', when);
      const isKnown = (hangUpStrategies as readonly unknown[]).includes(strategy);
      expect(isKnown, `${at}.${when}`, `one of ${hangUpStrategies.join(', ')}`, strategy);
    }
  },
};

export const lineFields = Object.keys(checks).filter((field) => field !== 'hangUp') as LineField[];

/** All that is wrong with a value, a line each; `at` is how the user knows the field. */
export function problemsOf(field: CheckedField, value: unknown, at: string = field): string[] {
  const problems: string[] = [];
  checks[field](
    value,
    (holds, where, expected, got) => {
      if (!holds)
        problems.push(
          `${where}: expected ${expected}, got ${got instanceof Error ? messageOf(got) : describeValue(got)}`,
        );
    },
    at,
  );
  return problems;
}

/** `de-AT` is German: a client says its language so. */
export const languageIn = (tag: unknown): unknown =>
  typeof tag === 'string' ? tag.toLowerCase().split(/[-_]/)[0] : tag;
