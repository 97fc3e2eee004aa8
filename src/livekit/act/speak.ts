/**
 * Lines: greeting, nudge, wind-down and goodbye through the AgentSession (they belong to the conversation), apologies
 * and fillers on a track of our own (they have to work when the session does not).
 *
 *   S1  Nobody there, nothing spoken: `skipped`, with why. An apology waits for somebody while its rung lasts.
 *   S2  `audible`: settled at the first audio, and from there the line plays on, whatever becomes of the state.
 *   S3  What was heard is measured at the output and journaled once for each line, also when it is cut or late, and when
 *       the output itself hangs.
 *   S4  A line of the user's that is a recording and no text is played on the first rung too: a text in its stead would
 *       be one that nobody asked for.
 *   S5  Where there is no TTS a text is its recording, if it has one, and else left out; a filler is the recording.
 */
import { tts, type voice } from '@livekit/agents';
import { type Effects, endOf, ends, type Speech } from '../../../machines/index.ts';
import { describeValue } from '../../config-error.ts';
import type { EntryData } from '../../journal/entry.ts';
import { messageOf, settledWithin, stopwatch, unlessAborted } from '../../session/deadline.ts';
import type { EffectPort } from '../../session/run.ts';
import type { Words } from '../lines.ts';
import type { LiveJob } from '../live-job.ts';
import { blameTrackAfterFiller, watchFirstWords, watchLastFiller } from '../guard/silence.ts';
import { noteError } from '../note-error.ts';
import type { OurSpeech } from '../observe/playout.ts';
import { askLines } from '../of-call.ts';
import { phrases, recordingOf } from '../phrases.ts';
import { framesOf, recorded, synthesize } from '../synthesize.ts';

type Heard = Effects['speak']['output'];
type Spoken = EntryData['spoken'];
type SayOptions = NonNullable<Parameters<voice.AgentSession['say']>[1]>;

/**
 * The playout says "finished" a little before the caller's ear does: 60 ms were whole in 10 of 10 calls on a quiet
 * machine, and clipped by 100 ms in 1 of 4 on a busy one. SIP has a leg more; its number is a guess.
 */
const TAIL_MS = { room: 100, sip: 400 };
/** Less than a rung takes: what is not known by then is said in the words of the package. */
const WORDS_MS = 500;
/** A track that was told to stop stops within a frame or two; one that does not is not waited for. */
const STOPPING_MS = 100;

export async function speak(job: LiveJob, speech: Speech, port: EffectPort): Promise<Heard> {
  const { line, rung } = speech;
  const elapsed = stopwatch();
  job.asked.add(line);
  const note = (more: Pick<Spoken, 'heardMs' | 'outcome'> & Partial<Spoken>) =>
    job.recorder.append('spoken', { line, rung, ...more });
  const isOwnTrack = line === 'apology' || line === 'filler' || rung === 'bundled';

  if (!job.venue.isCallerThere()) {
    if (line !== 'apology') {
      note({ heardMs: 0, outcome: 'skipped', why: 'nobody is there' });
      return { heardMs: 0, skipped: 'nobody is there' };
    }
    await job.venue.presence(port.signal).catch((error: unknown) => {
      note({ heardMs: 0, outcome: 'skipped', why: 'nobody came' });
      throw error;
    });
  }
  if (line === 'greeting') watchFirstWords(job);
  if (line === 'filler' && rung === 'bundled') watchLastFiller(job);
  let firstAudioMs: number | undefined;
  const audible = () => {
    firstAudioMs = elapsed();
    if (line === 'greeting') job.recorder.append('latency', { measure: 'greeting', ms: firstAudioMs });
    port.send({ type: 'line.audible', line, rung });
  };
  const told = () => (firstAudioMs === undefined ? {} : { firstAudioMs });
  const ask: Ask = { job, speech, port, audible, told, note };
  return isOwnTrack ? onOwnTrack(ask) : throughSession(ask);
}

type Ask = {
  job: LiveJob;
  speech: Speech;
  port: EffectPort;
  audible: () => void;
  told: () => { firstAudioMs?: number };
  note: (more: Pick<Spoken, 'heardMs' | 'outcome'> & Partial<Spoken>) => void;
};

// ── on a track of our own ────────────────────────────────────────────────────────────────────────────────────────

