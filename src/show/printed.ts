/** Lines of the timeline, for a terminal. Pure. */
import type { TimelineRow } from '../reads/timeline.ts';
import type { Paint } from './paint.ts';

/** *Pure.* One row as it is printed: seconds since the first entry, what, text. */
export const printed = ({ at, what, text, tone, aside }: TimelineRow, startedAt: number, paint: Paint): string => {
  const time = ((at - startedAt) / 1000).toFixed(1).padStart(6);
  const more = aside === undefined ? '' : `   ${paint('quiet', aside)}`;
  return `${paint('quiet', `${time}  ${what.padEnd(7)}`)}  ${paint(tone, text)}${more}`;
};
