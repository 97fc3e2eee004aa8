import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addressForPeople, readAddress } from '../delivery/metadata-url.ts';
import { isSessionId } from '../journal/ids.ts';
import { forget, purgeRecord } from '../keeper/forget.ts';
import { sessionOfReport } from '../report/fold.ts';
import type { KeptSession, Store } from '../store/store.ts';
import { oneLine, printable, table } from '../show/paint.ts';
import { clock, dayOf } from './arguments.ts';
import type { Command, Given } from './command.ts';
import { exitCodes, UsageError } from './problems.ts';
import { notFound, withStore } from './stored.ts';

const MOST = 100_000;
const FILE = 'file:';

export const purge: Command = {
  name: 'purge',
  usage: '[ID…]',
  summary: 'Forgets sealed sessions: journal, report, deliveries.',
  details: `By id, or all that fit every one of these:

--participant IDENTITY   who took part in them
--from DAY               sealed on that day or later (2026-11-20, in this machine's time zone)
--before DAY             sealed before that day
--dry-run                says what would go, and changes nothing
--force                  also what is still owed: it is not sent any more, and nobody is hung up on

A session that is not sealed is left. Reports that were delivered to a file destination without a name of its own are
removed as well; every other receiver has its copy, and is named. What went is noted in LASTWORD_DIR/purged.jsonl.`,
  options: {
    participant: { type: 'string' },
    from: { type: 'string' },
    before: { type: 'string' },
    'dry-run': { type: 'boolean' },
    force: { type: 'boolean' },
  },
  async run(given, { settings, print }) {
    const wanted = wantedBy(given);
    const isDry = given.values['dry-run'] === true;
    const found = await withStore(settings, undefined, async (store) => {
      const { those, unknown } = await find(store, wanted);
      if (unknown !== undefined) return { unknown };
      const owed = await store.owedOf(those.map(({ session }) => session));
      const copies = await copiesOf(store, those);
      if (isDry || (Object.keys(owed).length > 0 && given.values['force'] !== true)) return { those, owed, copies };
      const gone = await forget({ directory: settings.directory, store }, those, 'asked for', true);
      for (const path of copies.files) await rm(path, { force: true });
      return { those, owed, copies, gone };
    });
    if (found?.unknown !== undefined) return notFound(settings, found.unknown);
    const { those = [], owed = {}, copies = { files: [], others: [] }, gone } = found ?? {};
    if (given.isJson) print(printable({ sessions: those, owed, copies, purged: gone ?? null }));
    else if (those.length === 0) print(`no such sealed sessions in ${settings.directory}`);
    else if (gone) {
      print(`forgotten: ${gone.sessions} sessions, ${gone.deliveries} deliveries, ${copies.files.length} report files`);
      for (const { session, why } of gone.failed) print(`not forgotten: ${session}: ${oneLine(why)}`);
      if (copies.others.length > 0) print(`these receivers have their own copies: ${copies.others.join(', ')}`);
      print(`noted in ${purgeRecord(settings.directory)}`);
    } else {
      const cells = those.map(({ session, sealedAt, bytes }) => [
        session,
        clock(sealedAt),
        `${Math.ceil(bytes / 1_000)} kB`,
        owed[session] === undefined ? '' : `${owed[session]} still owed: deliveries, or a hang-up`,
      ]);
      print(table([['SESSION', 'SEALED', 'SIZE', ''], ...cells]));
      print(isDry ? 'nothing was changed (--dry-run)' : 'nothing was changed: wait for what is owed, or add --force');
    }
    const isDone = isDry || (gone !== undefined && gone.failed.length === 0) || those.length === 0;
    return isDone ? exitCodes.ok : exitCodes.failure;
  },
};

type Wanted = { ids: string[]; participant?: string; from?: number; before?: number };

/** @throws UsageError: nothing is forgotten by accident */
function wantedBy({ positionals, values }: Given): Wanted {
  const { participant, from, before } = values;
  const rule: Omit<Wanted, 'ids'> = {
    ...(typeof participant === 'string' && { participant }),
    ...(typeof from === 'string' && { from: dayOf(from, '--from') }),
    ...(typeof before === 'string' && { before: dayOf(before, '--before') }),
  };
  const hasRule = Object.keys(rule).length > 0;
  if (positionals.length > 0 && hasRule)
    throw new UsageError('purge: expected ids, or --participant, --from and --before, got both; run it once for each');
  if (positionals.length === 0 && !hasRule)
    throw new UsageError(
      'purge: expected ids, or --participant, --from or --before, got nothing; `lastword sessions` lists ids',
    );
  return { ids: positionals.map(sessionOfReport), ...rule };
}

async function find(store: Store, { ids, ...rule }: Wanted): Promise<{ those: KeptSession[]; unknown?: string }> {
  if (ids.length === 0) return { those: await store.find({ ...rule, limit: MOST }) };
  const those: KeptSession[] = [];
  for (const id of ids) {
    if (!isSessionId(id)) return { those, unknown: id };
    const [row, report] = await Promise.all([store.session(id), store.report(id)]);
    if (!row && !report) return { those, unknown: id };
    if (report) those.push({ session: id, sealedAt: report.sealedAt, bytes: row?.bytes ?? report.body.length });
  }
  return { those };
}

/** Where else the reports are: files that are ours to remove, and receivers, for people. */
async function copiesOf(store: Store, those: readonly KeptSession[]): Promise<{ files: string[]; others: string[] }> {
  const files: string[] = [];
  const others = new Set<string>();
  for (const { session } of those.slice(0, MOST)) {
    for (const { destination, state, kind } of await store.deliveries({ session, limit: 1_000 })) {
      if (kind !== 'report' || state !== 'delivered') continue;
      const { name } = readAddress(destination);
      const path = name.startsWith(FILE) ? join(name.slice(FILE.length), `${session}.json`) : undefined;
      if (path !== undefined && (await isReportOf(session, path))) files.push(path);
      else others.add(addressForPeople(destination));
    }
  }
  return { files, others: [...others] };
}

/** A name is the user's, and need not be a path of ours: the file has to say whose report it is. */
async function isReportOf(session: string, path: string): Promise<boolean> {
  try {
    const report = JSON.parse(await readFile(path, 'utf8')) as { session?: unknown };
    return report.session === session;
  } catch {
    return false;
  }
}