async function onOwnTrack({ job, speech, port, audible, told, note: noted }: Ask): Promise<Heard> {
  const { venue } = job;
  const line = speech.line === 'apology' ? 'apology' : 'filler';
  // A call that fails at once has asked for nothing yet; what takes longer is not waited for.
  if (line === 'apology') await settledWithin(askLines(job), WORDS_MS);
  const { definition } = job;
  // The session may be in the middle of an answer, and nobody understands two voices.
  if (line === 'apology') for (const answer of job.speeches) quietly(() => answer.interrupt(true));
  const { say, audio: own } = definition[line] ?? {};
  const voice = voiceOf(job);
  const isLeftToRecording = line === 'filler' && !voice; // S5
  const isLive = speech.rung === 'live' && (say !== undefined || own === undefined) && !isLeftToRecording; // S4
  const words = nextOf(job, say) ?? phrases[definition.language][line];
  const recording = own ?? recordingOf(line, definition.language);
  // What a recording of the user's own says is not known.
  const text = isLive ? { text: words } : own ? {} : { text: phrases[definition.language][line] };
  const stop = new AbortController();
  let isAudible = false;
  let playing = () => 0;
  let isNoted = false;
  const note: Ask['note'] = (more) => {
    if (!isNoted) noted({ ...(isLeftToRecording && { rung: 'bundled' }), ...more });
    isNoted = true;
  };
  /** S3: a track that stops in time says for itself how much was heard. */
  const giveUp = () => {
    stop.abort();
    if (!isAudible) return note({ heardMs: 0, ...text, outcome: 'failed', why: 'no audio came in time' });
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

/** The SDK's `currentAgent` throws while no agent runs, and an apology for a start that failed has none. */
const voiceOf = ({ session, firstVoice }: LiveJob): tts.TTS | undefined => {
  try {
    return session?.currentAgent.tts ?? session?.tts ?? firstVoice;
  } catch {
    return session?.tts ?? firstVoice;
  }
};

/** Where nothing else can speak: the definition may have a voice for that. Rejects when it has none. */
async function voiceOfApology(job: LiveJob, signal: AbortSignal, note: Ask['note']): Promise<tts.TTS> {
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

// ── through the AgentSession ─────────────────────────────────────────────────────────────────────────────────────

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
  const words = line === 'goodbye' ? goodbyeOf(job) : definition.greeting;
  return typeof words === 'object' ? words : undefined;
};

async function throughSession({ job, speech, port, audible, told, note }: Ask): Promise<Heard> {
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
  const audio = isUnvoiced ? words.audio : undefined;
  if (isUnvoiced && !audio) return leftOut(job, line, note, port);
  // The journal knows that a goodbye was begun before anybody can hear it; a slow disk may not hold it up.
  if (line === 'goodbye') await settledWithin(job.recorder.durable(), 200);
  if (line === 'again') job.venue.hush(); // the filler before it

  const ours = follow(job, session, words, speech, audio);
  if (!ours) {
    note({ heardMs: 0, outcome: 'failed', why: 'the agent session takes no speech' });
    throw new Error(`${line}: the agent session takes no speech`);
  }
  const { handle, playback } = ours;
  const text = 'say' in words ? { text: words.say } : {};
  let isNoted = false;
  const noteOnce = (more: Pick<Spoken, 'heardMs' | 'outcome'> & Partial<Spoken>) => {
    if (isNoted) return; // S3: what was cut ends a little later by itself, too
    isNoted = true;
    const plannedMs = playback.plannedMs();
    note({ ...text, ...(plannedMs > 0 && { plannedMs }), ...told(), ...more });
  };
  const finish = async (): Promise<Heard> => {
    // The handle ends without a sound when the model or the TTS failed: then there is no playback to wait for.
    const ended = handle.waitForPlayout().then(() => undefined);
    await Promise.race([playback.audible, ended]);
    // Who says hello before the greeting is heard gets an answer in its place.
    if (told().firstAudioMs === undefined && line === 'greeting' && handle.interrupted && !port.signal.aborted) {
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
      outcome: isHeard ? 'cut' : 'failed',
      why: isHeard ? 'the state was left' : 'no audio came in time',
    });
    quietly(() => handle.interrupt(true));
  });
  if (speech.until === 'audible') {
    await Promise.race([playback.audible, finished]);
    return { heardMs: 0 };
  }
  return finished;
}

/** S5. Told once for each line; and it is the caller's turn, as it is after a line that was heard. */
const leftOut = (job: LiveJob, line: Speech['line'], note: Ask['note'], { send }: EffectPort): Heard => {
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
  audio: URL | undefined,
): { handle: voice.SpeechHandle; playback: OurSpeech } | undefined => {
  const { playout } = job;
  if (!playout) return undefined;
  playout.isAsking = true; // speech_created is emitted before say() returns: this one is ours
  try {
    const handle =
      'say' in words
        ? session.say(words.say, {
            allowInterruptions: interruptible,
            ...(audio && { audio: framesOf(audio) as NonNullable<SayOptions['audio']> }),
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

const quietly = (act: () => unknown) => {
  try {
    act();
  } catch {
    // it is over already, which is what was wanted
  }
};
