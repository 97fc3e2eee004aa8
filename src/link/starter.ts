/** Whoever started this process: how it runs Node, and whether it is still there. */

/** How often is looked whether the starter is gone; a system call that costs a microsecond. */
const LOOK_MS = 500;
/** They take a port, a terminal or a file for themselves, which only one process can have. */
const ofOneProcess = /^--?(inspect|watch|eval|print|e$|p$|i$|interactive|test|cpu-prof|heap-prof)/;

/** *Pure.* The flags of Node that a process of ours needs to run the same files: loaders, source maps, memory. */
export const inheritedFlags = (flags: readonly string[] = process.execArgv): string[] =>
  flags.filter((flag, index) => {
    const isValueOf = !flag.startsWith('-') && ofOneProcess.test(flags[index - 1] ?? '');
    return !ofOneProcess.test(flag) && !isValueOf;
  });

/** *Pure.* Can these flags run what is no JavaScript (tsx, ts-node)? */
export const hasLoader = (flags: readonly string[] = process.execArgv, options = process.env['NODE_OPTIONS'] ?? '') =>
  /(^|\s)(--import|--loader|--experimental-loader|--require|-r)(=|\s|$)/.test([...flags, options].join(' '));

/**
 * *Effect.* Calls back once when the starter has gone away without a word: a process that is ended with `kill -9`, a shell
 * between npm and us that does not pass its signal on. Who starts us in the background and leaves on purpose (a shell
 * with `&`, a service manager) is not meant: only a channel of ours, and npm and its like, have to stay.
 * @returns forgets it. The channel then holds the process as before, where somebody else listens to it.
 */
export function whenStarterIsGone(call: () => void): () => void {
  let isOver = false;
  const once = () => {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    call();
  };
  if (process.connected) {
    process.channel?.unref();
    process.once('disconnect', once);
  }
  const first = process.ppid;
  const byPackageManager = process.env['npm_lifecycle_event'] !== undefined;
  const timer = byPackageManager ? setInterval(() => process.ppid !== first && once(), LOOK_MS).unref() : undefined;
  return () => {
    isOver = true;
    clearInterval(timer);
    process.removeListener('disconnect', once);
    // Once it was let go of by hand, Node no longer counts its listeners.
    if (process.listenerCount('message') + process.listenerCount('disconnect') > 0) process.channel?.ref();
  };
}
