/** Logs far more than a pipe holds, and tells how long its loop stood still at most. */
import { openLog } from '../../src/cli/log-output.ts';

const log = openLog();
let last = performance.now();
let longestMs = 0;
const ticks = setInterval(() => {
  longestMs = Math.max(longestMs, performance.now() - last);
  last = performance.now();
  log.info({ filler: 'x'.repeat(20_000) }, 'a line');
}, 5);
setTimeout(() => {
  clearInterval(ticks);
  process.send?.({ longestMs }, () => process.kill(process.pid, 'SIGKILL'));
}, 1_500);
