/**
 * One HTTP attempt. The status decides as soon as it is there: a receiver that accepts a report and then trickles its
 * answer, or cuts it, has accepted it. One that refuses has a second more, to say why.
 */
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import { PrivateAddressError } from './addresses.ts';
import { oneLookup } from './one-lookup.ts';
import { publicConnector } from './public-connector.ts';

const CONNECT_MS = 10_000;
const MOST_ANSWER_BYTES = 65_536;
/** An answer's body is read for the connection's sake only, so that it can be used again. */
const ANSWER_MS = 1_000;
/** Of an answer that refuses: enough to see what it complains of. */
const SHOWN_BYTES = 200;

export type HttpPost = { url: URL; untrusted: boolean; headers: Record<string, string>; body: string };
export type HttpClient = {
  /** Never rejects. */
  post(post: HttpPost, signal: AbortSignal): Promise<DeliveryOutcome>;
  close(): Promise<void>;
};

/** Pure. `Retry-After` in milliseconds from `now`: seconds or a date; undefined when it is neither. */
export const retryAfterMs = (header: string | string[] | undefined, now: number): number | undefined => {
  const value = (Array.isArray(header) ? header[0] : header)?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
};

const worded = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const text = error.message === '' ? error.name : error.message;
  return text.includes(code.slice(2, -1)) ? text : `${text}${code}`;
};

/** Effect. Connections are kept until `close`. Redirects are never followed: undici's `dispatch` does not. */
export const openHttp = (options: { deadlineMs: number; now: () => number }): HttpClient => {
  const limits: Agent.Options = {
    headersTimeout: options.deadlineMs,
    bodyTimeout: ANSWER_MS,
    maxResponseSize: -1, // cut by us: over the limit undici would throw away a status that is there
  };
  const trusted = new Agent({ ...limits, connect: { timeout: CONNECT_MS, lookup: oneLookup() } });
  const guarded = new Agent({ ...limits, connect: publicConnector(CONNECT_MS) });

  // By `dispatch`: undici's `request` makes a stream for each answer, of which nobody reads anything.
  const post = ({ url, untrusted, headers, body }: HttpPost, signal: AbortSignal): Promise<DeliveryOutcome> =>
    new Promise((resolve) => {
      let request: Dispatcher.DispatchController | undefined;
      let late: NodeJS.Timeout | undefined;
      let read = 0;
      let refused: { kind: 'answered'; status: number; retryAfterMs?: number } | undefined;
      let answer = '';
      const failed = (error: unknown) =>
        resolve(
          error instanceof PrivateAddressError
            ? { kind: 'refused', error: error.message }
            : { kind: 'failed', error: worded(error) },
        );
      if (signal.aborted) return failed(signal.reason); // a listener would not be told any more
      // Also while it waits for its connection, which undici knows no way to end.
      const onStop = () => {
        failed(signal.reason);
        request?.abort(signal.reason as Error);
      };
      const over = () => {
        if (refused) resolve({ ...refused, ...(answer !== '' && { answer }) });
        clearTimeout(late);
        signal.removeEventListener('abort', onStop);
      };
      signal.addEventListener('abort', onStop, { once: true });
      const what = {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'POST' as const,
        headers: { 'user-agent': 'lastword', ...headers, 'content-type': 'application/json' },
        body,
      };
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart(controller) {
          request = controller;
          if (signal.aborted) controller.abort(signal.reason as Error);
        },
        onResponseStart(controller, status, { 'content-length': length, 'retry-after': after }) {
          if (status < 200) return; // it goes on
          const wait = retryAfterMs(after, options.now());
          const told = { kind: 'answered' as const, status, ...(wait !== undefined && { retryAfterMs: wait }) };
          if (status < 300) resolve(told);
          else refused = told;
          if (status !== 204 && length !== '0') late = setTimeout(() => controller.abort(new Error('cut')), ANSWER_MS);
        },
        onResponseData(controller, chunk) {
          read += chunk.length;
          if (refused && answer === '') answer = chunk.subarray(0, SHOWN_BYTES).toString();
          if (read > MOST_ANSWER_BYTES) controller.abort(new Error('cut'));
        },
        onResponseEnd: over,
        onResponseError(_, error) {
          over();
          failed(error); // behind an answer it changes nothing
        },
      };
      try {
        (untrusted ? guarded : trusted).dispatch(what, handler);
      } catch (error) {
        over();
        failed(error);
      }
    });

  return {
    post,
    close: async () => {
      await Promise.all([trusted.destroy(), guarded.destroy()]);
    },
  };
};
