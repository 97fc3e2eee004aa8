/** What a process of ours does about its own output: nothing it prints may end it, nor whoever reads that. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

const ignored = () => undefined;

/**
 * *Effect.* Whoever reads it may be gone, the disk full, the terminal closed. The next write then fails, and without a
 * listener that is an uncaught exception: the end of a call, for a line of its log.
 */
export function surviveLostOutput(): void {
  if (process.listeners('exit').includes(leaveClosedTerminals)) return; // done already
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignored);
  process.once('exit', leaveClosedTerminals);
}

/**
 * At its exit Node gives a terminal its old modes back, and aborts (SIGABRT, a core dump, no exit code) when that
 * terminal is closed. It looks whether a descriptor is still the one it started with: so it gets another one.
 */
function leaveClosedTerminals(): void {
  for (const fd of [0, 1, 2]) {
    try {
      if (isatty(fd) || !fstatSync(fd).isCharacterDevice()) continue;
      closeSync(fd);
      openSync('/dev/null', 'r+'); // the lowest free number, which is this one
    } catch {
      // It was closed before.
    }
  }
}
