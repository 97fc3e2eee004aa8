/**
 * A speech recognition that does not stream, guarded. The SDK's adapter for it logs a failure and drops the words: the
 * session is deaf for that turn, no event says so, and a fallback adapter around it never hears that it should change.
 * (A stream that fails closes the session at once.)
 *
 *   G1  One more attempt while the audio is at hand: at the next provider of a fallback adapter, else at the same one.
 *       When the last has failed the call ends in the error branch, as it does for a stream.
 *   G2  An attempt that hangs is not waited for: the next one begins beside it, and whoever has the words first is right.
 */
import { stt } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import type { LiveJob } from '../live-job.ts';

/** Of `turnMs`. Words of ten seconds take a provider one second or two; a slow one is not asked twice. */
const HEDGE_SHARE = 0.3;

type Recognize = stt.STT['recognize'];

export function guardRecognition(job: LiveJob, recognizer: stt.STT | undefined): void {
  if (!recognizer) return;
  const isFallback = recognizer instanceof stt.FallbackAdapter;
  const all = (isFallback ? recognizer.sttInstances : [recognizer])
    .map(unwrapped)
    .filter(({ capabilities }: Partial<stt.STT>) => capabilities?.streaming === false); // a stand-in may have none
  for (const [index, one] of all.entries()) guard(job, one, all.slice(index + 1));
}

function guard(job: LiveJob, recognizer: stt.STT, spares: stt.STT[]): void {
  const { recognizers } = job.guarded;
  if (recognizers.has(recognizer)) return;
  const own = recognizer.recognize.bind(recognizer);
  recognizers.set(recognizer, own);
  const others = spares.map(
    (spare): Recognize =>
      (...given) =>
        (recognizers.get(spare) ?? spare.recognize.bind(spare))(...given),
  );
  const attempts = others.length > 0 ? [own, ...others] : [own, own];

  recognizer.recognize = (frames, signal) => {
    if (frames instanceof Question) return frames.answer(recognizer);
    if (job.guarded.isOver) return own(frames, signal);
    const note = (message: string, isLast: boolean) => {
      if (signal?.aborted) return;
      const { label } = recognizer;
      job.recorder.append('error', { component: 'stt', message, label, recoverable: !isLast });
      job.log.warn({ component: 'stt', error: message }, 'a provider failed');
      if (isLast && !job.run.hasTag('leaving'))
        job.run.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', `stt: ${message}`) });
    };
    const recognized = firstOf(
      attempts.map((attempt) => () => attempt(frames, signal)),
      note,
      job.definition.policy.turnMs,
    );
    recognized.then(
      ({ alternatives }) => {
        const hasWords = alternatives?.some(({ text }) => text.trim() !== '') ?? false;
        if (!hasWords && signal?.aborted !== true) job.turns.tell({ fact: 'words.missed' });
      },
      () => {},
    );
    return recognized;
  };
}

/** The first value. Rejects when all have failed, or when time is over. */
function firstOf<Value>(
  attempts: readonly (() => Promise<Value>)[],
  note: (message: string, isLast: boolean) => void,
  giveUpMs: number,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    let begun = 0;
    let failed = 0;
    let isOver = false;
    const over = () => {
      isOver = true;
      clearInterval(hedge);
      clearTimeout(limit);
    };
    const fail = (error: unknown) => {
      over();
      note(messageOf(error), true);
      reject(error);
    };
    const begin = () => {
      const attempt = attempts[begun];
      if (!attempt || isOver) return;
      begun += 1;
      (async () => attempt())().then(
        (value) => {
          over();
          resolve(value);
        },
        (error: unknown) => {
          failed += 1;
          if (isOver) return;
          if (failed === attempts.length) return fail(error);
          note(messageOf(error), false);
          begin();
        },
      );
    };
    const hedge = setInterval(() => begin(), HEDGE_SHARE * giveUpMs); // slow is no error
    const limit = setTimeout(() => fail(new Error(`no words within ${giveUpMs} ms`)), giveUpMs);
    begin();
  });
}

/** Asked of an adapter as if it were words: whoever gets it is the one that would recognise them. */
class Question extends AudioFrame {
  found: stt.STT | undefined;

  constructor() {
    super(new Int16Array(0), 16_000, 1, 0);
  }

  answer(by: stt.STT): Promise<never> {
    this.found = by;
    return new Promise(() => {});
  }
}

/** What an adapter wraps is private to it; but it passes on what it is asked, and whoever is asked then is it. */
function unwrapped(recognizer: stt.STT): stt.STT {
  if (!(recognizer instanceof stt.StreamAdapter)) return recognizer;
  const before = Reflect.get(stt.STT.prototype, 'recognize') as Recognize;
  const question = new Question();
  stt.STT.prototype.recognize = function answer(this: stt.STT) {
    return question.answer(this);
  };
  try {
    void recognizer._recognize(question);
  } finally {
    stt.STT.prototype.recognize = before;
  }
  return question.found ?? recognizer;
}
