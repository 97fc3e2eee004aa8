/**
 * What may stand in the fields of a definition that are also asked for by call: the lines, the language, the hang-up.
 * Checked at construction, or when the function of the call has answered. Reads the audio files, and nothing else.
 */
import type { tts } from '@livekit/agents';
import { z } from 'zod';
import { hangUpStrategies } from '../../machines/index.ts';
import { describeValue } from '../errors/config-error.ts';
import { aFunction, expected, fields, judged } from '../errors/expected.ts';
import { isA, messageOf } from '../errors/thrown.ts';
import { readWav } from '../sound/wav.ts';
import type { Call } from './call.ts';
import { type Language, languages } from '../sound/bundled.ts';

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

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const text = z.custom<string>(isText, expected('a text'));

const audio = judged<URL>((value) => {
  if (!isA(value, URL) || value.protocol !== 'file:')
    return { expected: 'a file URL of a WAV (PCM, 16 bit, one channel)', got: describeValue(value) };
  try {
    // The last rung of a failing call: a file that is not there would be found out by a caller who hears nothing.
    readWav(value);
    return undefined;
  } catch (error) {
    return { expected: 'a WAV that can be played', got: messageOf(error) };
  }
}).optional();

const wordsOr = (...others: string[]) => {
  const or = others.map((other) => `'${other}'`).join(' or ');
  return z.union(
    [
      z.custom<string>((value) => others.includes(value as string)),
      fields({ say: text, audio }),
      fields({ generate: text }),
    ],
    expected(`{ say: '…' } or { generate: '…' }${or && `${others.length === 1 ? ' or' : ','} ${or}`}`),
  );
};

const isTextOrSeveral = (value: unknown) =>
  isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText));
const strategy = z.enum(hangUpStrategies, expected(`one of ${hangUpStrategies.join(', ')}`)).exactOptional();

const goodbyeIn = fields({ goodbye: wordsOr('none') }, { what: "{ goodbye: { say: '…' } }, or another goodbye in it" });
/** What each field may be, where it is no function of the call. */
export const lineSchemas = {
  greeting: wordsOr('agent', 'wait'),
  goodbye: wordsOr('none'),
  nudge: wordsOr(),
  again: wordsOr(),
  windDown: wordsOr(),
  voicemail: goodbyeIn,
  hold: goodbyeIn,
  apology: fields({ say: text.optional(), audio, tts: aFunction('a function that returns your TTS').optional() }),
  filler: fields({ say: z.custom(isTextOrSeveral, expected('a text, or several in a list')).optional(), audio }),
  language: z.enum(languages, expected(`one of ${languages.join(', ')}`)),
} satisfies Record<LineField, z.ZodType>;
export const hangUpSchema = fields({ normal: strategy, failure: strategy, transfer: strategy });

export const lineFields = Object.keys(lineSchemas) as LineField[];

/** `de-AT` is German: a client says its language so. */
export const languageIn = (tag: unknown): unknown =>
  typeof tag === 'string' ? tag.toLowerCase().split(/[-_]/)[0] : tag;
