/** Fields that destinations share. What users write may hold a key, so no text repeats more of it than it has to. */
import { z } from 'zod';
import { describeValue, type Wording } from '../errors/config-error.ts';
import { expected, fields, addProblem } from '../errors/expected.ts';
import { isInsideHost } from './addresses.ts';

export const optionsOf = <Shape extends z.core.$ZodShape>(shape: Shape) =>
  fields(shape, {
    what: `an object with ${Object.keys(shape).join(', ')}`,
    advice: 'see the docs of this destination',
    adviceOnUnknown: 'remove it or correct its spelling',
  });

export const text = (what: string, advice: string) =>
  z.custom<string>((value) => typeof value === 'string' && value.trim() !== '', expected(what, advice));

/** ' => ' joins a name and a URL from metadata in the store (metadata-url.ts). */
const isName = (value: unknown) =>
  typeof value === 'string' && value.trim() !== '' && value.length <= 200 && !/\p{Cc}| => /u.test(value);
export const name = z
  .custom<string>(
    isName,
    expected('a name of up to 200 characters on one line, without " => "', 'leave it out for a default'),
  )
  .optional();

export const flag = z.boolean(expected('true or false', 'leave it out for false')).default(false);

const advice = 'give a full URL such as https://example.com/hooks/calls';

/** What is nearly a URL may hold a key as well: only its beginning is repeated. */
const beginningOf = (value: unknown): string => {
  const [start = ''] = typeof value === 'string' ? value.split(/[/?#@]/u, 1) : [];
  return describeValue(start === '' || start === value ? value : `${start}/…`);
};

/** A URL of the web, as a text or a URL. */
export const webUrl = z
  .custom<unknown>((value) => value !== undefined, expected('a URL', advice))
  .transform((value, context): URL => {
    const given = value instanceof URL ? value.href : value;
    const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined) addProblem(context, { expected: 'a URL', got: beginningOf(given), advice });
    else if (url.protocol !== 'https:' && url.protocol !== 'http:')
      addProblem(context, { expected: 'an https: URL', got: `a ${url.protocol} URL`, advice });
    else if (url.username !== '' || url.password !== '')
      addProblem(context, {
        expected: 'a URL without user and password',
        got: 'one with them',
        advice: 'send them in headers: { authorization }',
      });
    else return url;
    return z.NEVER;
  });

/** Reports are personal data: they go in clear text to hosts of one's own network only. */
export const clearTextProblem = (url: URL): Wording | undefined =>
  url.protocol === 'https:' || isInsideHost(url.hostname)
    ? undefined
    : {
        expected: 'https: for a host outside your network (a report is personal data)',
        got: `http: to ${url.hostname}`,
        advice: 'use https:, or set allowPrivate: true if that host is inside your network',
      };

export const confidentialUrl = webUrl.superRefine((url, context) => {
  const problem = clearTextProblem(url);
  if (problem) addProblem(context, problem);
});
