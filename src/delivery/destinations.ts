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
import { ConfigError, describeValue, type Wording } from '../errors/config-error.ts';
import { expected, judged, take } from '../errors/expected.ts';
import type {
  Destination,
  FileDestination,
  ModuleDestination,
  SlackDestination,
  StdoutDestination,
} from '../link/destination.ts';
import { confidentialUrl, name, optionsOf, text } from './destination-fields.ts';
import { secretProblem } from './sign.ts';
import { templateProblem } from './slack-text.ts';
import { webhook, webhookOptions } from './webhook.ts';

const fileAdvice = "write file({ dir: './reports' })";
const fileOptions = optionsOf({
  dir: text('a directory', fileAdvice).refine((dir) => !dir.includes('\0'), expected('a path', fileAdvice)),
  name,
}).transform(({ dir, name }): FileDestination => {
  const directory = resolve(dir);
  return { kind: 'file', name: name ?? `file:${directory}`, directory };
});

const stdoutOptions = optionsOf({ name }).transform(({ name = 'stdout' }): StdoutDestination => ({
  kind: 'stdout',
  name,
}));

const moduleProblem = (value: unknown): Wording | undefined => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : value;
  const advice = "write destination(new URL('./deliver.js', import.meta.url))";
  const wrong = (got: string) => ({ expected: 'the file: URL of a module', got, advice });
  if (!(url instanceof URL)) return wrong(describeValue(value));
  if (url.protocol !== 'file:') return wrong(`a ${url.protocol} URL`);
  if (url.host !== '' || /%2f|%00/i.test(url.pathname)) return wrong('one that is no path');
  return existsSync(fileURLToPath(url))
    ? undefined
    : {
        expected: 'a module that exists',
        got: describeValue(fileURLToPath(url)),
        advice: 'correct the path; after a build it is the path of the built file',
      };
};
const moduleOptions = optionsOf({ url: judged<string | URL>(moduleProblem), name }).transform(
  ({ url, name = `module:${fileURLToPath(url)}` }): ModuleDestination => ({
    kind: 'module',
    name,
    url: new URL(url).href,
  }),
);

const slackOptions = optionsOf({
  url: confidentialUrl,
  name,
  text: judged<string>(templateProblem).optional(),
}).transform(
  // The path of an incoming webhook is its secret: it is no name.
  ({ url, name = `slack:${url.host}`, text }): SlackDestination => ({
    kind: 'slack',
    name,
    url: url.href,
    ...(text !== undefined && { text }),
  }),
);

/** One file for each session, `<dir>/<session>.json`, readable by its owner only. `dir` is made when missing. Throws ConfigError. */
export const file = (options: {
  /** A directory, made when missing. */
  dir: string;
  /** What `lastword deliveries` shows. Default: `file:` and the directory. */
  name?: string;
}): FileDestination => take(fileOptions, options, 'file');

/** One line for each report on the keeper's standard output. */
export const stdout = (
  options: {
    /** What `lastword deliveries` shows. Default: `stdout`. */
    name?: string;
  } = {},
): StdoutDestination => take(stdoutOptions, options, 'stdout');

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
): ModuleDestination => take(moduleOptions, { ...options, url }, 'destination');

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
}): SlackDestination => take(slackOptions, options, 'slack');

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
  const { kind, ...rest } = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  switch (kind) {
    case 'webhook':
      return take(webhookOptions, rest, field);
    case 'file': {
      const { directory, ...others } = rest;
      return take(fileOptions, { dir: directory, ...others }, field);
    }
    case 'stdout':
      return take(stdoutOptions, rest, field);
    case 'module':
      return take(moduleOptions, rest, field);
    case 'slack':
      if (use === 'alerts') return take(slackOptions, rest, field);
  }
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
  const checked = take(confidentialUrl, url, 'LASTWORD_WEBHOOK_URL');
  if (secret === '') return [webhook({ url: checked })];
  return [webhook({ url: checked, secret: take(judged<string>(secretProblem), secret, 'LASTWORD_WEBHOOK_SECRET') })];
};
