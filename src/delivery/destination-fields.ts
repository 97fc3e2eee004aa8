/** Fields that destinations share, read from what users wrote or what came over the link. Each throws ConfigError. */
import { ConfigError, describeValue } from '../errors/config-error.ts';
import { isInsideHost } from './addresses.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (value: unknown, field: string, known: readonly string[]): Fields => {
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

export const text = (value: unknown, field: string, what: string, advice: string): string => {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new ConfigError({ field, expected: what, got: describeValue(value), advice });
  }
  return value;
};

export const nameOf = (value: unknown, field: string, fallback: string): string => {
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

export const flag = (value: unknown, field: string): boolean => {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw new ConfigError({
    field,
    expected: 'true or false',
    got: describeValue(value),
    advice: 'leave it out for false',
  });
};

export const webUrl = (value: unknown, field: string, allowPrivate: boolean): URL => {
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
