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
} from '../link/destination.ts';
import { fieldsOf, nameOf, text, webUrl, type Fields } from './destination-fields.ts';
import { secretProblem } from './sign.ts';
import { templateProblem } from './slack-text.ts';
import { readWebhook, webhook } from './webhook.ts';
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
