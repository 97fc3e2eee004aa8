/**
 * Standard Webhooks 1.0.0: how a receiver knows that a report is ours and whole.
 *
 * Signed is `{id}.{timestamp}.{raw body}` with HMAC-SHA256. A body in any other form (parsed and printed again) does not
 * verify, and the timestamp is that of the attempt, so that an old request cannot be played back.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Wording } from '../errors/config-error.ts';

const PREFIX = 'whsec_';
const TOLERANCE_SECONDS = 300;
const KEY_BYTES = { least: 24, most: 64 };

/** Of a key that is there without a value: reports would go out unsigned, and nobody would know. */
export const unsetAdvice = 'set what it is read from, or leave the key out for reports that are not signed';

/** What is wrong with a secret, without repeating it; undefined when nothing is. */
export const secretProblem = (secret: unknown): Wording | undefined => {
  const expected = `${PREFIX} followed by base64 of ${KEY_BYTES.least} to ${KEY_BYTES.most} random bytes`;
  const advice = secret === undefined ? unsetAdvice : 'make one with: echo "whsec_$(openssl rand -base64 32)"';
  if (typeof secret !== 'string')
    return { expected, got: secret === undefined ? 'nothing' : `a ${typeof secret}`, advice };
  if (!secret.startsWith(PREFIX)) return { expected, got: `${secret.length} characters without ${PREFIX}`, advice };
  const text = secret.slice(PREFIX.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0)
    return { expected, got: `${text.length} characters that are not base64`, advice };
  const { length } = Buffer.from(text, 'base64');
  const isLongEnough = length >= KEY_BYTES.least && length <= KEY_BYTES.most;
  return isLongEnough ? undefined : { expected, got: `${length} bytes`, advice };
};

const digest = (secret: string, id: string, timestamp: number, body: string): Buffer =>
  createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(`${id}.${timestamp}.${body}`)
    .digest();

/**
 * Pure. The headers of one attempt. With two secrets there are two signatures, so that a receiver that knows only the
 * old or only the new one accepts it; with none there is only id and timestamp.
 *
 * `at`: milliseconds since the epoch. Throws RangeError for an id with a dot, which would make two messages sign alike.
 */
export const signHeaders = (message: {
  id: string;
  at: number;
  body: string;
  secrets: readonly string[];
}): Record<string, string> => {
  if (message.id === '' || message.id.includes('.')) {
    throw new RangeError(`webhook-id: expected some characters without a dot, got ${JSON.stringify(message.id)}`);
  }
  const timestamp = Math.floor(message.at / 1_000);
  const signatures = message.secrets.map(
    (secret) => `v1,${digest(secret, message.id, timestamp, message.body).toString('base64')}`,
  );
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(timestamp),
    ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
  };
};

/**
 * Pure. The headers that a webhook of ours would have, for a test of a receiver or a backend that passes reports on.
 * `body` as it will be sent, `id` without a dot, `now` in milliseconds (default: the clock).
 *
 * @throws RangeError for a secret or an id that cannot be used; a secret is not repeated in it
 */
export const signWebhook = ({
  id,
  body,
  secrets,
  now = Date.now(),
}: {
  /** Of the message: the same for each attempt; without a dot. */
  id: string;
  /** As it will be sent, to the byte. */
  body: string;
  /** `whsec_…`: one, or two while a secret is changed. */
  secrets: readonly string[];
  /** Milliseconds since the epoch; a receiver takes five minutes around its own. Default: the clock. */
  now?: number;
}): Record<string, string> => {
  if (!Array.isArray(secrets) || secrets.length === 0)
    throw new RangeError('signWebhook: secrets: expected a list of one secret or more, got none');
  for (const [index, secret] of secrets.entries()) {
    const problem = secretProblem(secret);
    if (problem)
      throw new RangeError(`signWebhook: secrets[${index}]: expected ${problem.expected}, got ${problem.got}`);
  }
  return signHeaders({ id, at: now, body, secrets });
};

export type Verification = { ok: true; id: string } | { ok: false; why: string };

const first = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

/**
 * Pure. Whether a request that came in is ours: `headers` as node:http gives them (lower case), `body` as it came.
 * Refuses timestamps more than five minutes away from `now` (milliseconds; default: the clock).
 */
export const verifyWebhook = (request: {
  /** With names in lower case. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes as they came, as UTF-8: not parsed and printed again. */
  body: string;
  /** `whsec_…`; while a secret is changed, both. */
  secrets: readonly string[];
  /** Milliseconds since the epoch. Default: the clock. */
  now?: number;
}): Verification => {
  const id = first(request.headers['webhook-id']);
  const stamp = first(request.headers['webhook-timestamp']);
  const signatures = first(request.headers['webhook-signature']);
  if (id === undefined || stamp === undefined || signatures === undefined) {
    return { ok: false, why: 'webhook-id, webhook-timestamp or webhook-signature is missing' };
  }
  if (!/^\d{1,15}$/.test(stamp)) return { ok: false, why: 'webhook-timestamp is not a number of seconds' };
  const timestamp = Number(stamp);
  const age = Math.floor((request.now ?? Date.now()) / 1_000) - timestamp;
  if (Math.abs(age) > TOLERANCE_SECONDS) {
    return { ok: false, why: `webhook-timestamp is ${Math.abs(age)} s ${age > 0 ? 'old' : 'ahead'}` };
  }
  const wanted = request.secrets.map((secret) => digest(secret, id, timestamp, request.body));
  for (const signature of signatures.split(' ')) {
    if (!signature.startsWith('v1,')) continue; // v1a is ed25519: not ours
    const given = Buffer.from(signature.slice(3), 'base64');
    if (wanted.some((one) => one.length === given.length && timingSafeEqual(one, given))) return { ok: true, id };
  }
  return { ok: false, why: 'no signature matches: another secret, or the body was changed' };
};
