/**
 * A speech recognition that does not stream, guarded. The SDK's adapter for it logs a failure and drops the words: the
 * session is deaf for that turn, and no event says so. (A stream that fails closes the session at once.)
 *
 *   G1  One quick retry: the audio is still at hand. Then the call ends in the error branch, as it does for a stream.
 *   G2  A request that hangs counts as failed after 5 s.
 */
import type { stt } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { messageOf, settledWithin } from '../../session/deadline.ts';
import type { LiveJob } from '../live-job.ts';

const ATTEMPTS = 2;
const ATTEMPT_MS = 5000;
const known = new WeakSet<stt.STT>();

export function guardRecognition(job: LiveJob, recognizer: stt.STT | undefined): void {
  if (!recognizer || recognizer.capabilities.streaming || known.has(recognizer)) return;
  known.add(recognizer);
  const recognize = recognizer.recognize.bind(recognizer);
  recognizer.recognize = async (frames, signal) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await settledWithin(recognize(frames, signal), ATTEMPT_MS); // G2
      if (outcome.kind === 'settled') return outcome.value;
      const error = outcome.kind === 'failed' ? outcome.error : new Error(`no words within ${ATTEMPT_MS} ms`);
      if (signal?.aborted) throw error;
      const isLast = attempt === ATTEMPTS;
      const message = messageOf(error);
      job.recorder.append('error', { component: 'stt', message, label: recognizer.label, recoverable: !isLast });
      job.log.warn({ component: 'stt', error: message, attempt }, 'a provider failed');
      if (!isLast) continue;
      if (!job.run.hasTag('leaving'))
        job.run.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', `stt: ${message}`) });
      throw error;
    }
  };
}
