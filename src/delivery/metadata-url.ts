/**
 * Webhook URLs that come from job metadata: whoever dispatches a call may write anything there, so a URL has to match
 * the allow-list, and where it leads is checked again when connecting (addresses.ts).
 *
 * A row of the store has to survive the keeper, and the metadata of its session may be gone by then. So its
 * `destination` says both: `NAME => URL`. The allow-list is asked at each attempt, so one that was narrowed holds for
 * what is queued.
 */
import { describeValue, type Wording } from '../errors/config-error.ts';
import { forPeople } from '../output/for-people.ts';
import type { Destination, WebhookDestination } from '../link/destination.ts';
import { isInsideHost } from './addresses.ts';

const JOINT = ' => ';
const LONGEST_URL = 2_048;

type Pattern = {
  protocol: string;
  host: string;
  anyHost: boolean;
  subdomains: boolean;
  port: string;
  path: readonly string[] | undefined;
};

// scheme, host with an optional leading "*.", port, path: never one glob over the whole text, in which
// https://example.com* would also allow https://example.com.attacker.net
const SHAPE = /^(https?):\/\/(\*|(?:\*\.)?[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d+))?(\/[^?#]*)?$/i;

/** *Pure.* Texts with anything between them, each at its first place: linear, where a pattern of many `.*` is not. */
const matchesParts = (text: string, parts: readonly string[]): boolean => {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
};

const readPattern = (pattern: string): Pattern | undefined => {
  const [, scheme, host, port, path] = SHAPE.exec(pattern) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  const protocol = `${scheme.toLowerCase()}:`;
  const defaultPort = protocol === 'https:' ? '443' : '80';
  return {
    protocol,
    host: host.replace(/^\*\./, '').toLowerCase(),
    anyHost: host === '*',
    subdomains: host.startsWith('*.'),
    port: port === undefined || port === defaultPort ? '' : port,
    path: path?.split('*'),
  };
};

/** What is wrong with an allow pattern; undefined when nothing is. */
export const patternProblem = (pattern: unknown): Wording | undefined =>
  typeof pattern === 'string' && readPattern(pattern) !== undefined
    ? undefined
    : {
        expected: 'https://HOST/PATH with * for any host, *.HOST for its subdomains, * in the path',
        got: describeValue(pattern),
        advice: "write it like 'https://*.example.com/hooks/*'",
      };

/** Pure. Whether a URL matches an allow pattern: scheme, host and port as they are, `*` in the path for anything. */
export const matchesPattern = (url: URL, pattern: string): boolean => {
  const wanted = readPattern(pattern);
  if (wanted === undefined) return false;
  const host = url.hostname.toLowerCase();
  const hostMatches = wanted.anyHost || (wanted.subdomains ? host.endsWith(`.${wanted.host}`) : host === wanted.host);
  const pathMatches = wanted.path === undefined || matchesParts(url.pathname, wanted.path);
  return hostMatches && url.protocol === wanted.protocol && url.port === wanted.port && pathMatches;
};

/** Pure. The value at a field of JSON metadata; dots lead into objects. Undefined when there is none. */
export const valueIn = (metadata: string, field: string): unknown => {
  let found: unknown;
  try {
    found = JSON.parse(metadata);
  } catch {
    return undefined; // metadata may be any text
  }
  const within = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined;
  // A key may itself hold dots.
  return within(found, field) ?? field.split('.').reduce(within, found);
};

/** Pure. The text there, as a URL may be one; empty when there is none. */
const textIn = (metadata: string, field: string): string => {
  const value = valueIn(metadata, field);
  if (typeof value !== 'string') return '';
  // Never cut: a URL that was shortened is another URL. The store's text ends at a zero byte.
  if (/\p{Cc}/u.test(value.trim())) return '(a text with control characters)';
  return value.length <= LONGEST_URL ? value.trim() : `(a text of ${value.length} characters)`;
};

/** Pure. What a row's `destination` says: the name, and for a URL from metadata also the URL as it came, checked or not. */
export const addressFor = (destination: Destination, metadata: string): string =>
  destination.kind === 'webhook' && destination.fromMetadata !== undefined
    ? `${destination.name}${JOINT}${textIn(metadata, destination.fromMetadata.field)}`
    : destination.name;

/** Pure. The reverse of `addressFor`. */
export const readAddress = (address: string): { name: string; url?: string } => {
  const at = address.indexOf(JOINT);
  return at === -1 ? { name: address } : { name: address.slice(0, at), url: address.slice(at + JOINT.length) };
};

/** Pure. The same for people: the name and the host. Of a name that is a URL (the default) the path may be a key. */
export const addressForPeople = (address: string): string => {
  const { name, url } = readAddress(address);
  const shown = forPeople(name);
  return url === undefined ? shown : `${shown} => ${URL.canParse(url) ? new URL(url).origin : 'no URL'}`;
};

/** What `textIn` put in place of a text says what it was; any other text is the dispatcher's, and not repeated. */
const described = (given: string): string =>
  /^\(a text (of \d+ characters|with control characters)\)$/.test(given)
    ? given
    : `a text of ${given.length} characters`;

/** Pure. Where an attempt goes, or why it must not go anywhere. */
export const targetOf = (
  webhook: WebhookDestination,
  given: string | undefined,
): { url: URL; untrusted: boolean } | { refused: string } => {
  if (webhook.fromMetadata === undefined) {
    return webhook.url === undefined
      ? { refused: 'the webhook has no URL' }
      : { url: new URL(webhook.url), untrusted: false };
  }
  const { field, allow, path } = webhook.fromMetadata;
  if (given === undefined || given === '') return { refused: `the job's metadata has no URL in its field "${field}"` };
  if (!URL.canParse(given))
    return { refused: `field "${field}" of the job's metadata is not a URL: ${described(given)}` };
  const url = new URL(given);
  if (url.username !== '' || url.password !== '') return { refused: 'a URL with user and password is not allowed' };
  if (path !== undefined) {
    if (url.search !== '' || url.hash !== '')
      return {
        refused: `field "${field}" of the job's metadata: expected a base URL, without ? and #, got one with them`,
      };
    url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  }
  if (!allow.some((pattern) => matchesPattern(url, pattern))) {
    return { refused: `a URL of ${url.origin} matches none of the allowed patterns (${allow.join(', ')})` };
  }
  if (url.protocol === 'http:' && !(webhook.allowPrivate && isInsideHost(url.hostname))) {
    return { refused: `${url.origin} is not https: (http: needs allowPrivate and a host of your own network)` };
  }
  return { url, untrusted: !webhook.allowPrivate };
};
