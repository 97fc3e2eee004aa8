/**
 * Loaded into the keeper by `--import`, and measures it from within: at each SIGUSR2 it writes down how late the event
 * loop was since the last one, and how much memory is held after a collection. Courier and worker inherit the flag, and
 * are not measured.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds and bytes. */
export type Probed = { p50: number; p99: number; max: number; rss: number; heap: number };
export const probeVariable = 'LASTWORD_PROBE';

const MILLISECOND = 1e6;
const [, main = ''] = process.argv;
const file = process.env[probeVariable];
if (file !== undefined && main.endsWith('/cli/main.js')) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('SIGUSR2', () => {
    const late = { p50: delay.percentile(50), p99: delay.percentile(99), max: delay.max };
    globalThis.gc?.();
    const { rss, heapUsed: heap } = process.memoryUsage();
    const probed: Probed = {
      p50: late.p50 / MILLISECOND,
      p99: late.p99 / MILLISECOND,
      max: late.max / MILLISECOND,
      rss,
      heap,
    };
    writeFileSync(`${file}.new`, JSON.stringify(probed));
    renameSync(`${file}.new`, file);
    delay.reset();
  });
}
