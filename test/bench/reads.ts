/**
 * What the reads cost: lists among a million sealed sessions, ten thousand living calls, a call of 5,000 entries.
 *
 *   npm run bench:reads [-- sealed sessions, default 1000000]
 *
 * Milliseconds of the clock, and of the processor: on a machine that others use only the latter says something.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { lineOf } from '../../src/journal/line.ts';
import type { Calls, Entries } from '../../src/reads/answers.ts';
import { openSource } from '../../src/reads/source.ts';
import { ask } from '../../src/reads/table.ts';
import { openStore } from '../../src/store/open.ts';
import { root } from '../e2e/harness/compiled.ts';
import { median, percentile, shown, withSection } from './figures.ts';
import { putLivingCalls } from './living-calls.ts';
import { longCall } from './long-call.ts';

const SEALED = Number(process.argv[2] ?? 1_000_000);
const LIVING = 10_000;
const ENTRIES = 5_000;
const TIMES = 20;

type Took = { clock: number[]; processor: number[] };
const measured = async (times: number, work: (round: number) => Promise<unknown>): Promise<Took> => {
  const took: Took = { clock: [], processor: [] };
  for (let round = 0; round < times; round += 1) {
    const [began, before] = [performance.now(), process.cpuUsage()];
    await work(round);
    const { user, system } = process.cpuUsage(before);
    took.clock.push(performance.now() - began);
    took.processor.push((user + system) / 1_000);
  }
  return took;
};
const cells = ({ clock, processor }: Took): string =>
  `${shown(median(clock), 1)} · ${shown(percentile(clock, 0.95), 1)} | ${shown(median(processor), 1)}`;

const directory = mkdtempSync(join(tmpdir(), 'lastword-bench-reads-'));
const address = `sqlite:${join(directory, 'lastword.db')}`;
try {
  const store = await openStore(address);
  await store.close();
  const database = new DatabaseSync(join(directory, 'lastword.db'));
  const now = Date.now();
  database.exec(`
    pragma synchronous = off;
    begin;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${SEALED})
    insert into sessions (session, epoch, job, room, room_sid, agent_name, accepted_at, state, ended_at, ended_by, reason, bytes, sealed_at)
    select 'AJ_' || i, 1 + (i % 500 = 0), 'AJ_' || i, 'room-' || (i % 5000), 'RM_' || i, 'receptionist', ${now} - i * 1000, 'sealed',
      ${now} - i * 1000 + 60000, case when i % 1000 = 0 then 'operator' when i % 50 = 0 then 'system' else 'caller' end,
      case when i % 1000 = 0 then 'removed' when i % 50 = 0 then 'model_failed' else 'caller_hung_up' end, 20000, ${now} - i * 1000 + 61000 from n;
    insert into reports (session, report, sealed_at, body) select session, 'rep_' || session, sealed_at, '{}' from sessions;
    insert into deliveries (delivery, session, report, destination, kind, state, attempts, next_at, created_at, name, lane)
    select 'd_' || session, session, 'rep_' || session, 'hook', 'report', case when rowid % 100000 = 0 then 'dead' else 'delivered' end, 1, 0, sealed_at, 'hook', 'hook' from sessions;
    commit;
    pragma wal_checkpoint(truncate);`);
  database.close();

  const lines: string[] = [];
  const row = (what: string, took: Took) => lines.push(`| ${what} | ${cells(took)} |`);
  const calls = (asked: object) => async () => {
    const source = openSource({ directory, store: address }); // each time anew: nothing of ours is warm
    const { rows } = (await ask(source, 'calls', asked)) as Calls;
    source.close();
    return rows;
  };
  row('list, 50 rows', await measured(TIMES, calls({})));
  row('list by epoch', await measured(TIMES, calls({ sort: 'epoch' })));
  row('filter `reason:removed` (one in 1,000)', await measured(TIMES, calls({ filter: 'reason:removed' })));
  row('filter `room:room-17 by:system`', await measured(TIMES, calls({ filter: 'room:room-17 by:system' })));
  row('filter `delivery:dead`', await measured(TIMES, calls({ filter: 'delivery:dead' })));
  row(
    'one session `session:AJ_700000`',
    await measured(TIMES, calls({ filter: `session:AJ_${Math.ceil(SEALED * 0.7)}` })),
  );
  row('a word that nothing has', await measured(TIMES, calls({ filter: 'nowhere' })));
  row(
    'ledger',
    await measured(3, async () => {
      const source = openSource({ directory, store: address });
      await ask(source, 'ledger', {});
      source.close();
    }),
  );

  putLivingCalls(directory, LIVING);
  const source = openSource({ directory, store: address });
  row(
    `${LIVING.toLocaleString('en-US')} living calls by silence, the first look`,
    await measured(1, () => ask(source, 'calls', { sort: 'silence' })),
  );
  row('the same again', await measured(5, () => ask(source, 'calls', { sort: 'silence' })));

  const entries = await longCall(ENTRIES);
  const text = entries.map((entry) => lineOf(entry)).join('');
  const opening = async (round: number) => {
    const session = `AJ_long_${round}`;
    for (const name of ['why', 'entries', 'lanes', 'state']) await ask(source, name, { session });
  };
  for (let round = 0; round <= TIMES; round += 1) {
    const folder = join(directory, 'sessions', `AJ_long_${round}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '1.jsonl'), text);
  }
  await opening(TIMES); // the bound of the policy is computed once
  row(
    `a call of ${entries.length.toLocaleString('en-US')} entries opened: why, entries, lanes, state`,
    await measured(TIMES, opening),
  );
  const { total } = (await ask(source, 'entries', { session: 'AJ_long_0' })) as Entries;
  await ask(source, 'state', { session: 'AJ_long_0' });
  row(
    'a step of the slider',
    await measured(500, (round) => ask(source, 'state', { session: 'AJ_long_0', index: (round * 7_919) % total })),
  );
  source.close();

  const body = `
## What the reads cost

\`npm run bench:reads -- ${SEALED}\`: ${SEALED.toLocaleString('en-US')} sealed sessions in SQLite, each look with a connection of its own. ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}.

| | clock, ms: p50 · p95 | processor, ms: p50 |
| --- | --- | --- |
${lines.join('\n')}
`;
  console.log(body);
  const file = join(root, 'docs/benchmarks.md');
  writeFileSync(
    file,
    withSection(existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n', 'bench:reads', body),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
