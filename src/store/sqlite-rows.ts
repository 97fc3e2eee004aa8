/** Rows of SQLite, as the port has them. Pure. */
import type { Delivery, Kept, OwedHangUp, SessionRow } from './store.ts';

export type Row = Record<string, string | number | null>;

/** Columns that are null are left out: in the port, unknown is absent. */
export const known = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));

export const sessionOf = (row: Row): SessionRow =>
  known({
    session: row['session'],
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

export const deliveryOf = (row: Row): Delivery =>
  known({
    delivery: row['delivery'],
    session: row['session'],
    report: row['report'],
    destination: row['destination'],
    lane: row['lane'],
    kind: row['kind'],
    nextAt: row['next_at'],
    state: row['state'],
    attempts: row['attempts'],
    firstAt: row['first_at'],
    deaths: row['deaths'],
    createdAt: row['created_at'],
    settledAt: row['settled_at'],
    lastError: row['last_error'],
  }) as Delivery;

export const hangUpOf = (row: Row): OwedHangUp =>
  known({
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

export const keptOf = (row: Row): Kept => ({
  session: String(row['session']),
  sealedAt: Number(row['sealed_at'] ?? 0),
  bytes: Number(row['bytes'] ?? 0),
});
