/**
 * The memory of this job: said once when it comes near its limit, and the end of the call while there is still room for
 * an apology. The SDK's own limit is a SIGKILL without a word, so the worker sets that one higher (worker/serve.ts).
 */
import { endOf } from '../../../machines/index.ts';
import type { LiveJob } from '../live-job.ts';

/** The SDK looks every 5 s: this has to have come first. */
const LOOK_MS = 500;
const MIB = 1024 * 1024;

/** In MiB of resident memory, 0 for none. */
export type MemoryLimits = { warnMB: number; limitMB: number };

/** @returns what ends the watch */
export function observeMemory(
  job: Pick<LiveJob, 'recorder' | 'log' | 'run'>,
  { warnMB, limitMB }: MemoryLimits,
  residentBytes: () => number = () => process.memoryUsage.rss(),
): () => void {
  let isWarned = false;
  const look = () => {
    const usedMB = Math.round(residentBytes() / MIB);
    const note = (message: string, recoverable: boolean) => {
      job.recorder.append('error', { component: 'memory', message, recoverable });
      job.log.warn({ usedMB, warnMB, limitMB }, message);
    };
    if (limitMB > 0 && usedMB > limitMB) {
      clearInterval(timer);
      const detail = `${usedMB} MiB of memory in use, above the limit of ${limitMB} MiB`;
      note(detail, false);
      job.run.send({ type: 'session.failed', end: endOf('system', 'memory_limit', 'application', detail) });
    } else if (warnMB > 0 && usedMB > warnMB && !isWarned) {
      isWarned = true;
      note(`${usedMB} MiB of memory in use, above the warning at ${warnMB} MiB`, true);
    }
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);
}
