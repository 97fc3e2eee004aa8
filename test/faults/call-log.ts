/** A call as somebody would tell it: what arrived, where it led, what was said, what failed. For who reads a red test. */
import type { Entry } from '../../src/journal/entry.ts';

const lineOf = (entry: Entry): string | undefined => {
  switch (entry.kind) {
    case 'event':
      return `${entry.data.type}${'end' in entry.data ? ` ${reasonOf(entry.data['end'])}` : ''}`;
    case 'transition': {
      const { to, end } = entry.data;
      return `    → ${to.join(' + ')}${end ? `, because of ${reasonOf(end)}` : ''}`;
    }
    case 'effect': {
      const { name, phase, line, rung, error } = entry.data;
      return `    ${[name, line, rung].filter(Boolean).join(' ')} ${phase}${error === undefined ? '' : `: ${error}`}`;
    }
    case 'spoken': {
      const { line, rung, outcome, heardMs, why } = entry.data;
      return `    ${line} ${rung} was ${outcome}, ${heardMs} ms heard${why === undefined ? '' : `: ${why}`}`;
    }
    case 'item':
      return `    ${entry.data.role}: ${entry.data.text.slice(0, 60)}`;
    case 'tool':
    case 'transfer':
      return `    ${entry.kind} ${entry.data.status}`;
    case 'error':
      return `    ${entry.data.component} failed: ${entry.data.message.slice(0, 120)}`;
    case 'participant':
      return `${entry.data.identity} ${entry.data.change}`;
    case 'hangup':
      return `    let go${entry.data.verified ? '' : ', not verified'}`;
    case 'session.closed':
      return 'closed';
    default:
      return undefined; // usage, latency, the room's own: nothing turns on them
  }
};

const reasonOf = (end: unknown): string => {
  const { reason, by } = (end ?? {}) as { reason?: string; by?: string };
  return `"${reason}" by ${by}`;
};

/** Pure. A line for each entry that says something, in ms since the first one. */
export const callLog = (entries: readonly Entry[]): string => {
  const began = entries[0]?.at ?? 0;
  return entries
    .flatMap((entry) => {
      const line = lineOf(entry);
      return line === undefined ? [] : [`${String(entry.at - began).padStart(6)} ms  ${line}`];
    })
    .join('\n');
};
