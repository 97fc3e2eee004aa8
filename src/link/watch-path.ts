/**
 * Is the socket still where whoever lost its keeper looks for it? A cleaned temporary folder removes it, and a keeper
 * that does not notice hears of nobody new and takes healthy jobs for silent ones. Asked by time: a watch of the system
 * needs a descriptor, and there may be none.
 */
import { closeSync, lstatSync, openSync } from 'node:fs';
import type { Logger } from 'pino';
import { isListening } from './listening.ts';

/** Found and mended well within a second, which is less than a job's patience between two attempts to come back (2 s). */
const WATCH_MS = 250;

/** Which file lies there; undefined when there is none. */
export const fileAt = (path: string): string | undefined => {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
};

/** The system drops connections that a process without free descriptors cannot take, and tells nobody of them. */
const canAccept = (): boolean => {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return true;
  } catch {
    return false;
  }
};

export function watchPath(options: {
  path: string;
  ours: () => string | undefined;
  reopen: () => Promise<void>;
  /** Called at each look that finds that nobody new could connect. */
  onShut: () => void;
  log?: Logger | undefined;
}): { stop(): void } {
  const { path, ours, reopen, onShut, log } = options;
  let isBusy = false;
  let isSaid = false;
  const sayOnce = (fields: object, text: string) => {
    if (!isSaid) log?.error({ path, ...fields }, text);
    isSaid = true;
  };
  const look = async () => {
    try {
      if (!canAccept()) onShut();
      if (fileAt(path) === ours()) return;
      onShut();
      if (await isListening(path))
        return sayOnce({}, 'another process listens where this keeper did; jobs that look for a keeper find that one');
      await reopen();
      log?.warn({ path }, 'the socket was removed or replaced; listening again');
      isSaid = false;
    } catch (error) {
      sayOnce({ err: error }, 'the socket cannot be made again; trying on');
    }
  };
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void look().finally(() => (isBusy = false));
  }, WATCH_MS).unref();
  return { stop: () => clearInterval(timer) };
}
