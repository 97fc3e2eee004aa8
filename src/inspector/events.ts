/**
 * Server-sent events to somebody who may not read them.
 *
 *   E1  Nothing is queued for a watcher: it keeps its own place, and gets what comes next when what it got is out of our
 *       hands. So one who never reads costs one message, and after LATE_MS its connection; its place is in its last id.
 *   E2  A comment each 15 s: proxies and browsers give up a silent connection, and we notice one that is gone.
 */
import type { ServerResponse } from 'node:http';
import { RequestProblem } from './problem.ts';

const LATE_MS = 30_000;
const COMMENT_MS = 15_000;
const MOST_WATCHERS = 2_000;

/** *Pure.* `data` is JSON: one line. */
export const eventOf = (event: string, data: string | Uint8Array, id?: string): Buffer =>
  Buffer.concat([
    Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: `),
    typeof data === 'string' ? Buffer.from(data) : data,
    Buffer.from('\n\n'),
  ]);

/** Gives the next message of a watcher, and waits for it; undefined: it was only asked whether it is still there. */
export type NextMessage = (signal: AbortSignal) => Promise<Buffer | undefined>;

export type Watchers = {
  /** Resolves when it is over, never rejects. */
  serve(response: ServerResponse, next: NextMessage): Promise<void>;
  readonly count: number;
  /** Ends all of them. */
  close(): void;
};

export function openWatchers(options: { lateMs?: number; commentMs?: number; most?: number } = {}): Watchers {
  const { lateMs = LATE_MS, commentMs = COMMENT_MS, most = MOST_WATCHERS } = options;
  const open = new Set<ServerResponse>();

  /** False: it did not take it in time. */
  const send = (response: ServerResponse, message: Buffer): Promise<boolean> =>
    new Promise((resolve) => {
      if (response.destroyed) return resolve(false);
      if (response.write(message)) return resolve(true);
      const settle = (isTaken: boolean) => {
        clearTimeout(limit);
        response.off('drain', taken).off('close', gone);
        resolve(isTaken);
      };
      const taken = () => settle(true);
      const gone = () => settle(false);
      const limit = setTimeout(gone, lateMs); // E1
      response.once('drain', taken).once('close', gone);
      return undefined;
    });

  return {
    get count() {
      return open.size;
    },
    async serve(response, next) {
      if (open.size >= most)
        throw new RequestProblem(503, `expected at most ${most} watchers, got one more; close a page`, {
          'retry-after': '30',
        });
      open.add(response);
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      response.on('error', () => gone.abort());
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.flushHeaders();
      const comments = setInterval(() => !response.writableNeedDrain && response.write(':\n\n'), commentMs); // E2
      try {
        while (!gone.signal.aborted) {
          const message = await next(gone.signal);
          if (message !== undefined && !(await send(response, message))) break;
        }
      } catch (error) {
        const message = error instanceof RequestProblem ? error.message : 'the stream ended; come back by its last id';
        await send(response, eventOf('problem', JSON.stringify({ error: { message } })));
      } finally {
        clearInterval(comments);
        open.delete(response);
        if (response.writableNeedDrain) response.destroy();
        else response.end();
      }
    },
    close() {
      for (const response of open) response.destroy();
    },
  };
}
