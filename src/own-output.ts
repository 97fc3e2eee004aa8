/** What a process below the keeper does about its own output: nothing it prints may end it. */

/**
 * *Effect.* Whoever reads it may be gone, the disk full, the terminal closed. The next write then fails, and without a
 * listener that is an uncaught exception: the end of a call, for a line of its log.
 */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
