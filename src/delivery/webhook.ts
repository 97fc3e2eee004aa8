/**
 * The webhook as a destination: what users may write, and what is refused before any call is taken. When an attempt is
 * made again: machines/delivery.ts.
 */
import { ConfigError, describeValue } from '../errors/config-error.ts';
import type { WebhookDestination } from '../link/destination.ts';
import { fieldsOf, flag, nameOf, text, webUrl, type Fields } from './destination-fields.ts';
import { patternProblem } from './metadata-url.ts';
import { secretProblem } from './sign.ts';

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
/** `secret: process.env.SECRET` without that variable: reports would go out unsigned, and nobody would know. */
const refuseEmptySecret = (options: unknown, field: string): void => {
  if (typeof options !== 'object' || options === null) return;
  for (const key of ['secret', 'secrets'] as const) {
    if (!Object.hasOwn(options, key) || (options as Fields)[key] !== undefined) continue;
    throw new ConfigError({
      field: `${field}.${key}`,
      expected: key === 'secret' ? 'whsec_… as a text' : 'a list of secrets',
      got: 'nothing',
      advice: 'set what it is read from, or leave the key out for reports that are not signed',
    });
  }
};

const secretsOf = (fields: Fields, field: string): string[] => {
  if (fields['secret'] !== undefined && fields['secrets'] !== undefined) {
    throw new ConfigError({
      field: `${field}.secrets`,
      expected: 'secret or secrets',
      got: 'both',
      advice: 'put all of them into secrets',
    });
  }
  const list = fields['secrets'] ?? (fields['secret'] === undefined ? [] : [fields['secret']]);
  if (!Array.isArray(list) || list.length > 2) {
    throw new ConfigError({
      field: `${field}.secrets`,
      expected: 'a list of up to two secrets',
      got: Array.isArray(list) ? `${list.length} secrets` : describeSecretHolder(list),
      advice: 'give the new and the old one',
    });
  }
  const secrets: unknown[] = list;
  return secrets.map((secret, index) => {
    const problem = secretProblem(secret);
    const at = fields['secrets'] === undefined ? `${field}.secret` : `${field}.secrets[${index}]`;
    if (problem !== undefined) {
      throw new ConfigError({
        field: at,
        ...problem,
        advice: 'make one with: echo "whsec_$(openssl rand -base64 32)"',
      });
    }
    return secret as string;
  });
};

const describeSecretHolder = (value: unknown): string =>
  typeof value === 'string' ? 'a string' : describeValue(value);

// Ours or the connection's: what a user set here would be lost or break the request.
const OWN_HEADERS =
  /^(webhook-.*|content-type|content-length|host|connection|keep-alive|transfer-encoding|expect|upgrade)$/i;

const headersOf = (value: unknown, field: string): Record<string, string> => {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError({
      field,
      expected: 'an object of names and strings',
      got: describeValue(value),
      advice: "write headers: { authorization: 'Bearer …' }",
    });
  }
  const headers: Record<string, string> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || OWN_HEADERS.test(name)) {
      throw new ConfigError({
        field: `${field}.${name}`,
        expected: 'the name of a header of yours',
        got: OWN_HEADERS.test(name) ? 'one that is set for each request' : 'characters that no header name has',
        advice: 'remove it',
      });
    }
    if (typeof inner !== 'string' || !/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(inner)) {
      throw new ConfigError({
        field: `${field}.${name}`,
        expected: 'a string on one line',
        got: typeof inner === 'string' ? 'control or non-latin characters' : describeValue(inner),
        advice: 'encode the value',
      });
    }
    headers[name] = inner;
  }
  return headers;
};

const pathOf = (value: unknown, field: string): string | undefined => {
  if (value === undefined || (typeof value === 'string' && /^\/[^?#\s]*$/.test(value))) return value;
  throw new ConfigError({
    field,
    expected: 'a path such as /calls/ended, without ? and #',
    got: describeValue(value),
    advice: 'leave it out when the metadata holds the whole URL',
  });
};

const WEBHOOK_FIELDS = ['url', 'fromMetadata', 'secret', 'secrets', 'headers', 'name', 'allowPrivate'] as const;

export const readWebhook = (options: unknown, field: string): WebhookDestination => {
  refuseEmptySecret(options, field);
  const fields = fieldsOf(options, field, WEBHOOK_FIELDS);
  const allowPrivate = flag(fields['allowPrivate'], `${field}.allowPrivate`);
  const common = {
    kind: 'webhook' as const,
    secrets: secretsOf(fields, field),
    headers: headersOf(fields['headers'], `${field}.headers`),
    allowPrivate,
  };
  if ((fields['url'] === undefined) === (fields['fromMetadata'] === undefined)) {
    throw new ConfigError({
      field: `${field}.url`,
      expected: 'url or fromMetadata',
      got: fields['url'] === undefined ? 'neither' : 'both',
      advice: 'give a fixed url, or fromMetadata: { field, allow } for a URL in the job metadata',
    });
  }
  if (fields['url'] !== undefined) {
    const url = webUrl(fields['url'], `${field}.url`, allowPrivate);
    return { ...common, url: url.href, name: nameOf(fields['name'], field, `${url.origin}${url.pathname}`) };
  }
  const source = fieldsOf(fields['fromMetadata'], `${field}.fromMetadata`, ['field', 'allow', 'path']);
  const key = text(
    source['field'],
    `${field}.fromMetadata.field`,
    'the name of a metadata field',
    "write fromMetadata: { field: 'callback', allow: ['https://*.example.com/*'] }",
  );
  const allow: unknown = source['allow'];
  if (!Array.isArray(allow) || allow.length === 0) {
    throw new ConfigError({
      field: `${field}.fromMetadata.allow`,
      expected: 'a list of URL patterns',
      got: describeValue(allow),
      advice: "list whom job metadata may name, such as 'https://*.example.com/*'",
    });
  }
  const patterns = (allow as unknown[]).map((pattern, index) => {
    const at = `${field}.fromMetadata.allow[${index}]`;
    const problem = patternProblem(pattern);
    if (problem !== undefined) {
      throw new ConfigError({ field: at, ...problem, advice: "write it like 'https://*.example.com/hooks/*'" });
    }
    return pattern as string;
  });
  const path = pathOf(source['path'], `${field}.fromMetadata.path`);
  return {
    ...common,
    fromMetadata: { field: key, allow: patterns, ...(path !== undefined && { path }) },
    name: nameOf(fields['name'], field, `metadata:${key}${path ?? ''}`),
  };
};

/** A signed HTTP request (Standard Webhooks) for each report. Throws ConfigError. */
export const webhook = (options: WebhookOptions): WebhookDestination => readWebhook(options, 'webhook');
