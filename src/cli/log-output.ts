/**
 * Where the keeper's log goes. Whoever reads it may stop for a while (a pager, a full pipe of a log shipper); the calls
 * must not wait for that, so lines are written behind the keeper's back, and those beyond `MOST_WAITING` are given up.
 */
import { pino, type Logger } from 'pino';

/** Minutes of a busy keeper's lines. */
const MOST_WAITING = 8 * 1_048_576;

/** *Effect.* Logs lines of JSON to a file descriptor; says later how many were lost. */
export function openLog(fd = 1): Logger {
  const output = pino.destination({ dest: fd, sync: false, maxLength: MOST_WAITING });
  let lost = 0;
  output.on('drop', () => (lost += 1));
  output.on('drain', () => {
    if (lost === 0) return;
    log.warn({ lost }, 'nobody read the log for a while; lines are lost');
    lost = 0;
  });
  const log = pino({}, output);
  return log;
}
