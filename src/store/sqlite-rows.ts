/** Rows of SQLite, as the port has them. Pure. */
import type { Attempt, Delivery, KeptSession, ListedDelivery, OwedHangUp, SessionRow } from './store.ts';
import type { SessionId } from '../journal/ids.ts';

export type SqliteRow = Record<string, string | number | null>;

/** Columns that are null are left out: in the port, unknown is absent. */
export const withoutNulls = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));

export const sessionRowOf = (row: SqliteRow): SessionRow =>
  withoutNulls({
    session: row['session'],
    epoch: row['epoch'],
    job: row['job'],
    room: row['room'],
    roomSid: row['room_sid'],
    agentName: row['agent_name'],
    acceptedAt: row['accepted_at'],
    state: row['state'],
    endedAt: row['ended_at'],
    by: row['ended_by'],
    reason: row['reason'],
    bytes: row['bytes'] === 0 ? undefined : row['bytes'],
  }) as SessionRow;

/** Those of `deliveryOf`: a row has as many again, which nobody outside of the store reads. */
export const DELIVERY_COLUMNS =
  'delivery, session, report, destination, lane, kind, next_at, state, attempts, first_at, deaths, created_at, settled_at, last_error';

/** One by one and not through `known`: a relay at work reads ten thousand a second. */
export const deliveryOf = (row: SqliteRow): Delivery => {
  const { first_at: firstAt, settled_at: settledAt, last_error: lastError } = row;
  const found: Record<string, unknown> = {
    delivery: row['delivery'],
    session: row['session'],
    report: row['report'],
    destination: row['destination'],
    lane: row['lane'],
    kind: row['kind'],
    nextAt: row['next_at'],
    state: row['state'],
    attempts: row['attempts'],
    deaths: row['deaths'],
    createdAt: row['created_at'],
  };
  if (firstAt !== null) found['firstAt'] = firstAt;
  if (settledAt !== null) found['settledAt'] = settledAt;
  if (lastError !== null) found['lastError'] = lastError;
  return found as Delivery;
};

export const listedDeliveryOf = (row: SqliteRow): ListedDelivery => {
  const { history } = row;
  return { ...deliveryOf(row), history: typeof history === 'string' ? (JSON.parse(history) as Attempt[]) : [] };
};

export const owedHangUpOf = (row: SqliteRow): OwedHangUp =>
  withoutNulls({
    session: row['session'],
    server: row['server'],
    room: row['room'],
    roomSid: row['room_sid'],
    strategy: row['strategy'],
    caller: row['caller'],
    agent: row['agent'],
    since: row['since'],
    nextAt: row['next_at'],
    state: row['state'],
    attempts: row['attempts'],
    settledAt: row['settled_at'],
    lastError: row['last_error'],
  }) as OwedHangUp;

export const keptOf = (row: SqliteRow): KeptSession => ({
  session: row['session'] as SessionId,
  sealedAt: Number(row['sealed_at'] ?? 0),
  bytes: Number(row['bytes'] ?? 0),
});
