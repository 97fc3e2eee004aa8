/**
 * The list of calls. Those that are not sealed are few, and looked at whole; sealed ones are read page by page from the
 * database, by an index. A filter that no index answers looks at so many rows and no more: the page says how many it hid,
 * and where the next one begins.
 */
import { defaultPolicy } from '../../machines/index.ts';
import { isSessionId } from '../journal/ids.ts';
import type { PlacedRow, PlaceInList, SqliteRows } from '../store/sqlite-look-rows.ts';
import type { DeliveryState, HangUpState } from '../store/store.ts';
import type { CallRow, Calls } from './answers.ts';
import { beforeIn, cursorOf, cursorText, type Cursor } from './call-cursor.ts';
import { filterOf, isKept, type Term } from './filter.ts';
import type { LivingCall, LivingFacts } from './living.ts';
import type { Asked } from './questions.ts';
import { refusedQuestion } from './refusal.ts';
import type { Source } from './source.ts';
import { MOST_FOLDERS, unindexedRows, type Unindexed } from './unindexed.ts';

export const callFields = [
  'state',
  'by',
  'reason',
  'room',
  'agent',
  'session',
  'epoch',
  'stage',
  'delivery',
  'hangup',
  'text',
  'is',
] as const;

/** More calls at a time than one host has. */
const MOST_LIVING = 20_000;
const MOST_LOOKED_AT = 2_500;
const MOST_CANDIDATES = 10_000;
const CHUNK = 500;
/** A caller who has waited for so long hears a filler: who hears nothing then is in silence. */
const SILENT_MS = defaultPolicy.firstAudioMs;

type Row = PlacedRow & { isUnindexed?: boolean };
type Order = Asked<'calls'>['sort'];

/** *Effect.* @throws ReadError, StoreError */
export async function readCalls(source: Source, asked: Asked<'calls'>): Promise<Calls> {
  const terms = termsOf(asked);
  const { sort, limit } = asked;
  const cursor = cursorOf(asked.after, sort);
  const isMixed = sort === 'accepted' || sort === 'epoch';
  const found: CallRow[] = [];
  let hidden = 0;
  let next: string | null = null;

  const isBehindLiving = cursor?.part === 'sealed' && !isMixed;
  const living = isBehindLiving ? noRows : await livingRows(source, terms, sort, limit, cursor);
  hidden += living.hidden;
  const alive = living.rows;
  const told = living.isUnlooked ? { unlookedAbove: MOST_FOLDERS } : {};
  if (!isMixed) {
    const offset = cursor?.part === 'living' ? cursor.offset : 0;
    const page = cursor?.part === 'sealed' ? [] : alive.slice(offset, offset + limit);
    found.push(...page.map(({ shown }) => shown));
    // A page that is full here is followed by another, if only one of sealed calls.
    if (page.length === limit) return { rows: found, next: `living.${offset + limit}`, hidden, ...told };
  }
  const below = cursor?.part === 'sealed' ? cursor.below : undefined;
  const sealed = sealedRows(source, terms, sort === 'epoch' ? 'epoch' : 'accepted', below, limit - found.length);
  hidden += sealed.hidden;
  next = sealed.next ? cursorText(sealed.next) : null;
  if (!isMixed) return { rows: [...found, ...(await withFacts(source, sealed.rows))], next, hidden, ...told };

  // Both in one order; behind the last sealed row that was looked at nobody knows what comes.
  const isBefore = beforeIn(sort);
  const fitting = alive.filter(
    ({ row }) => (!below || isBefore(below, row.place)) && (!sealed.next || !isBefore(sealed.next, row.place)),
  );
  const merged = [...fitting, ...sealed.rows].sort((one, other) => (isBefore(one.row.place, other.row.place) ? -1 : 1));
  const page = merged.slice(0, limit);
  const last = page.at(-1);
  if (last && merged.length > limit) next = cursorText(last.row.place);
  const shown = await withFacts(source, page);
  return { rows: shown, next, hidden, ...told };
}

type Shown = { row: Row; shown: CallRow };
type Living = { rows: Shown[]; hidden: number; isUnlooked: boolean };
const noRows: Living = { rows: [], hidden: 0, isUnlooked: false };
const noneUnindexed: Unindexed = { rows: [], isUnlooked: false };

const termsOf = ({ filter, chips }: Asked<'calls'>): Term[] => {
  const terms = filterOf(filter, callFields);
  for (const { field, value, isNot } of terms)
    if (field === 'is' && (isNot || (value !== 'failed' && value !== 'silent')))
      throw refusedQuestion('filter', 'is:failed or is:silent', `is:${value}`, 'choose one of them');
  return [...terms, ...chips.flatMap((chip) => filterOf(`is:${chip}`, callFields))];
};

