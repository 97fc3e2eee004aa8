/** What the keeper says of itself to a collector. Names and units are a promise: docs/operating.md lists them. *Pure.* */
import type { Metric } from './exposition.ts';
import { type KeeperCounts, recordedBounds } from './keeper-counts.ts';

/** Asked when somebody collects. */
export type Gauges = {
  version: string;
  isWorkerHere: boolean;
  /** Calls that are not over, by the state of their supervision. */
  stages: Readonly<Record<string, number>>;
  /** Undefined: the store did not answer. */
  owed: { rows: number; oldestMs: number | undefined } | undefined;
  lostLines: number;
  /** Milliseconds, since somebody asked last. */
  loopDelay: { median: number; p99: number; longest: number };
  memoryBytes: number;
  cpuSeconds: number;
  startedAt: number;
};

const counter = (name: string, help: string, samples: Metric['samples']): Metric => ({
  name,
  help,
  type: 'counter',
  samples,
});
const gauge = (name: string, help: string, samples: Metric['samples']): Metric => ({
  name,
  help,
  type: 'gauge',
  samples,
});
const by = (label: string, counts: Iterable<readonly [string, number]>): Metric['samples'] =>
  [...counts].map(([text, value]) => ({ value, labels: { [label]: text } }));

const recordedOf = ({ buckets, count, seconds }: KeeperCounts['recorded']): Metric['samples'] => {
  let below = 0;
  const filled = recordedBounds.map((bound, index) => {
    below += buckets[index] ?? 0;
    return { suffix: '_bucket', labels: { le: String(bound) }, value: below };
  });
  return [
    ...filled,
    { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
    { suffix: '_sum', value: seconds },
    { suffix: '_count', value: count },
  ];
};

/** States of the supervision that are shown when no call is in them: a curve that begins at zero. */
const usualStages = ['accepted', 'running', 'suspect', 'recovering', 'sealing'];

export function metricsOf(counts: KeeperCounts, gauges: Gauges): Metric[] {
  const { owed, loopDelay } = gauges;
  const stages = { ...Object.fromEntries(usualStages.map((stage) => [stage, 0])), ...gauges.stages };
  const delays = [
    ['0.5', loopDelay.median],
    ['0.99', loopDelay.p99],
    ['1', loopDelay.longest],
  ] as const;
  return [
    gauge('lastword_build_info', 'The version that runs.', [{ value: 1, labels: { version: gauges.version } }]),
    gauge('lastword_worker_connected', '1 while a worker is connected to the keeper.', [
      { value: Number(gauges.isWorkerHere) },
    ]),
    gauge(
      'lastword_calls',
      'Calls that are not over, by the state of their supervision.',
      by('state', Object.entries(stages)),
    ),
    counter('lastword_calls_accepted_total', 'Calls that were accepted and written down.', [
      { value: counts.recorded.count },
    ]),
    counter(
      'lastword_calls_ended_total',
      'Calls whose report was sealed, by who ended them and why; words of the application count as other.',
      [...counts.ended.values()].map(({ by: who, reason, count }) => ({ value: count, labels: { by: who, reason } })),
    ),
    counter(
      'lastword_recoveries_total',
      'Calls that the keeper took into its hands, by what it noticed.',
      by('noticed', counts.recoveries),
    ),
    gauge('lastword_silence_seconds', 'The longest silence of any living call, now.', [
      { value: counts.silentMs / 1_000 },
    ]),
    gauge('lastword_silence_worst_seconds', 'The longest silence since the keeper started.', [
      { value: counts.worstSilenceMs / 1_000 },
    ]),
    counter(
      'lastword_lines_spoken_total',
      'Fillers and nudges that somebody heard.',
      by('line', Object.entries(counts.spoken)),
    ),
    counter(
      'lastword_deliveries_total',
      'Attempts at deliveries that were settled, by what followed.',
      by('outcome', Object.entries(counts.deliveries)),
    ),
    gauge('lastword_deliveries_owed', 'Deliveries that are due or on their way.', owed ? [{ value: owed.rows }] : []),
    gauge(
      'lastword_delivery_oldest_seconds',
      'How long the oldest delivery that is owed has been owed; 0: none is.',
      owed ? [{ value: (owed.oldestMs ?? 0) / 1_000 }] : [],
    ),
    {
      name: 'lastword_accept_seconds',
      help: 'How long it took until an accepted call was on the disk.',
      type: 'histogram',
      samples: recordedOf(counts.recorded),
    },
    counter('lastword_log_lines_lost_total', 'Lines that nobody read, or that the disk did not take.', [
      { value: gauges.lostLines },
    ]),
    gauge(
      'lastword_event_loop_delay_seconds',
      'How late the loop of the keeper was, since this was asked last.',
      delays.map(([quantile, ms]) => ({ value: ms / 1_000, labels: { quantile } })),
    ),
    gauge('process_resident_memory_bytes', 'Memory of the keeper.', [{ value: gauges.memoryBytes }]),
    counter('process_cpu_seconds_total', 'Time of a processor that the keeper took.', [{ value: gauges.cpuSeconds }]),
    gauge('process_start_time_seconds', 'When the keeper started.', [{ value: gauges.startedAt / 1_000 }]),
  ];
}
