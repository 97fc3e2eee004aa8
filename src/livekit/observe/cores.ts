/**
 * Whether this job gets a core when it has something to do (situation O-A7): where it waits instead, an answer that is
 * late is nobody's fault who gives answers. Only the end says so; no limit is lengthened.
 */
import { waitedForCoreMs } from '../../journal/owner.ts';
import type { LiveJob } from '../live-job.ts';

const LOOK_MS = 1_000;
/**
 * Of the time looked back on. Measured on two cores: a job that talks by itself waits for 0.2 to 5 % of each second, and
 * for 40 to 50 % of the two in which other processes start.
 */
const SHORT_SHARE = 0.25;
/** Half of `turnMs`, and never less: a start beside others is no want of cores. */
const LOOKED_BACK = 10;

/** @returns what ends the watch */
export function observeCores(
  job: Pick<LiveJob, 'run' | 'log'>,
  waitedMs: () => Promise<number | undefined> = () => waitedForCoreMs({ pid: process.pid }),
): () => void {
  const looks: { at: number; waitedMs: number }[] = [];
  let areShort = false;
  const look = async () => {
    const waited = await waitedMs();
    if (waited === undefined) return clearInterval(timer); // the system does not say
    const now = performance.now();
    looks.push({ at: now, waitedMs: waited });
    const first = looks.length > LOOKED_BACK ? looks.shift() : undefined;
    if (!first) return;
    const isNowShort = (waited - first.waitedMs) / (now - first.at) >= SHORT_SHARE;
    if (isNowShort === areShort) return;
    areShort = isNowShort;
    job.run.send({ type: 'cores.switched', areShort });
    if (areShort) job.log.warn({ waitedMs: Math.round(waited - first.waitedMs) }, 'this machine is short of cores');
  };
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS).unref();
  return () => clearInterval(timer);
}
