/**
 * One HTTP attempt. The status decides as soon as it is there: a receiver that accepts a report and then trickles its
 * answer, or cuts it, has accepted it.
 */
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import { PrivateAddressError } from './addresses.ts';
import { oneLookup } from './one-lookup.ts';
import { publicConnector } from './public-connector.ts';

const CONNECT_MS = 10_000;
const MOST_ANSWER_BYTES = 65_536;
/** An answer's body is read for the connection's sake only, so that it can be used again. */
const ANSWER_MS = 1_000;

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

/** Effect. Connections are kept until `close`. Redirects are never followed: undici's `request` does not. */
export const openHttp = (options: { deadlineMs: number; now: () => number }): HttpClient => {
  const limits: Agent.Options = {
    headersTimeout: options.deadlineMs,
    bodyTimeout: ANSWER_MS,
    maxResponseSize: -1, // cut by us: over the limit undici would throw away a status that is there
  };
  const trusted = new Agent({ ...limits, connect: { timeout: CONNECT_MS, lookup: oneLookup } });
  const guarded = new Agent({ ...limits, connect: publicConnector(CONNECT_MS) });

  const post = async ({ url, untrusted, headers, body }: HttpPost, signal: AbortSignal): Promise<DeliveryOutcome> => {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(url, {
        method: 'POST',
        headers: { 'user-agent': 'lastword', ...headers, 'content-type': 'application/json' },
        body,
        signal,
        dispatcher: untrusted ? guarded : trusted,
      });
    } catch (error) {
      return error instanceof PrivateAddressError
        ? { kind: 'refused', error: error.message }
        : { kind: 'failed', error: worded(error) };
    }
    const isEmpty = answer.statusCode === 204 || answer.headers['content-length'] === '0';
    const limits = { limit: MOST_ANSWER_BYTES, ...(!isEmpty && { signal: AbortSignal.timeout(ANSWER_MS) }) };
    answer.body.dump(limits).catch(() => {});
    const wait = retryAfterMs(answer.headers['retry-after'], options.now());
    return { kind: 'answered', status: answer.statusCode, ...(wait !== undefined && { retryAfterMs: wait }) };
  };

  return {
    post,
    close: async () => {
      await Promise.all([trusted.destroy(), guarded.destroy()]);
    },
  };
};
