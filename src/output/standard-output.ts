/**
 * Lines for a descriptor that somebody else reads or keeps: a terminal, a pipe, a file. The reader may be gone or asleep,
 * the disk full, the terminal closed; calls must not notice.
 *
 *   L1  `write` never throws and never waits. What cannot be written now waits in memory, up to MOST_WAITING bytes; what
 *       comes then is lost and counted, and said when it works again.
 *   L2  A text is written whole, or not at all: whatever else shares the descriptor starts behind its last byte.
 *   L3  A pipe, a socket or a terminal is written in non-blocking mode, never by a thread of libuv's: there are four of
 *       them for all files, and one that hangs in write() also holds the exit of the process (measured: for ever). A
 *       file has no such mode: one thread at most writes it.
 *   L4  After an error it is tried again every RETRY_MS: a full disk is emptied, a named pipe gets a new reader.
 */
import { constants, fstatSync, openSync, write as writeBehind, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';

/** Minutes of a busy keeper's lines. */
const MOST_WAITING = 8 * 1_048_576;
/** In one write; as much as a pipe holds. */
const MOST_AT_ONCE = 65_536;
/** A reader that is slow, not gone: a pipe of 64 KiB that is emptied in between carries 1.3 MB each second. */
const FULL_MS = 50;
const RETRY_MS = 1_000;

export type Lost = { lines: number; why: string };

export type Output = {
  readonly isTerminal: boolean;
  /** A terminal, a pipe or a socket: somebody reads it, and may stop. */
  readonly isShared: boolean;
  /** Of this process so far: they will not be written any more. */
  readonly lostLines: number;
  /** A text with its line break at the end. Never throws (L1). */
  write(text: string): void;
  /**
   * The same for a text that somebody counts on: resolves when it is written, rejects when it cannot be. After a
   * rejection it is not printed later, unless it was being written just then.
   */
  print(text: string, signal?: AbortSignal): Promise<void>;
  /** Calls back when it works again and lines were lost meanwhile. */
  onLost(listener: (lost: Lost) => void): void;
  /** True when nothing waits any more; false when something still does after so long. */
  flushed(deadlineMs: number): Promise<boolean>;
};

type Piece = { bytes: Buffer; settle?: (error?: Error) => void };
type Written = (error: NodeJS.ErrnoException | null, count: number) => void;
type Sink = (bytes: Buffer, written: Written) => void;

const linesOf = (bytes: Buffer): number => {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count += 1;
  return Math.max(1, count);
};

/** *Effect.* The descriptor stays open; it belongs to whoever gave it. */
export function openOutput(fd: number): Output {
  const kind = kindOf(fd);
  const sink = sinkOf(fd, kind);
  let waiting: Piece[] = [];
  let waitingBytes = 0;
  /** Of the first piece: so much of it is written. */
  let offset = 0;
  let isWriting = false;
  let timer: NodeJS.Timeout | undefined;
  let lost = 0;
  let lostInAll = 0;
  let why = 'nobody read it';
  let tell: (lost: Lost) => void = () => undefined;
  const leavers = new Set<() => void>();

  const next = (): Buffer => {
    const parts: Buffer[] = [];
    let size = 0;
    for (const { bytes } of waiting) {
      const part = parts.length === 0 ? bytes.subarray(offset) : bytes;
      if (parts.length > 0 && size + part.length > MOST_AT_ONCE) break;
      parts.push(part);
      size += part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  };
  const take = (count: number) => {
    waitingBytes -= count;
    offset += count;
    let whole = 0;
    for (const { bytes, settle } of waiting) {
      if (offset < bytes.length) break;
      offset -= bytes.length;
      whole += 1;
      settle?.();
    }
    waiting = waiting.slice(whole);
  };
  /** Whoever counts on a text is told; a part that is already out is finished all the same (L2). */
  const fail = (error: Error) => {
    const [first] = waiting;
    const isBegun = offset > 0;
    for (const { settle } of waiting) settle?.(error);
    waiting = waiting.filter((piece) => !piece.settle || (isBegun && piece === first));
    for (const piece of waiting) delete piece.settle;
    waitingBytes = waiting.reduce((sum, { bytes }) => sum + bytes.length, -offset);
  };
  const again = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = undefined;
      pump();
    }, ms).unref();
  };
  const pump = () => {
    if (isWriting || timer) return;
    if (waiting.length === 0) {
      if (lost > 0) {
        const gone = { lines: lost, why };
        lost = 0;
        why = 'nobody read it';
        tell(gone);
      }
      if (waiting.length === 0) for (const leave of leavers) leave();
      return;
    }
    isWriting = true;
    sink(next(), (error, count) => {
      isWriting = false;
      take(count);
      if (error && error.code !== 'EAGAIN') {
        why = error.code ?? error.message;
        fail(error);
        return again(RETRY_MS); // L4
      }
      if (error || count === 0) return again(FULL_MS);
      return pump();
    });
  };
  const add = (piece: Piece): boolean => {
    if (waitingBytes + piece.bytes.length > MOST_WAITING) return false;
    waiting.push(piece);
    waitingBytes += piece.bytes.length;
    pump();
    return true;
  };

  return {
    isTerminal: kind === 'terminal',
    isShared: kind !== 'file',
    get lostLines() {
      return lostInAll;
    },
    write(text) {
      const bytes = Buffer.from(text);
      if (bytes.length === 0 || add({ bytes })) return;
      const lines = linesOf(bytes);
      lost += lines;
      lostInAll += lines;
    },
    print: (text, signal) =>
      new Promise((resolve, reject) => {
        const piece: Piece = { bytes: Buffer.from(text) };
        const withdraw = () => {
          const at = waiting.indexOf(piece);
          if (!isWriting && (at > 0 || (at === 0 && offset === 0))) {
            waiting.splice(at, 1);
            waitingBytes -= piece.bytes.length;
          }
          piece.settle?.(signal?.reason as Error);
        };
        piece.settle = (error) => {
          delete piece.settle;
          signal?.removeEventListener('abort', withdraw);
          if (error) reject(error);
          else resolve();
        };
        signal?.addEventListener('abort', withdraw, { once: true });
        if (signal?.aborted) piece.settle(signal.reason as Error);
        else if (!add(piece)) piece.settle(new Error(`the output takes nothing (${why})`));
      }),
    onLost: (listener) => void (tell = listener),
    flushed: (deadlineMs) =>
      new Promise((resolve) => {
        const settle = (isEmpty: boolean) => {
          clearTimeout(limit);
          leavers.delete(leave);
          resolve(isEmpty);
        };
        const leave = () => settle(true);
        const limit = setTimeout(() => settle(false), deadlineMs);
        leavers.add(leave);
        pump();
      }),
  };
}

