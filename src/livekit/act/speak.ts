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
 *   S6  After a crash the answer that was owed follows the words that excuse it, without being asked for again.
 */
import type { Speech } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import type { Past } from '../../report/past.ts';
import { stopwatch } from '../../waiting/deadline.ts';
import type { EffectPort } from '../../session/run.ts';
import type { LiveJob } from '../live-job.ts';
import { watchFirstWords, watchLastFiller } from '../guard/silence.ts';
import type { LineAsk, HeardOfLine, Note } from './line.ts';
import { onOwnTrack } from './own-line.ts';
import { throughSession } from './session-line.ts';

/** The machine's timer and this clock begin in the same instant, but for so much. */
const TIMER_MS = 50;

/** Its begin stands in the history, as far as it was heard: a model that is only asked takes it for the whole. */
const CUT = 'Your last answer was cut off before it was heard to its end. Give it again, briefly, without excusing it.';

export async function speak(job: LiveJob, speech: Speech, port: EffectPort): Promise<HeardOfLine> {
  const { line, rung } = speech;
  const elapsed = stopwatch();
  job.asked.add(line);
  const note: Note = (more) => job.recorder.append('spoken', { line, rung, ...more });
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
  if (line === 'greeting' || line === 'recovery') watchFirstWords(job);
  if (line === 'filler' && rung === 'bundled') watchLastFiller(job);
  let firstAudioMs: number | undefined;
  const audible = () => {
    firstAudioMs = elapsed();
    if (line === 'greeting') job.recorder.append('latency', { measure: 'greeting', ms: firstAudioMs });
    port.send({ type: 'line.audible', line, rung });
  };
  const told = () => (firstAudioMs === undefined ? {} : { firstAudioMs });
  const isLate = () => elapsed() >= job.definition.policy.rungMs - TIMER_MS;
  const ask: LineAsk = { job, speech, port, audible, told, isLate, note };
  if (isOwnTrack) return onOwnTrack(ask);
  const spoken = throughSession(ask);
  if (line === 'recovery' && job.past?.isAnswerOwed) answerOwed(job, job.past);
  return spoken;
}

/** S6. */
function answerOwed({ session, log }: LiveJob, { isAnswerCut }: Past): void {
  try {
    session?.generateReply(isAnswerCut ? { instructions: CUT } : {});
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the answer that was owed cannot be asked for; the caller has to ask again');
  }
}
