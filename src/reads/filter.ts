/**
 * One filter language for calls and entries. Pure.
 *
 *   refund kind:tool -status:settled state:conversing text:/refund.*money/ room:"table 41"
 *
 * All terms have to hold. A word is looked for in what is shown; `-` in front turns a term around.
 *
 *   F1  Matching is linear in the text: between slashes stand texts with anything between them (`.*`), `^`, `$` and `|`,
 *       never an expression that may be tried in many ways. Capital or not makes no difference.
 */
import { refusedQuestion } from './refusal.ts';

export type Pattern = (text: string) => boolean;
export type Term = {
  /** undefined: a word. */
  field: string | undefined;
  /** As it was written, without slashes and quotes. */
  value: string;
  isNot: boolean;
  /** Was written without slashes and `*`: the value itself is meant. */
  isExact: boolean;
  matches: Pattern;
};

const MOST_TERMS = 20;
/** Each its own: where it stands is in it. */
const nextToken = (): RegExp => /(-?)(?:([a-zA-Z]+):)?("[^"]*"|\/(?:[^/\s]|\\\/)[^/]*\/|\S+)/gy;

/** *Pure.* Empty: everything. @param fields that there are @throws ReadError `BAD_QUESTION` */
export function filterOf(text: string, fields: readonly string[]): Term[] {
  const terms: Term[] = [];
  const token = nextToken();
  for (let at = 0; ;) {
    while (text.charAt(at).trim() === '' && at < text.length) at += 1;
    if (at >= text.length) return terms;
    token.lastIndex = at;
    const [all = '', minus, field, given = ''] = token.exec(text) ?? [];
    if (all === '')
      throw refusedQuestion(
        'filter',
        'words and terms such as kind:tool',
        text.slice(at),
        `its fields are ${fields.join(', ')}`,
      );
    at += all.length;
    terms.push(termOf(field?.toLowerCase(), given, minus === '-', fields));
    if (terms.length > MOST_TERMS)
      throw refusedQuestion('filter', `at most ${MOST_TERMS} terms`, text, 'leave some out');
  }
}

function termOf(field: string | undefined, given: string, isNot: boolean, fields: readonly string[]): Term {
  if (field !== undefined && !fields.includes(field))
    throw refusedQuestion(
      'filter',
      `one of ${fields.map((name) => `${name}:`).join(' ')}`,
      `${field}:`,
      'to look for such a text, put it in quotes',
    );
  if (field !== undefined && given === '')
    throw refusedQuestion('filter', `something behind ${field}:`, given, 'leave it out for all');
  if (given.length > 2 && given.startsWith('/') && given.endsWith('/')) {
    const value = given.slice(1, -1);
    return { field, value, isNot, isExact: false, matches: patternOf(value) };
  }
  const value = given.startsWith('"') && given.endsWith('"') && given.length > 1 ? given.slice(1, -1) : given;
  const isExact = !value.includes('*');
  const parts = value.toLowerCase().split('*');
  const matches: Pattern =
    isExact && field !== undefined && field !== 'text'
      ? (text) => text.toLowerCase() === parts[0]
      : holds(parts, false, false);
  return { field, value, isNot, isExact, matches };
}

/** F1. @throws ReadError */
function patternOf(source: string): Pattern {
  const alternatives = source.split('|').map((one) => {
    const isBegin = one.startsWith('^');
    const isEnd = one.endsWith('$');
    const inner = one.slice(isBegin ? 1 : 0, isEnd ? -1 : undefined);
    const parts = inner.split('.*').map((part) => part.replaceAll('\\', ''));
    if (/[()[\]{}+?*]|^$/.test(inner.replaceAll('.*', '')) && inner !== '.*')
      throw refusedQuestion(
        'filter',
        'a text between slashes, with .* for anything, ^, $ and | and nothing else',
        `/${source}/`,
        'write it as several terms',
      );
    return holds(
      parts.map((part) => part.toLowerCase()),
      isBegin,
      isEnd,
    );
  });
  return (text) => alternatives.some((matches) => matches(text));
}

/** *Pure.* Texts with anything between them, each at its first place: linear. */
const holds =
  (parts: readonly string[], isBegin: boolean, isEnd: boolean): Pattern =>
  (given) => {
    const text = given.toLowerCase();
    let at = 0;
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      if (isLast && isEnd)
        return text.length - part.length >= at && text.endsWith(part) && (index > 0 || !isBegin || text === part);
      const found = index === 0 && isBegin ? (text.startsWith(part) ? 0 : -1) : text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return true;
  };

/** *Pure.* Do all terms hold? @param textsOf what a field says; a word's is `undefined` */
export const isKept = (terms: readonly Term[], textsOf: (field: string | undefined) => readonly string[]): boolean =>
  terms.every(({ field, isNot, matches }) => textsOf(field).some(matches) !== isNot);