type Kind = 'terminal' | 'pipe' | 'file';

/** What cannot be asked is written like a file: at worst a thread waits, never the loop. */
function kindOf(fd: number): Kind {
  if (isatty(fd)) return 'terminal';
  try {
    const facts = fstatSync(fd);
    return facts.isFIFO() || facts.isSocket() ? 'pipe' : 'file';
  } catch {
    return 'file';
  }
}

function sinkOf(fd: number, kind: Kind): Sink {
  if (kind === 'file') return behind(fd);
  const own = openAgain(fd);
  if (own !== undefined) return atOnce(own);
  if (kind === 'terminal') return behind(fd);
  refuseToWait(fd);
  return atOnce(fd);
}

/**
 * The same pipe or terminal once more: the mode belongs to the open file, which others share and change. Undefined where
 * that is not allowed (after `su`, in some containers) or not possible (a socket; a pipe whose reader is gone).
 */
function openAgain(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** libuv makes a pipe or socket non-blocking when it takes it; for 1 and 2 Node has done so itself. */
const refuseToWait = (fd: number): unknown =>
  fd === 1 ? process.stdout : fd === 2 ? process.stderr : new Socket({ fd, readable: false });

const behind =
  (fd: number): Sink =>
  (bytes, written) =>
    writeBehind(fd, bytes, 0, bytes.length, null, (error, count) => written(error, count ?? 0));

/** For a descriptor that refuses instead of waiting. */
const atOnce =
  (fd: number): Sink =>
  (bytes, written) => {
    let count = 0;
    try {
      count = writeSync(fd, bytes, 0, bytes.length);
    } catch (error) {
      return written(error as NodeJS.ErrnoException, 0);
    }
    return written(null, count);
  };

const opened = new Map<number, Output>();

/** *Effect.* One for each descriptor of this process, and one for both where they lead to the same (`2>&1`): see L2. */
function shared(fd: 1 | 2): Output {
  const known = opened.get(fd) ?? (isSame(1, 2) ? opened.get(3 - fd) : undefined) ?? openOutput(fd);
  opened.set(fd, known);
  return known;
}

function isSame(one: number, other: number): boolean {
  try {
    const [first, second] = [fstatSync(one), fstatSync(other)];
    return first.dev === second.dev && first.ino === second.ino;
  } catch {
    return false;
  }
}

/** *Effect.* */
export const standardOutput = (): Output => shared(1);
/** *Effect.* */
export const standardError = (): Output => shared(2);
/** *Effect.* Of both; once where they lead to the same. */
export const lostLines = (): number =>
  [...new Set([standardOutput(), standardError()])].reduce((sum, output) => sum + output.lostLines, 0);
