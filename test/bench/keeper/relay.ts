/** The relay beside other queues in one run, in turn; and what slow and dead receivers cost the others. */
import { median, percentile, shown } from '../figures.ts';
import { hook, keeperWith, rowFor } from './our-relay.ts';
import { machine, missedOf, withGoals, type Goal, type Part } from './part.ts';
import { openPeers, ourRun, type Run } from './relay-peers.ts';
import { startReceiver, type Receiver } from './receiver.ts';
import { bodyOfReport } from './report-body.ts';
import { until } from '../../e2e/harness/index.ts';
import { sessionIdOf } from '../../../src/journal/ids.ts';

const LOADS = [
  { answerMs: 0, count: 50_000, goal: 10_000 },
  { answerMs: 50, count: 5_000, goal: 950 },
] as const;
const RECEIVERS = 200;
const SLOW = 2;
const ROWS_EACH = 4;
const SLOW_GOAL_MS = 11_000;
const DEAD_ROWS = 10_000;
const DEAD_GOAL_MS = 100;
const CALLS = 60;
/** The courier is there, and what is compiled when it is first run has been run. */
const WARM_CALLS = 10;
const WAIT_MS = 60_000;

/** 1 % of the receivers take 10 s. @returns from the first attempt until the last row is settled */
const besideSlow = async (receiver: Receiver): Promise<number> => {
  const hooks = Array.from({ length: RECEIVERS }, (_, index) =>
    hook(`web-${index}`, receiver.url(index < SLOW ? 'slow' : '', index + 1)),
  );
  const rows = hooks.flatMap((web) =>
    Array.from({ length: ROWS_EACH }, (_, index) => rowFor(web, `${web.name}-${index}`, bodyOfReport)),
  );
  await using keeper = await keeperWith(hooks, rows);
  await keeper.start();
  const areDelivered = () =>
    keeper.siege.withStore(async (store) => {
      const found = await store.deliveries({ state: 'delivered', limit: rows.length + 1 });
      return found.length === rows.length ? found : undefined;
    });
  const delivered = await until('all delivered', areDelivered, WAIT_MS);
  const first = Math.min(...delivered.map(({ firstAt = Infinity }) => firstAt));
  return Math.max(...delivered.map(({ settledAt = Infinity }) => settledAt)) - first;
};

/** Calls end while 10,000 rows wait for a receiver that never answers. @returns from each seal to the healthy receiver */
const besideDead = async (receiver: Receiver): Promise<number[]> => {
  const [dead, healthy] = [hook('dead', receiver.url('never', 2)), hook('healthy', receiver.url())];
  const rows = Array.from({ length: DEAD_ROWS }, (_, index) => rowFor(dead, `d-${index}`, bodyOfReport));
  await using keeper = await keeperWith([dead, healthy], rows);
  const { siege } = keeper;
  const ids = Array.from({ length: WARM_CALLS + CALLS }, (_, index) => sessionIdOf(`AJ_${index}`));
  const arriving = receiver.expect({ count: ids.length, answerMs: 0 }, WAIT_MS);
  await keeper.start();
  for (const session of ids) {
    await siege.offer(session, { isInside: true });
    await siege.inside(session).close();
  }
  await arriving;
  const came = await receiver.came();
  const sealed = await siege.withStore((store) => Promise.all(ids.map((session) => store.report(session))));
  return sealed.slice(WARM_CALLS).map((one) => (one ? (came[one.report] ?? Infinity) - one.sealedAt : Infinity));
};

const ratesOf = async (receiver: Receiver, runs: ReadonlyMap<string, Run>, rounds: number, failures: string[]) => {
  const rates = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1)
    for (const { answerMs, count } of LOADS)
      for (const [name, run] of runs) {
        const key = `${name} ${answerMs}`;
        try {
          const rate = await run(receiver, count, answerMs);
          rates.set(key, [...(rates.get(key) ?? []), rate]);
          console.log(`${key} ms: ${rate.toFixed(0)}/s`);
        } catch (error) {
          failures.push(`${key} ms: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
  return rates;
};

export async function relayPart(rounds: number): Promise<Part> {
  using receiver = await startReceiver();
  await using peers = await openPeers();
  const failures: string[] = [];
  const runs = new Map<string, Run>([['Lastword', ourRun], ...peers.runs]);
  const rates = await ratesOf(receiver, runs, rounds, failures);
  const of = (name: string, answerMs: number) => median(rates.get(`${name} ${answerMs}`) ?? []);
  const cell = (name: string, answerMs: number) => {
    const rate = of(name, answerMs);
    const ratio = name === 'Lastword' ? '' : `, ×${shown(of('Lastword', answerMs) / rate, 1)}`;
    return Number.isNaN(rate) ? '–' : `${shown(rate)}/s${ratio}`;
  };
  const lines = [...runs.keys()].map(
    (name) => `| ${[name, ...LOADS.map(({ answerMs }) => cell(name, answerMs))].join(' | ')} |`,
  );
  const slowMs = await besideSlow(receiver);
  const waits = await besideDead(receiver);
  const rows: Goal[] = [
    ...LOADS.map(({ answerMs, goal }) => ({
      what: `deliveries, receiver answers after ${answerMs} ms`,
      figure: `${shown(of('Lastword', answerMs))}/s`,
      goal: `≥ ${goal}/s`,
      isMet: of('Lastword', answerMs) >= goal,
    })),
    {
      what: `${RECEIVERS} receivers, ${SLOW} of them answer after 10 s, ${ROWS_EACH} rows each: all delivered`,
      figure: `${shown(slowMs / 1_000, 1)} s`,
      goal: `≤ ${SLOW_GOAL_MS / 1_000} s`,
      isMet: slowMs <= SLOW_GOAL_MS,
    },
    {
      what: `report sealed → at a healthy receiver, beside a dead one with ${DEAD_ROWS} due rows (${CALLS} calls)`,
      figure: `median ${shown(median(waits))} ms, worst ${shown(percentile(waits, 1))} ms`,
      goal: `each ≤ ${DEAD_GOAL_MS} ms`,
      isMet: percentile(waits, 1) <= DEAD_GOAL_MS,
    },
  ];
  const body = `### The relay, beside other queues

Rows of ${(bodyOfReport.length / 1_024).toFixed(1)} KB that wait, delivered by POST to one receiver in a process of its own; from the first request to the last. In turn, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, medians; ×: ours as a multiple. Ours is \`lastword start\`, which signs and flushes claim, attempt and settlement of each row. pg-boss and graphile-worker flush each commit, too (PostgreSQL, defaults); BullMQ's Redis flushes once a second, and so promises less. ${machine()}.

| | answers at once | after 50 ms |
| --- | --- | --- |
${lines.join('\n')}
${[...peers.missing.map((what) => `\nNot there: ${what}.`), ...failures.map((what) => `\nFailed: ${what}.`)].join('')}
${withGoals(rows)}
`;
  return { body, missed: missedOf(rows) };
}
