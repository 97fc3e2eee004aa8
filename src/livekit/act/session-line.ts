/** Greeting, nudge, wind-down and goodbye, through the AgentSession: they belong to the conversation (S2, S3, S5 of speak.ts). */
import type { voice } from '@livekit/agents';
import { endOf, ends, type Speech } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import { settledWithin, unlessAborted } from '../../waiting/deadline.ts';
import type { EffectPort } from '../../session/run.ts';
import type { Words } from '../lines.ts';
import type { LiveJob } from '../live-job.ts';
import { phrases } from '../phrases.ts';
import type { OurSpeech } from '../observe/playout.ts';
import { framesOf } from '../synthesize.ts';
import { type LineAsk, type HeardOfLine, leftUnheard, type Note, quietly, voiceOf } from './line.ts';

type SayOptions = NonNullable<Parameters<voice.AgentSession['say']>[1]>;

/**
 * The playout says "finished" a little before the caller's ear does: 60 ms were whole in 10 of 10 calls on a quiet
 * machine, and clipped by 100 ms in 1 of 4 on a busy one. SIP has a leg more; its number is a guess.
 */
const TAIL_MS = { room: 100, sip: 400 };

/** Whoever is left on the line decides what is said to them: a machine that answered, music, or the caller. */
export const goodbyeOf = ({ definition, run }: LiveJob): Words | 'none' => {
  const { end } = run.context();
  if (end?.reason === ends.voicemail.reason && end.by === ends.voicemail.by) return definition.voicemail.goodbye;
  if (end?.reason === ends.onHold.reason && end.by === ends.onHold.by) return definition.hold.goodbye;
  return definition.goodbye;
};

const wordsOf = (job: LiveJob, line: Speech['line']): Words | undefined => {
  const { definition } = job;
  if (line === 'nudge' || line === 'windDown' || line === 'again') return definition[line];
  if (line === 'recovery') return { say: job.resumedWords ?? phrases[definition.language].resumed };
  const words = line === 'goodbye' ? goodbyeOf(job) : definition.greeting;
  return typeof words === 'object' ? words : undefined;
};

export async function throughSession(ask: LineAsk): Promise<HeardOfLine> {
  const { job, speech, port, audible, told, note } = ask;
  const { line } = speech;
  const { session, playout } = job;
  const words = wordsOf(job, line);
  if (!session || !playout || !words) {
    const why = words ? 'there is no running agent session' : 'no words are defined';
    note({ heardMs: 0, outcome: 'failed', why });
    throw new Error(`${line}: ${why}`);
  }
  // S5: the SDK would refuse it. Where the session is only read, it is written as ever.
  const { audio: output, audioEnabled } = session.output;
  const isUnvoiced = 'say' in words && output !== null && audioEnabled && !voiceOf(job);
  const recording = isUnvoiced ? words.audio : undefined;
  if (isUnvoiced && !recording) return leftOut(job, line, note, port);
  // The journal knows that a goodbye was begun before anybody can hear it; a slow disk may not hold it up.
  if (line === 'goodbye') await settledWithin(job.recorder.durable(), 200);
  if (line === 'again') job.venue.hush(); // the filler before it

  const early = line === 'recovery' ? job.earlyWords?.take() : undefined;
  const ours = follow(job, session, words, speech, recording ? framesOf(recording) : early);
  if (!ours) {
    note({ heardMs: 0, outcome: 'failed', why: 'the agent session takes no speech' });
    throw new Error(`${line}: the agent session takes no speech`);
  }
  const { handle, playback } = ours;
  const text = 'say' in words ? { text: words.say } : {};
  let isNoted = false;
  const noteOnce: Note = (more) => {
    if (isNoted) return; // S3: what was cut ends a little later by itself, too
    isNoted = true;
    const plannedMs = playback.plannedMs();
    note({ ...text, ...(plannedMs > 0 && { plannedMs }), ...told(), ...more });
  };
  const finish = async (): Promise<HeardOfLine> => {
    // The handle ends without a sound when the model or the TTS failed: then there is no playback to wait for.
    const ended = handle.waitForPlayout().then(() => undefined);
    await Promise.race([playback.audible, ended]);
    // Who says hello before the greeting is heard gets an answer in its place.
    const isCut = handle.interrupted && !port.signal.aborted && !isClosing(session);
    if (told().firstAudioMs === undefined && line === 'greeting' && isCut) {
      noteOnce({ heardMs: 0, outcome: 'skipped', why: 'the caller spoke first' });
      return { heardMs: 0, skipped: 'the caller spoke first' };
    }
    if (told().firstAudioMs === undefined) throw new Error('it ended without a sound');
    const [{ heardMs, interrupted, isWritten }] = await Promise.all([playback.finished, ended]);
    if (isWritten) {
      noteOnce({ heardMs, outcome: 'skipped', why: 'nobody can hear this session: it was written' });
      return { heardMs };
    }
    if (line === 'goodbye') await tail(job, port.signal);
    noteOnce({ heardMs, outcome: interrupted ? 'cut' : 'played', ...(interrupted && { why: 'interrupted' }) });
    return { heardMs };
  };
  void playback.audible.then(audible);
  const finished = finish().catch((error: unknown) => {
    const outcome = told().firstAudioMs === undefined ? 'failed' : 'cut';
    // A model that was asked for words and gave none has failed as well, though it says nothing of it.
    const mute = 'generate' in words ? 'llm: it gave no words to say' : 'tts: it gave no sound';
    if (line === 'greeting' && outcome === 'failed') blameProvider(job, handle.interrupted ? '' : mute);
    noteOnce({ heardMs: playback.heardMs(), outcome, why: messageOf(error) });
    throw error;
  });
  finished.catch(() => {});

  port.signal.addEventListener('abort', () => {
    const isHeard = told().firstAudioMs !== undefined;
    if (speech.until === 'audible' && (isHeard || line === 'windDown')) return; // S2; a late wind-down still helps
    if (isNoted) return;
    noteOnce({
      heardMs: playback.heardMs(),
      ...(isHeard ? { outcome: 'cut', why: 'the state was left' } : leftUnheard(ask)),
    });
    quietly(() => handle.interrupt(true));
  });
  if (speech.until === 'audible') {
    await Promise.race([playback.audible, finished]);
    return { heardMs: 0 };
  }
  return finished;
}

