/**
 * Apologies and fillers, on a track of our own: they have to work when the session does not (S3 to S5 of speak.ts).
 */
import { tts } from '@livekit/agents';
import { describeValue } from '../../errors/config-error.ts';
import { messageOf } from '../../errors/thrown.ts';
import { settledWithin, stopwatch, unlessAborted } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { blameTrackAfterFiller } from '../guard/silence.ts';
import { noteError } from '../note-error.ts';
import { askLines } from '../of-call.ts';
import { phrases } from '../phrases.ts';
import { bundledRecording } from '../../sound/bundled.ts';
import { recorded, synthesize } from '../synthesize.ts';
import { type LineAsk, type HeardOfLine, leftUnheard, type Note, quietly, voiceOf } from './line.ts';

/** Of `rungMs`: what is not known by then is said in the words of the package. */
const WORDS_SHARE = 1 / 3;
/** A track that was told to stop stops within a frame or two; one that does not is not waited for. */
const STOPPING_MS = 100;

export async function onOwnTrack(ask: LineAsk): Promise<HeardOfLine> {
  const { job, speech, port, audible, told, note: noted } = ask;
  const { venue } = job;
  const line = speech.line === 'apology' ? 'apology' : 'filler';
  // A call that fails at once has asked for nothing yet; what takes longer is not waited for.
  if (line === 'apology')
    await unlessAborted(settledWithin(askLines(job), WORDS_SHARE * job.definition.policy.rungMs), port.signal).catch(
      (error: unknown) => {
        noted({ heardMs: 0, outcome: 'failed', why: 'the state was left' });
        throw error;
      },
    );
  const { definition } = job;
  // The session may be in the middle of an answer, and nobody understands two voices.
  if (line === 'apology') for (const answer of job.speeches) quietly(() => answer.interrupt(true));
  const { say, audio: own } = definition[line] ?? {};
  const voice = voiceOf(job);
  const isLeftToRecording = line === 'filler' && !voice; // S5
  const isLive = speech.rung === 'live' && (say !== undefined || own === undefined) && !isLeftToRecording; // S4
  const words = nextOf(job, say) ?? phrases[definition.language][line];
  const recording = own ?? bundledRecording(line, definition.language);
  // What a recording of the user's own says is not known.
  const text = isLive ? { text: words } : own ? {} : { text: phrases[definition.language][line] };
  const stop = new AbortController();
  let isAudible = false;
  let playing = () => 0;
  let isNoted = false;
  const note: Note = (more) => {
    if (!isNoted && isAudible)
      job.recorder.append('audible', { who: 'agent', change: 'ends', line, heardMs: Math.round(more.heardMs) });
    if (!isNoted) noted({ ...(isLeftToRecording && { rung: 'bundled' }), ...more });
    isNoted = true;
  };
  /** S3: a track that stops in time says for itself how much was heard. */
  const giveUp = () => {
    stop.abort();
    if (!isAudible) return note({ heardMs: 0, ...text, ...leftUnheard(ask) });
    const heardMs = playing();
    setTimeout(
      () => note({ heardMs, ...text, outcome: 'cut', why: 'it did not stop in time', ...told() }),
      STOPPING_MS,
    );
  };
  // S2: leaving the state stops a line that nobody has heard yet, or one that is awaited to its end.
  port.signal.addEventListener('abort', () => {
    if (!isAudible || speech.until === 'played') giveUp();
  });
  job.letGo.signal.addEventListener('abort', giveUp, { once: true });
  const speaker = isLive ? (voice ?? (await voiceOfApology(job, port.signal, note))) : undefined;
  const audio = speaker ? synthesize(speaker, words, stop.signal) : recorded(recording);

  let hear = () => {};
  const heard = new Promise<void>((resolve) => (hear = resolve));
  const played = venue
    .play(audio, stop.signal, () => {
      isAudible = true;
      job.recorder.append('audible', { who: 'agent', change: 'begins', line });
      playing = stopwatch();
      audible();
      hear();
    })
    .then(
      ({ heardMs, plannedMs, isHushed = false }) => {
        // It has not failed: somebody spoke before it could be heard, and a machine that is told so last goes on.
        if (isHushed && !isAudible && line === 'filler') {
          note({ heardMs: 0, ...text, outcome: 'skipped', why: 'somebody spoke first' });
          return { heardMs: 0, skipped: 'somebody spoke first' };
        }
        const isCut = stop.signal.aborted || heardMs < plannedMs - 100;
        const outcome = !isAudible ? 'failed' : isCut ? 'cut' : 'played';
        const why = isAudible
          ? isCut && 'interrupted'
          : plannedMs > 0
            ? 'nothing but silence'
            : 'no audio came in time';
        note({ heardMs, plannedMs, ...text, outcome, ...told(), ...(why !== false && { why }) });
        if (!isAudible) throw new Error(why || 'no audio came in time');
        if (line === 'filler' && !isCut) blameTrackAfterFiller(job);
        return { heardMs };
      },
      (error: unknown) => {
        note({ heardMs: 0, ...text, outcome: 'failed', why: messageOf(error), ...told() });
        throw error;
      },
    )
    .finally(() => job.letGo.signal.removeEventListener('abort', giveUp));
  if (speech.until === 'played') return played;
  played.catch(() => {}); // awaited below until it is heard, and journaled by itself after that
  await Promise.race([heard, played]);
  return { heardMs: 0 };
}

/** Several texts are said in turn. */
const nextOf = (job: LiveJob, say: string | string[] | undefined): string | undefined => {
  if (!Array.isArray(say)) return say;
  job.fillersSaid += 1;
  return say[(job.fillersSaid - 1) % say.length];
};

/** Where nothing else can speak: the definition may have a voice for that. Rejects when it has none. */
async function voiceOfApology(job: LiveJob, signal: AbortSignal, note: Note): Promise<tts.TTS> {
  const { definition, call } = job;
  const make = definition.apology?.tts;
  try {
    if (!make) throw new Error('there is no TTS to speak with');
    const made: unknown = await unlessAborted((async () => make(call))(), signal);
    if (made instanceof tts.TTS) return made;
    throw new Error(`apology.tts(call): expected your TTS, got ${describeValue(made)}`);
  } catch (error) {
    note({ heardMs: 0, outcome: 'failed', why: messageOf(error) });
    if (make) noteError(job, 'apology.tts', error);
    throw error;
  }
}
