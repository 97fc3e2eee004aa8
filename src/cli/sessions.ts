import { firstJob, type SessionId } from '../journal/ids.ts';
import { whatIsKnown } from '../keeper/reading.ts';
import { folderNames } from '../keeper/unsealed.ts';
import { MOST_FOLDERS } from '../reads/unindexed.ts';
import type { HangUpState, OwedHangUp, SessionRow } from '../store/store.ts';
import { oneLine, printable, spellMs, table } from '../show/paint.ts';
import { clock, limitOf, none, choiceOf } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { exitCodes } from './problems.ts';
import { lookedUp, storedJournal } from './stored.ts';

const states = ['open', 'recovering', 'sealed'] as const;

export const sessions: Command = {
  name: 'sessions',
  usage: '',
  summary: 'Lists sessions, newest first.',
  details: `A session whose hang-up nobody confirmed says so: its caller may still be on the line.

--state open|recovering|sealed   only these
--limit N                        at most N, default 50`,
  options: { state: { type: 'string' }, limit: { type: 'string' } },
  async run(given, context) {
    none(given, 'sessions');
    const limit = limitOf(given);
    const state = choiceOf(given.values['state'], states, '--state');
    const listed = await rowsOf(context, limit, state);
    const rows = listed.rows.map(withHangUp(unreleased(context)));
    if (given.isJson) context.print(printable(rows));
    else if (rows.length === 0) context.print(`no sessions in ${context.settings.directory}`);
    else {
      const cells = rows.map(({ session, state, acceptedAt, endedAt, by, reason, room, hangUp }) => [
        session,
        state,
        clock(acceptedAt),
        endedAt === undefined ? '' : spellMs(endedAt - acceptedAt),
        [reason === undefined ? '' : `${oneLine(reason)} (${by ?? '?'})`, hangUp === undefined ? '' : words[hangUp]]
          .filter((part) => part !== '')
          .join(', '),
        oneLine(room),
      ]);
      context.print(table([['SESSION', 'STATE', 'ACCEPTED', 'LASTED', 'END', 'ROOM'], ...cells]));
    }
    if (listed.isUnlooked && !given.isJson)
      context.print(
        `more than ${MOST_FOLDERS} folders: sessions without a row in the database are not looked for, and not listed`,
      );
    return exitCodes.ok;
  },
};

type Unreleased = Exclude<HangUpState, 'done'>;
const words: Record<Unreleased, string> = { owed: 'hang-up owed', 'given-up': 'hang-up given up' };

/** By session: whose caller may still be on the line. */
function unreleased({ settings }: CommandContext): Map<string, Unreleased> {
  const of = (state: Unreleased) => lookedUp(settings, [] as OwedHangUp[], (rows) => rows.hangUpsIn(state, 10_000));
  const found = [...of('owed'), ...of('given-up')];
  return new Map(found.map(({ session, state }) => [session, state as Unreleased]));
}
const withHangUp =
  (those: Map<string, Unreleased>) =>
  (row: SessionRow): SessionRow & { hangUp?: Unreleased } => {
    const hangUp = those.get(row.session);
    return { ...row, ...(hangUp && { hangUp }) };
  };

async function rowsOf(
  { settings }: CommandContext,
  limit: number,
  state: SessionRow['state'] | undefined,
): Promise<{ rows: SessionRow[]; isUnlooked: boolean }> {
  const stored = lookedUp(settings, [] as SessionRow[], (rows) => rows.list({ limit, ...(state && { state }) }));
  if (state !== undefined && state !== 'open') return { rows: stored, isUnlooked: false };
  // The index is a projection: a session that it does not have yet (another process held the database) is in its journal.
  const unindexed: SessionRow[] = [];
  const without = await unindexedIn(settings, limit);
  for (const session of without ?? []) {
    const journal = await storedJournal(settings, session);
    const known = journal && whatIsKnown(journal);
    if (!known || known.isWithdrawn) continue;
    const { facts, acceptedAt, openedAt } = known;
    unindexed.push({
      ...firstJob(session),
      ...(facts && { epoch: facts.epoch, job: facts.job }),
      room: facts?.room.name ?? '',
      agentName: facts?.agentName ?? '',
      acceptedAt: acceptedAt ?? openedAt ?? 0,
      state: 'open',
    });
  }
  const rows = [...stored, ...unindexed].sort((one, other) => other.acceptedAt - one.acceptedAt).slice(0, limit);
  return { rows, isUnlooked: without === undefined };
}

/** undefined: there are more folders than are looked at. */
async function unindexedIn(settings: CommandContext['settings'], limit: number): Promise<SessionId[] | undefined> {
  const names = await folderNames(settings.directory, MOST_FOLDERS);
  if (names === undefined) return undefined;
  const without = lookedUp(settings, names, (rows) => rows.withoutRow(names) as SessionId[]);
  return without.slice(0, limit);
}
