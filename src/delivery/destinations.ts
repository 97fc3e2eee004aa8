/**
 * The public constructors of destinations. What they return is plain data: it crosses a socket to the keeper, which
 * delivers. So a function cannot be a destination; a module can.
 *
 * Whatever is wrong is refused here, before any call is taken, with a ConfigError that names the field. No message
 * repeats a secret.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, describeValue } from '../errors/config-error.ts';
import type {
  Destination,
  FileDestination,
  ModuleDestination,
  SlackDestination,
  StdoutDestination,
  WebhookDestination,
} from '../link/destination.ts';
import { isInsideHost } from './addresses.ts';
import { patternProblem } from './metadata-url.ts';
import { secretProblem } from './sign.ts';
import { templateProblem } from './slack-text.ts';

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

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown, field: string, known: readonly string[]): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError({
      field,
      expected: `an object with ${known.join(', ')}`,
      got: describeValue(value),
      advice: 'see the docs of this destination',
    });
  }
  const fields = Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
  const unknown = Object.keys(fields).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new ConfigError({
      field: `${field}.${unknown}`,
      expected: `one of ${known.join(', ')}`,
      got: 'an unknown field',
      advice: 'remove it or correct its spelling',
    });
  }
  return fields;
};

const text = (value: unknown, field: string, what: string, advice: string): string => {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new ConfigError({ field, expected: what, got: describeValue(value), advice });
  }
  return value;
};

const nameOf = (value: unknown, field: string, fallback: string): string => {
  if (value === undefined) return fallback;
  const name = text(value, `${field}.name`, 'a short name', 'leave it out for a default');
  // ' => ' joins a name and a URL from metadata in the store: metadata-url.ts
  if (name.length > 200 || /\p{Cc}| => /u.test(name)) {
    throw new ConfigError({
      field: `${field}.name`,
      expected: 'up to 200 characters on one line, without " => "',
      got: describeValue(name),
      advice: 'choose a shorter name',
    });
  }
  return name;
};

const flag = (value: unknown, field: string): boolean => {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw new ConfigError({
    field,
    expected: 'true or false',
    got: describeValue(value),
    advice: 'leave it out for false',
  });
};

const webUrl = (value: unknown, field: string, allowPrivate: boolean): URL => {
  const advice = 'give a full URL such as https://example.com/hooks/calls';
  const given = value instanceof URL ? value.href : text(value, field, 'a URL', advice);
  if (!URL.canParse(given)) {
    // What is nearly a URL holds a key as well: only its beginning is repeated.
    const [start = ''] = given.split(/[/?#@]/u, 1);
    const got = describeValue(start === given ? given : `${start}/…`);
    throw new ConfigError({ field, expected: 'a URL', got, advice });
  }
  const url = new URL(given);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ConfigError({ field, expected: 'an https: URL', got: `a ${url.protocol} URL`, advice });
  }
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError({
      field,
      expected: 'a URL without user and password',
      got: 'one with them',
      advice: 'send them in headers: { authorization }',
    });
  }
  if (url.protocol === 'http:' && !allowPrivate && !isInsideHost(url.hostname)) {
    throw new ConfigError({
      field,
      expected: 'https: for a host outside your network (a report is personal data)',
      got: `http: to ${url.hostname}`,
      advice: 'use https:, or set allowPrivate: true if that host is inside your network',
    });
  }
  return url;
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

const readWebhook = (options: unknown, field: string): WebhookDestination => {
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

const readFile = (options: unknown, field: string): FileDestination => {
  const fields = fieldsOf(options, field, ['dir', 'name']);
  const advice = "write file({ dir: './reports' })";
  const given = text(fields['dir'], `${field}.dir`, 'a directory', advice);
  if (given.includes('\0'))
    throw new ConfigError({ field: `${field}.dir`, expected: 'a path', got: 'one with a zero byte', advice });
  const directory = resolve(given);
  return { kind: 'file', name: nameOf(fields['name'], field, `file:${directory}`), directory };
};

const readModule = (value: unknown, field: string, name: unknown): ModuleDestination => {
  const url =
    value instanceof URL ? value : typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'file:' || url.host !== '' || /%2f|%00/i.test(url.pathname)) {
    throw new ConfigError({
      field,
      expected: 'the file: URL of a module',
      got:
        url === undefined
          ? describeValue(value)
          : url.protocol === 'file:'
            ? 'one that is no path'
            : `a ${url.protocol} URL`,
      advice: "write destination(new URL('./deliver.js', import.meta.url))",
    });
  }
  if (!existsSync(fileURLToPath(url))) {
    throw new ConfigError({
      field,
      expected: 'a module that exists',
      got: describeValue(fileURLToPath(url)),
      advice: 'correct the path; after a build it is the path of the built file',
    });
  }
  return { kind: 'module', name: nameOf(name, field, `module:${fileURLToPath(url)}`), url: url.href };
};

const readSlack = (options: unknown, field: string): SlackDestination => {
  const fields = fieldsOf(options, field, ['url', 'name', 'text']);
  const url = webUrl(fields['url'], `${field}.url`, false);
  const words = fields['text'];
  const problem = words === undefined ? undefined : templateProblem(words);
  if (problem !== undefined) {
    throw new ConfigError({ field: `${field}.text`, ...problem, advice: 'leave it out for the usual text' });
  }
  // The path of an incoming webhook is its secret: it is no name.
  return {
    kind: 'slack',
    name: nameOf(fields['name'], field, `slack:${url.host}`),
    url: url.href,
    ...(words !== undefined && { text: words as string }),
  };
};

/** A signed HTTP request (Standard Webhooks) for each report. Throws ConfigError. */
export const webhook = (options: WebhookOptions): WebhookDestination => readWebhook(options, 'webhook');

