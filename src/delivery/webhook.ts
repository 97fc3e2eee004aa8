/**
 * The webhook as a destination: what users may write, and what is refused before any call is taken. When an attempt is
 * made again: machines/delivery.ts.
 */
import { z } from 'zod';
import { describeValue, sentenceOf } from '../errors/config-error.ts';
import { expected, judged, addProblem, take } from '../errors/expected.ts';
import type { WebhookDestination } from '../link/destination.ts';
import { clearTextProblem, flag, name, optionsOf, text, webUrl } from './destination-fields.ts';
import { patternProblem } from './metadata-url.ts';
import { secretProblem, unsetAdvice } from './sign.ts';

export type WebhookOptions = {
  /** `https:`; `http:` for hosts of your own network only. No default: required, or `fromMetadata`. */
  url?: string | URL;
  /**
   * Instead of `url`: the URL stands in this field of the job's JSON metadata (`callback`, or `report.url` for a nested
   * one). It must match one of `allow`, such as `https://*.example.com/hooks/*`. With a `path` the field holds a base URL,
   * and the path is put behind it; what is matched is the whole. Default: none.
   */
  fromMetadata?: { field: string; allow: readonly string[]; path?: string };
  /** `whsec_…`, base64 of 24 to 64 random bytes. Default: none, the request is not signed; a key without a value is refused. */
  secret?: string;
  /** While a secret is changed: the new and the old one. Default: `secret` alone. */
  secrets?: readonly string[];
  /** Sent with each attempt. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** What `lastword deliveries` shows; default: the URL without query, or `metadata:FIELD`. */
  name?: string;
  /**
   * With `fromMetadata`: such URLs may lead into your own network (default: refused when connecting). With `url`: this
   * host is inside your network, so `http:` will do.
   */
  allowPrivate?: boolean;
};

const secret = judged<string>(secretProblem);
const secretsExpected = {
  error: ({ input }: { input?: unknown }) =>
    sentenceOf({
      expected: 'a list of up to two secrets',
      got: typeof input === 'string' ? 'a string' : describeValue(input),
      advice: input === undefined ? unsetAdvice : 'give the new and the old one',
    }),
};

// Ours or the connection's: what a user set here would be lost or break the request.
const OWN_HEADERS =
  /^(webhook-.*|content-type|content-length|host|connection|keep-alive|transfer-encoding|expect|upgrade)$/i;
const headerName = judged<string>((name) =>
  OWN_HEADERS.test(String(name))
    ? { expected: 'the name of a header of yours', got: 'one that is set for each request', advice: 'remove it' }
    : /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(String(name))
      ? undefined
      : { expected: 'the name of a header', got: 'characters that no header name has', advice: 'remove it' },
);
const headerValue = judged<string>((value) =>
  typeof value === 'string' && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)
    ? undefined
    : {
        expected: 'a string on one line',
        got: typeof value === 'string' ? 'control or non-latin characters' : describeValue(value),
        advice: 'encode the value',
      },
);

const allowExpected = expected(
  'a list of URL patterns',
  "list whom job metadata may name, such as 'https://*.example.com/*'",
);
const pathExpected = expected(
  'a path such as /calls/ended, without ? and #',
  'leave it out when the metadata holds the whole URL',
);
const fromMetadata = optionsOf({
  field: text(
    'the name of a metadata field',
    "write fromMetadata: { field: 'callback', allow: ['https://*.example.com/*'] }",
  ),
  allow: z.array(judged<string>(patternProblem), allowExpected).min(1, allowExpected),
  path: z
    .string(pathExpected)
    .regex(/^\/[^?#\s]*$/, pathExpected)
    .optional(),
});

export const webhookOptions = optionsOf({
  url: webUrl.optional(),
  fromMetadata: fromMetadata.optional(),
  secret: secret.exactOptional(),
  secrets: z.array(secret, secretsExpected).max(2, secretsExpected).exactOptional(),
  headers: z
    .record(
      headerName,
      headerValue,
      expected('an object of names and strings', "write headers: { authorization: 'Bearer …' }"),
    )
    .default({}),
  name,
  allowPrivate: flag,
}).transform(({ url, fromMetadata: source, secret, secrets, name, ...rest }, context): WebhookDestination => {
  if (secret !== undefined && secrets !== undefined)
    addProblem(
      context,
      { expected: 'secret or secrets', got: 'both', advice: 'put all of them into secrets' },
      'secrets',
    );
  const common = { kind: 'webhook' as const, ...rest, secrets: secrets ?? (secret === undefined ? [] : [secret]) };
  if (url && !source) {
    const problem = rest.allowPrivate ? undefined : clearTextProblem(url);
    if (problem) addProblem(context, problem, 'url');
    return { ...common, url: url.href, name: name ?? `${url.origin}${url.pathname}` };
  }
  if (source && !url) {
    const { field, allow, path } = source;
    const fromMetadata = { field, allow, ...(path !== undefined && { path }) };
    return { ...common, fromMetadata, name: name ?? `metadata:${field}${path ?? ''}` };
  }
  const advice = 'give a fixed url, or fromMetadata: { field, allow } for a URL in the job metadata';
  addProblem(context, { expected: 'url or fromMetadata', got: url ? 'both' : 'neither', advice }, 'url');
  return z.NEVER;
});

/** A signed HTTP request (Standard Webhooks) for each report. Throws ConfigError. */
export const webhook = (options: WebhookOptions): WebhookDestination => take(webhookOptions, options, 'webhook');