/** Terms that only the files of a living call can answer. */
const asksFiles = (terms: readonly Term[], sort: Order): boolean =>
  sort === 'silence' ||
  sort === 'state' ||
  terms.some(
    ({ field, value }) =>
      field === undefined || field === 'stage' || field === 'state' || (field === 'is' && value === 'silent'),
  );

async function livingRows(
  source: Source,
  terms: readonly Term[],
  sort: Order,
  limit: number,
  cursor: Cursor,
): Promise<Living> {
  const indexed = source.store.look([] as Row[], (rows) => rows.unsealed(MOST_LIVING));
  const unindexed = cursor === undefined ? await unindexedRows(source, limit) : noneUnindexed;
  const all: Row[] = [...indexed, ...unindexed.rows];
  source.living.keep(all.map(livingCallOf));
  const facts = asksFiles(terms, sort)
    ? await source.living.look(all.map(livingCallOf))
    : new Map<string, LivingFacts>();
  const joined = source.store.look(nothingJoined, (rows) => joinedOf(rows, all, terms));
  const shown = all.map((row) => ({ row, shown: shownOf(row, facts.get(row.session), source.now(), joined) }));
  const kept = shown.filter((one) => isKept(terms, (field) => textsOfCall(one.shown, field)));
  const { [sort]: compare } = orders;
  const rows = kept.sort((one, other) => compare(one.shown, other.shown));
  return { rows, hidden: shown.length - kept.length, isUnlooked: unindexed.isUnlooked };
}

const livingCallOf = ({ session, epoch, state }: Row): LivingCall => ({
  session,
  epoch,
  isRecovering: state === 'recovering',
});

const newest = (one: CallRow, other: CallRow): number =>
  other.acceptedAt - one.acceptedAt || (one.session < other.session ? 1 : -1);
const ranks: Record<CallRow['state'], number> = { recovering: 0, living: 1, ended: 2, sealed: 3 };
const orders: Record<Order, (one: CallRow, other: CallRow) => number> = {
  accepted: newest,
  silence: (one, other) => (other.silentMs ?? -1) - (one.silentMs ?? -1) || newest(one, other),
  age: (one, other) => -newest(one, other),
  state: (one, other) => ranks[one.state] - ranks[other.state] || newest(one, other),
  epoch: (one, other) => other.epoch - one.epoch || newest(one, other),
};

/** Of a page: where each living call is now. */
async function withFacts(source: Source, page: readonly Shown[]): Promise<CallRow[]> {
  const alive = page.filter(({ row }) => row.state !== 'sealed');
  const facts = await source.living.look(alive.map(({ row }) => livingCallOf(row)));
  const joined = source.store.look(nothingJoined, (rows) =>
    joinedOf(
      rows,
      page.map(({ row }) => row),
      undefined,
    ),
  );
  return page.map(({ row }) => shownOf(row, facts.get(row.session), source.now(), joined));
}

type Joined = { deliveries: Map<string, DeliveryState[]>; hangUps: Map<string, { state: HangUpState }> };
const nothingJoined: Joined = { deliveries: new Map(), hangUps: new Map() };

/** @param terms undefined: all is wanted; else what these ask for */
const joinedOf = (rows: SqliteRows, of: readonly Row[], terms: readonly Term[] | undefined): Joined => {
  const asks = (field: string) =>
    !terms || terms.some((term) => term.field === field || (term.field === 'is' && term.value === 'failed'));
  const sessions = of.map(({ session }) => session);
  return {
    deliveries: asks('delivery') ? rows.deliveryStates(sessions) : new Map(),
    hangUps: asks('hangup') ? rows.hangUps(sessions) : new Map(),
  };
};

const deliveryOf = (states: readonly DeliveryState[] = []): CallRow['delivery'] => {
  if (states.includes('dead')) return 'dead';
  if (states.includes('due') || states.includes('delivering')) return 'due';
  return states.length > 0 ? 'delivered' : 'none';
};

function shownOf(row: Row, facts: LivingFacts | undefined, now: number, { deliveries, hangUps }: Joined): CallRow {
  const hangUp = hangUps.get(row.session)?.state;
  const isLive = row.state !== 'sealed';
  const living = row.state === 'recovering' ? 'recovering' : facts?.isClosed ? 'ended' : 'living';
  const since = isLive ? (facts?.silentSince ?? null) : null;
  return {
    session: row.session,
    job: row.job,
    epoch: row.epoch,
    room: row.room,
    agentName: row.agentName,
    state: isLive ? living : 'sealed',
    stage: isLive ? (facts?.stage ?? '') : '',
    acceptedAt: row.acceptedAt,
    endedAt: row.endedAt ?? null,
    silentMs: since === null ? null : Math.max(0, now - since),
    by: row.by ?? facts?.by ?? null,
    reason: row.reason ?? facts?.reason ?? null,
    delivery: deliveryOf(deliveries.get(row.session)),
    hangUp: hangUp === 'owed' || hangUp === 'given-up' ? hangUp : null,
  };
}

