/** An alert in the format of Slack's incoming webhooks. */

/** Slack cuts longer texts in the middle of a word. */
const LONGEST = 3_000;

/** Slack reads these three as markup; so `<!channel>` in an error message would call everyone. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

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
    typeof value === 'string' && value !== '' ? [`${label}${escaped(value)}`] : [];
  const lines = [
    ...line('*Lastword:* ', fields['message']),
    ...line('session: ', fields['session']),
    ...line('reason: ', fields['reason']),
    ...line('error: ', fields['detail']),
  ];
  const text = lines.length > 0 ? lines.join('\n') : '*Lastword:* an alert without a text';
  return JSON.stringify({ text: text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text });
};
