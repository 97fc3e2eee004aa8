/** An alert in the format of Slack's incoming webhooks. */

import { describeValue, type Wording } from '../errors/config-error.ts';
import { oneLine, withoutSecrets } from '../output/for-people.ts';
import { valueIn } from './metadata-url.ts';

/** Slack cuts longer texts in the middle of a word. */
const LONGEST = 3_000;

/**
 * Slack reads these three as markup; so `<!channel>` in an error message would call everyone. On one line: a room of the
 * name `a⏎reason: …` would say what is not so.
 */
const escaped = (text: string): string =>
  oneLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const PLACES = ['session', 'room', 'reason', 'message', 'detail'] as const;
const placeholder = /\{([a-z]+(?:\.[^{}]+)?)\}/gi;

/** What is wrong with a text of the user's; undefined when nothing is. */
export const templateProblem = (text: unknown): Wording | undefined => {
  const advice = 'leave it out for the usual text';
  if (typeof text !== 'string' || text.trim() === '') return { expected: 'a text', got: describeValue(text), advice };
  const isKnown = (name: string) => (PLACES as readonly string[]).includes(name) || name.startsWith('metadata.');
  const unknown = [...text.matchAll(placeholder)].find(([, name]) => !isKnown(name ?? ''));
  if (!unknown) return undefined;
  return { expected: `${PLACES.map((each) => `{${each}}`).join(', ')} or {metadata.FIELD}`, got: unknown[0], advice };
};

export type AlertFacts = Partial<Record<(typeof PLACES)[number], string>>;

/** Pure. The user's text about one alert. The text is markup of theirs; what is put into it is none. */
export const alertText = (template: string, facts: AlertFacts, metadata: string): string =>
  template.replaceAll(placeholder, (_whole, name: string) => {
    const value = name.startsWith('metadata.')
      ? valueIn(metadata, name.slice('metadata.'.length))
      : facts[name as keyof AlertFacts];
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (!isPlain || value === '') return '-';
    // A field of the metadata is there because the operator asked for it by name.
    return escaped(name.startsWith('metadata.') ? String(value) : withoutSecrets(String(value)));
  });

const objectIn = (text: string): Record<string, unknown> => {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
};

/** Pure. From the body of an alert's row (rows.ts) to Slack's JSON: what happened, in which session, why, the error. */
export const slackBody = (alertBody: string): string => {
  const { data } = objectIn(alertBody);
  const fields = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const line = (label: string, value: unknown): string[] =>
    typeof value === 'string' && value !== '' ? [`${label}${escaped(withoutSecrets(value))}`] : [];
  const lines = [
    ...line('*Lastword:* ', fields['message']),
    ...line('session: ', fields['session']),
    ...line('reason: ', fields['reason']),
    ...line('error: ', fields['detail']),
  ];
  const own = typeof fields['text'] === 'string' && fields['text'];
  const text = own ? own : lines.length > 0 ? lines.join('\n') : '*Lastword:* an alert without a text';
  return JSON.stringify({ text: text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text });
};