/** A session that closes after an error interrupts what it was to say, seconds before it tells that it has closed. */
const isClosing = (session: voice.AgentSession): boolean =>
  (session as unknown as { _closing?: boolean })._closing === true;

/** S5. Told once for each line; and it is the caller's turn, as it is after a line that was heard. */
const leftOut = (job: LiveJob, line: Speech['line'], note: Note, { send }: EffectPort): HeardOfLine => {
  const why = 'there is no TTS to speak with, and the line has no audio';
  note({ heardMs: 0, outcome: 'skipped', why });
  job.leftOut ??= new Set();
  if (!job.leftOut.has(line)) job.log.warn({ line }, `a line is left out: ${why}`);
  job.leftOut.add(line);
  if (line !== 'goodbye') setImmediate(() => send({ type: 'dialogue.moved' }));
  return { heardMs: 0, skipped: why };
};

/** Before the machine hears that the greeting failed, and would call that the application's doing. */
const blameProvider = ({ failedProvider, run }: LiveJob, otherwise: string): void => {
  const detail = failedProvider ?? otherwise;
  if (detail === '') return;
  run.send({ type: 'session.failed', end: endOf('system', 'startup_failed', 'provider', detail) });
};

const follow = (
  job: LiveJob,
  session: voice.AgentSession,
  words: Words,
  { interruptible }: Speech,
  audio: ReturnType<typeof framesOf> | undefined,
): { handle: voice.SpeechHandle; playback: OurSpeech } | undefined => {
  const { playout } = job;
  if (!playout) return undefined;
  playout.isAsking = true; // speech_created is emitted before say() returns: this one is ours
  try {
    const handle =
      'say' in words
        ? session.say(words.say, {
            allowInterruptions: interruptible,
            ...(audio && { audio: audio as NonNullable<SayOptions['audio']> }),
          })
        : session.generateReply({
            instructions: words.generate,
            toolChoice: 'none',
            allowInterruptions: interruptible,
          });
    return { handle, playback: playout.follow(handle) };
  } catch (error) {
    job.log.warn({ error: messageOf(error) }, 'the agent session refused a line');
    return undefined;
  } finally {
    playout.isAsking = false;
  }
};

const tail = async (job: LiveJob, signal: AbortSignal, passedMs = 0): Promise<void> => {
  const ms = (job.venue.caller()?.isSip ? TAIL_MS.sip : TAIL_MS.room) - passedMs;
  if (ms > 0) await unlessAborted(new Promise((resolve) => setTimeout(resolve, ms)), signal).catch(() => {});
};

/** Whatever was heard last is heard to its end before the hang-up, not the goodbye alone. */
export const tailOfLastSpeech = async (job: LiveJob, signal: AbortSignal): Promise<void> => {
  if (job.quietSince !== undefined && job.venue.isCallerThere())
    await tail(job, signal, performance.now() - job.quietSince);
};
