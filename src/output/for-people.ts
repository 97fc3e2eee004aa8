/**
 * What people read (log, alerts, command line) and others write: callers, dispatchers, receivers, models. Two dangers:
 * a secret or a telephone number gets to whoever reads a log, and a text that was made for it forges a line.
 *
 * What is kept for machines (journal, report, store) is left whole. The same with every NODE_ENV.
 */

/** Most texts are; to see that takes a tenth of what it takes to replace nothing. */
const plain = /^[ -~]*$/;

/** *Pure.* On one line and without control characters or marks of direction: they could drive a terminal. */
export const oneLine = (text: string): string =>
  (plain.test(text) ? text : text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')).trim();

/** *Pure.* JSON lets C1 controls and marks of direction through, which a terminal would obey: here they are escaped. */
export const escapeMarks = (json: string): string =>
  json.replaceAll(/[\u007F-\u009F\u2028\u2029]|\p{Cf}/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

// Up to what ends a URL in a sentence, or in a line of JSON.
const urls = /\b(https?|wss?|postgres(?:ql)?):\/\/[^\s"'<>\\]+/giu;
// `+4930123456`, also inside `sip_+4930…` and `call-_+4930…_x`, and with blanks, dots or brackets in it.
const numbers = /\+\d(?:[ .()-]{0,2}\d){6,16}/gu;
const dialled = /\b(tel|sips?):(?!\/\/)[^\s"'<>\\,;]+/giu;

/**
 * *Pure.* Of a URL the scheme and the host are left (paths, queries and user parts hold keys), of a telephone number its
 * last two digits. Everything else stays; a line of JSON stays one.
 */
export const withoutSecrets = (text: string): string =>
  text
    .replaceAll(urls, (url) => hostOf(url))
    .replaceAll(numbers, (number) => `+…${number.slice(-2)}`)
    .replaceAll(dialled, (_, scheme: string) => `${scheme}:…`);

/** *Pure.* The two together: any text of others in a line of ours. */
export const forPeople = (text: string): string => oneLine(withoutSecrets(text));

/** *Pure.* `https://example.com/…` */
function hostOf(url: string): string {
  const scheme = url.slice(0, url.indexOf('://'));
  const rest = url.slice(scheme.length + '://'.length);
  const authority = rest.split(/[/?#]/u, 1)[0] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const isMore = rest.length > authority.length + 1;
  return `${scheme}://${host}${isMore ? '/…' : ''}`;
}
