import type { Entry, SessionJournal } from '../journal/entry.ts';
import type { JournalName } from '../journal/folder.ts';
import { mergeByTime } from '../journal/merge.ts';
import { fold } from '../report/fold.ts';
import { addressForPeople } from '../delivery/metadata-url.ts';
import { forPeople } from '../output/for-people.ts';
import type { Delivery, ListedDelivery, OwedHangUp } from '../store/store.ts';
import { oneLine, printable, table } from '../show/paint.ts';
import { summaryRows } from '../show/summary.ts';
import { timeline, type TimelineRow } from '../reads/timeline.ts';
import { printed } from '../show/printed.ts';
import { clock, only } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes, NotFoundError } from './problems.ts';
import { showFiles } from './show-files.ts';
import { lookedUp, notFound, sessionNamed, storedJournal, withoutBody, withSource } from './stored.ts';

export const show: Command = {
  name: 'show',
  usage: 'ID',
  summary: 'Shows what happened in a session, as its journal has it.',
  details: `States with how long they lasted, what was said, tools, errors, what was heard of our lines, the hang-up, and
what became of the report; a hang-up that is owed, or was. Also while the call still runs.

--markdown     for a ticket: why it ended, and what happened, in twenty lines
--svg FILE     the path of this call through the chart of the session machine
--test FILE    the call as a vitest file that walks the same states; names, numbers and texts are replaced
--keep-names   with --test: they stay as they were
--html FILE    the call as a page in one file: it opens in a browser from a disk and asks nobody
--texts        with --html: also what callers, models and tools said; else how long each text was`,
  options: {
    markdown: { type: 'boolean' },
    svg: { type: 'string' },
    test: { type: 'string' },
    'keep-names': { type: 'boolean' },
    html: { type: 'string' },
    texts: { type: 'boolean' },
  },
  async run(given, { settings, print, paint }) {
    const session = await sessionNamed(settings, only(given, 'ID', 'show'));
    const written = await withSource(settings, (source) => showFiles(source, session, given));
    if (written) {
      print(written.join('\n'));
      return exitCodes.ok;
    }
    const journal = await storedJournal(settings, session);
    const deliveries = lookedUp(settings, [] as ListedDelivery[], (rows) => rows.deliveries({ limit: 100, session }));
    const owed = lookedUp(settings, undefined, (rows) => rows.hangUps([session]).get(session));
    if (!journal) {
      const sealed = lookedUp(settings, undefined, (rows) => rows.report(session));
      if (!sealed) return notFound(settings, session);
      throw new NotFoundError(
        `${session}: its journal is gone, its report is not; lastword report ${session} prints it`,
      );
    }
    const rows = rowsOf(journal);
    const report = fold(journal);
    if (given.isJson) {
      const brief = deliveries.map(withoutBody);
      print(printable({ session, timeline: rows, report, deliveries: brief, owedHangUp: owed ?? null }));
      return exitCodes.ok;
    }
    const startedAt = rows[0]?.at ?? 0;
    const isOver =
      report.completeness.status === 'closed' || journal.keeper.some(({ kind }) => kind === 'keeper.sealed');
    print(`${paint('strong', session)}  ${clock(startedAt)}  room "${oneLine(report.room?.name ?? '')}"\n`);
    for (const row of rows) print(printed(row, startedAt, paint));
    print('');
    const facts = isOver ? summaryRows(report) : [['', 'not over yet'] as const];
    for (const [name, text] of facts) print(`${paint('quiet', name.padEnd(9))}${oneLine(text)}`);
    if (owed) print(`\n${table([owedCells(owed)])}`);
    if (deliveries.length > 0) print(`\n${table(deliveries.toReversed().map(cellsOf))}`);
    return exitCodes.ok;
  },
};

/** *Pure.* Epochs and the keeper's notes as one. */
const rowsOf = ({ epochs, keeper }: SessionJournal): TimelineRow[] => {
  const rowOf = timeline();
  const files: { file: JournalName; entries: Entry[] }[] = [
    ...epochs.map(({ epoch, entries }) => ({ file: epoch, entries })),
    { file: 'keeper', entries: keeper },
  ];
  const lists = files.map(({ file, entries }) => entries.map((entry) => ({ entry, file })));
  return mergeByTime(lists, ({ entry }) => entry.at).flatMap(({ entry, file }) => rowOf(entry, file) ?? []);
};

const owedStates: Record<OwedHangUp['state'], (row: OwedHangUp) => string> = {
  owed: ({ nextAt }) => `still owed, next attempt ${clock(nextAt)}`,
  done: ({ settledAt = 0 }) => `done ${clock(settledAt)}`,
  'given-up': ({ settledAt = 0 }) => `given up ${clock(settledAt)}: look for the room`,
};

const attemptsOf = (attempts: number): string => (attempts === 1 ? '1 attempt' : `${attempts} attempts`);

const owedCells = (row: OwedHangUp): string[] => [
  `late hang-up (${row.strategy})`,
  owedStates[row.state](row),
  attemptsOf(row.attempts),
  row.state === 'done' || row.lastError === undefined ? '' : forPeople(row.lastError),
];

const cellsOf = ({ kind, destination, state, attempts, lastError }: Delivery): string[] => [
  `${kind} → ${addressForPeople(destination)}`,
  state,
  attemptsOf(attempts),
  state === 'delivered' || lastError === undefined ? '' : forPeople(lastError),
];
