/** Armed limits as bars that run down, at the moment where the reader stands. *Pure.* */
import type { ArmedLimit, Lanes } from '../../../reads/answers.ts';

export type LimitBar = {
  limit: ArmedLimit;
  /** Of its time, from 0 to 1. */
  share: number;
  leftMs: number;
  /** How it went; undefined: nobody knows yet. */
  went: { marginMs: number; isPassed: boolean } | undefined;
};

/** A limit of the lanes and of a state are the same where name and beginning are: both come from one replay. */
const SAME_MS = 2;

export function limitBars(limits: readonly ArmedLimit[], at: number, lanes: Lanes | undefined): LimitBar[] {
  const spans = lanes?.lanes.find(({ lane }) => lane === 'limits')?.spans ?? [];
  return limits
    .map((limit): LimitBar => {
      const leftMs = limit.dueAt - at;
      const share = limit.ms <= 0 ? 1 : Math.min(1, Math.max(0, (at - limit.armedAt) / limit.ms));
      const span = spans.find(
        ({ from, to, label }) =>
          to !== null && Math.abs(from - limit.armedAt) <= SAME_MS && label.startsWith(limit.limit),
      );
      const marginMs = span ? limit.dueAt - (span.to ?? at) : 0;
      return { limit, share, leftMs, went: span && { marginMs: Math.max(0, marginMs), isPassed: marginMs <= 0 } };
    })
    .sort((one, other) => one.limit.dueAt - other.limit.dueAt);
}