/** What a term looks at. */
function textsOfCall(row: CallRow, field: string | undefined): string[] {
  switch (field) {
    case 'state':
      return [row.state];
    case 'by':
      return [row.by ?? ''];
    case 'reason':
      return [row.reason ?? ''];
    case 'room':
      return [row.room];
    case 'agent':
      return [row.agentName];
    case 'session':
      return [row.session, row.job];
    case 'epoch':
      return [String(row.epoch)];
    case 'stage':
      return [row.stage, row.stage.split(':')[0] ?? ''];
    case 'delivery':
      return [row.delivery];
    case 'hangup':
      return [row.hangUp ?? 'none'];
    case 'is':
      return [...(isFailed(row) ? ['failed'] : []), ...((row.silentMs ?? 0) >= SILENT_MS ? ['silent'] : [])];
    default:
      return [[row.session, row.room, row.agentName, row.reason ?? '', row.by ?? '', row.stage, row.state].join(' ')];
  }
}

const isFailed = ({ by, hangUp, delivery }: CallRow): boolean =>
  by === 'system' || hangUp !== null || delivery === 'dead';

/** One page of sealed rows, and where to go on; `next` is undefined behind the last row of all. */
function sealedRows(
  source: Source,
  terms: readonly Term[],
  order: 'accepted' | 'epoch',
  from: PlaceInList | undefined,
  limit: number,
): { rows: Shown[]; hidden: number; next: PlaceInList | undefined } {
  const nothing = { rows: [] as Shown[], hidden: 0, next: undefined as PlaceInList | undefined };
  const exact = (field: string): string | undefined =>
    terms.find((term) => term.field === field && !term.isNot && term.isExact)?.value;
  const state = exact('state');
  const isLivingOnly =
    (state !== undefined && state !== 'sealed') ||
    terms.some(({ field, value }) => field === 'is' && value === 'silent');
  if (isLivingOnly) return nothing;
  return source.store.look(nothing, (rows) => {
    const few = candidates(rows, exact)?.sort((one, other) => (beforeIn(order)(one.place, other.place) ? -1 : 1));
    const kept: Shown[] = [];
    let [hidden, looked, below] = [0, 0, from];
    for (;;) {
      const chunk = few
        ? few.filter(({ place }) => !below || beforeIn(order)(below, place))
        : rows.sealed({ order, limit: CHUNK, only: onlyOf(exact), ...(below && { below }) });
      const joined = joinedOf(rows, chunk, terms);
      for (const row of chunk) {
        if (kept.length >= limit) return { rows: kept, hidden, next: below };
        below = row.place;
        looked += 1;
        const shown = shownOf(row, undefined, 0, joined);
        if (isKept(terms, (field) => textsOfCall(shown, field))) kept.push({ row, shown });
        else hidden += 1;
      }
      if (few || chunk.length < CHUNK) return { rows: kept, hidden, next: undefined };
      if (looked >= MOST_LOOKED_AT) return { rows: kept, hidden, next: below };
    }
  });
}

const onlyOf = (exact: (field: string) => string | undefined) => {
  const [by, reason, room, epoch] = [exact('by'), exact('reason'), exact('room'), Number(exact('epoch'))];
  return {
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(room !== undefined && { room }),
    ...(Number.isInteger(epoch) && { epoch }),
  };
};

/** Rows that are found without a walk through all of them. */
function candidates(rows: SqliteRows, exact: (field: string) => string | undefined): Row[] | undefined {
  const [delivery, hangUp] = [exact('delivery'), exact('hangup')];
  const sealed = (found: Row[]): Row[] => found.filter(({ state }) => state === 'sealed');
  const named = exact('session');
  const one = named !== undefined && isSessionId(named) ? rows.placed(named) : undefined;
  if (one) return sealed([one]); // else it may be one of its jobs
  if (delivery === 'dead') return sealed(rows.withDelivery('dead', MOST_CANDIDATES));
  if (delivery === 'due')
    return sealed([...rows.withDelivery('due', MOST_CANDIDATES), ...rows.withDelivery('delivering', 1_000)]);
  if (hangUp === 'owed' || hangUp === 'given-up') return sealed(rows.withHangUp(hangUp, MOST_CANDIDATES));
  return undefined;
}