/** One file for each session, `<dir>/<session>.json`, readable by its owner only. `dir` is made when missing. Throws ConfigError. */
export const file = (options: {
  /** A directory, made when missing. */
  dir: string;
  /** What `lastword deliveries` shows. Default: `file:` and the directory. */
  name?: string;
}): FileDestination => readFile(options, 'file');

/** One line for each report on the keeper's standard output. */
export const stdout = (
  options: {
    /** What `lastword deliveries` shows. Default: `stdout`. */
    name?: string;
  } = {},
): StdoutDestination => ({
  kind: 'stdout',
  name: nameOf(fieldsOf(options, 'stdout', ['name'])['name'], 'stdout', 'stdout'),
});

/**
 * A module of yours, run in a process of its own for each report; its default export is `(report) => Promise<void>`.
 * A rejection, or 15 seconds without an end, is a failed attempt. Throws ConfigError.
 */
export const destination = (
  url: URL,
  options: {
    /** What `lastword deliveries` shows. Default: `module:` and the path. */
    name?: string;
  } = {},
): ModuleDestination => readModule(url, 'destination', fieldsOf(options, 'destination', ['name'])['name']);

/** Alerts in the format of Slack's incoming webhooks; for `alerts` only. Throws ConfigError. */
export const slack = (options: {
  /** Of Slack's incoming webhook. Its path is a secret, and is shown nowhere. */
  url: string | URL;
  /** What `lastword deliveries` shows. Default: `slack:` and the host. */
  name?: string;
  /**
   * In your own words (and Slack's markup), with `{session}`, `{room}`, `{reason}`, `{message}`, `{detail}` and
   * `{metadata.FIELD}` of the job's JSON metadata in it; what there is none of becomes `-`. Whatever stands there goes to
   * Slack. Default: a line of ours with session, room, reason and detail.
   */
  text?: string;
}): SlackDestination => readSlack(options, 'slack');

const readOne = (value: unknown, field: string, use: 'reports' | 'alerts'): Destination => {
  const constructors = 'webhook(…), file(…), stdout(), destination(…)' + (use === 'alerts' ? ', slack(…)' : '');
  if (typeof value === 'function') {
    throw new ConfigError({
      field,
      expected: `one of ${constructors}`,
      got: describeValue(value),
      advice:
        "a function cannot cross to the keeper: put it into a module as its default export and write destination(new URL('./deliver.js', import.meta.url))",
    });
  }
  const fields = typeof value === 'object' && value !== null ? (value as Fields) : {};
  const { kind, ...rest } = fields;
  if (kind === 'webhook') return readWebhook(rest, field);
  if (kind === 'stdout') return { kind, name: nameOf(fieldsOf(rest, field, ['name'])['name'], field, 'stdout') };
  if (kind === 'file') {
    const { directory, ...others } = rest;
    return readFile({ dir: directory, ...others }, field);
  }
  if (kind === 'module') {
    const { url, name } = fieldsOf(rest, field, ['url', 'name']);
    return readModule(url, `${field}.url`, name);
  }
  if (kind === 'slack' && use === 'alerts') return readSlack(rest, field);
  throw new ConfigError({
    field,
    expected: `one of ${constructors}`,
    got: kind === 'slack' ? 'slack(…), which takes alerts only' : describeValue(value),
    advice: kind === 'slack' ? 'move it to alerts' : 'make it with one of these functions',
  });
};

/**
 * Checks a list of destinations, as users wrote it or as it came over the link, and returns it in order. Two of the same
 * name are refused, since the store tells them apart by name. Throws ConfigError.
 */
export const checkDestinations = (value: unknown, use: 'reports' | 'alerts' = 'reports'): Destination[] => {
  if (!Array.isArray(value)) {
    throw new ConfigError({
      field: use,
      expected: 'a list of destinations',
      got: describeValue(value),
      advice: `write ${use}: [webhook({ url, secret })]`,
    });
  }
  const seen = new Set<string>();
  return (value as unknown[]).map((one, index) => {
    const checked = readOne(one, `${use}[${index}]`, use);
    if (seen.has(checked.name)) {
      throw new ConfigError({
        field: `${use}[${index}].name`,
        expected: 'a name of its own',
        got: `${describeValue(checked.name)} a second time`,
        advice: 'give one of the two another name',
      });
    }
    seen.add(checked.name);
    return checked;
  });
};

/** The webhook of LASTWORD_WEBHOOK_URL, signed with LASTWORD_WEBHOOK_SECRET if there is one; none without a URL. Throws ConfigError. */
export const destinationsFromEnvironment = (env: Readonly<Record<string, string | undefined>>): Destination[] => {
  const url = env['LASTWORD_WEBHOOK_URL'] ?? '';
  const secret = env['LASTWORD_WEBHOOK_SECRET'] ?? '';
  if (url === '') {
    if (secret === '') return [];
    throw new ConfigError({
      field: 'LASTWORD_WEBHOOK_URL',
      expected: 'a URL, since LASTWORD_WEBHOOK_SECRET is set',
      got: 'nothing',
      advice: 'set both or none',
    });
  }
  const problem = secret === '' ? undefined : secretProblem(secret);
  if (problem !== undefined) {
    throw new ConfigError({
      field: 'LASTWORD_WEBHOOK_SECRET',
      ...problem,
      advice: 'make one with: echo "whsec_$(openssl rand -base64 32)"',
    });
  }
  const checked = webUrl(url, 'LASTWORD_WEBHOOK_URL', false);
  return [webhook({ url: checked, ...(secret !== '' && { secret }) })];
};
