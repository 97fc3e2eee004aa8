/**
 * `GET /api/play`: the session that is played with, or null; `POST /api/play {"line"}`: as if it were typed in the terminal;
 * `POST /api/play/voice {"samples"}`: from a microphone, where the call's models understand voices;
 * `GET /api/stream/sound`: what its caller hears. Only beside `npm start`: the call is the visitor's own, so what acts on it
 * needs no second secret.
 */
import { z } from 'zod';
import type { Handler, InspectorContext } from '../context.ts';
import { eventOf } from '../events.ts';
import { badRequest, RequestProblem } from '../problem.ts';
import { jsonBody, answerJson } from '../request.ts';
import { MICROPHONE_RATE, type Playground } from '../playground.ts';

const MOST_CHARACTERS = 500;
const typed = z.object({
  line: z
    .string()
    .min(1)
    .max(MOST_CHARACTERS)
    .regex(/^[^\r\n]*$/),
});

const spoken = z.object({ samples: z.base64().min(4).max(60_000) });

const playedWith = ({ playground }: InspectorContext): Playground => {
  if (playground) return playground;
  throw new RequestProblem(404, 'there is no call to play with here: npm start opens one');
};

/** Each page asks this once: that there is none is an answer, and no fault in a browser's console. */
export const sayWhatPlays: Handler = ({ response }, context) => {
  if (!context.playground) return answerJson(response, JSON.stringify({ session: null, microphoneRate: null }));
  const { session, onSeen, speak } = context.playground;
  onSeen();
  answerJson(response, JSON.stringify({ session, microphoneRate: speak ? MICROPHONE_RATE : null }));
};

export const play: Handler = async (request, context) => {
  const playground = playedWith(context);
  const given = typed.safeParse(await jsonBody(request));
  if (!given.success) {
    const expected = `{"line"}: one line of 1 to ${MOST_CHARACTERS} characters`;
    throw badRequest('body', {
      expected,
      got: 'something else',
      advice: 'write {"line": "hello"} or {"line": "/help"}',
    });
  }
  playground.take(given.data.line);
  answerJson(request.response, JSON.stringify({ isTaken: true }));
};

export const playVoice: Handler = async (request, context) => {
  const { speak } = playedWith(context);
  if (!speak)
    throw new RequestProblem(409, 'this call hears what is typed and no voices; lastword console FILE hears yours');
  const given = spoken.safeParse(await jsonBody(request));
  if (!given.success)
    throw badRequest('body', {
      expected: '{"samples"}: 16-bit samples in base64',
      got: 'something else',
      advice: `send ${MICROPHONE_RATE} of them a second, one channel`,
    });
  speak(given.data.samples);
  answerJson(request.response, JSON.stringify({ isTaken: true }));
};

export const streamSound: Handler = async ({ response }, context) => {
  const ear = playedWith(context).listen();
  try {
    await context.watchers.serve(response, async (signal) => {
      const sounds = await ear.next(signal);
      return sounds && Buffer.concat(sounds.map((sound) => eventOf('sound', JSON.stringify(sound))));
    });
  } finally {
    ear.close();
  }
};
