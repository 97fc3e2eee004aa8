/** Every limit that was armed, with the margin that was left; known where the machines can be walked again. */
import { spellMs } from '../output/spell-ms.ts';
import type { Span } from './answers.ts';
import { runsOf } from './runs.ts';
import type { Reference } from './answers.ts';
import type { SessionRead } from './session-read.ts';

export function limitSpans(read: SessionRead, isOver: boolean): Span[] {
  const spans: Span[] = [];
  for (const { file, seen, machine, refused } of runsOf(read)) {
    if (machine === 'supervision') continue;
    const open = new Map<object, Span>();
    const lastSeq = seen.at(-1)?.seq ?? 0;
    let before: (typeof seen)[number]['armed'] | undefined;
    for (const { seq, armed } of seen) {
      if (armed === before) continue;
      before = armed;
      const now = new Set<object>(armed);
      const at = read.timeOf(file, seq);
      for (const [limit, span] of open) {
        if (now.has(limit)) continue;
        open.delete(limit);
        finish(span, at);
      }
      for (const limit of armed) {
        if (open.has(limit)) continue;
        const ref = `${file}:${limit.seq}` as Reference;
        const span: Span = { from: at, to: null, label: limit.limit, ref, tone: 'plain', marginMs: limit.ms };
        open.set(limit, span);
        spans.push(span);
      }
    }
    // Of a process that is gone, or that was not walked to its end: up to where it was seen.
    if (isOver || refused !== undefined) for (const span of open.values()) finish(span, read.timeOf(file, lastSeq));
  }
  return spans;
}

/** A limit that has passed is disarmed by the step that it leads to. */
const finish = (span: Span, at: number): void => {
  const left = (span.marginMs ?? 0) - (at - span.from);
  span.to = Math.max(span.from, at);
  span.marginMs = Math.max(0, left);
  span.tone = left <= 0 ? 'state' : 'quiet';
  span.label += left <= 0 ? ': passed' : `: ${spellMs(left)} left`;
};
