/** Sessions in SQLite: one row each, from the offer to the seal. What is sealed stays as it is. */
import type { Connection } from './sqlite-connection.ts';
import { sessionRowOf } from './sqlite-rows.ts';
import type { Page, SessionRow } from './store.ts';
import type { SessionId } from '../journal/ids.ts';

const PUT_SESSION = `
  insert into sessions (session, epoch, job, room, room_sid, agent_name, accepted_at, state, ended_at, ended_by, reason,
    bytes, sealed_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (session) do update set
    epoch = excluded.epoch, job = excluded.job, room = excluded.room, agent_name = excluded.agent_name, accepted_at = excluded.accepted_at,
    state = excluded.state, ended_at = coalesce(excluded.ended_at, ended_at),
    ended_by = coalesce(excluded.ended_by, ended_by), reason = coalesce(excluded.reason, reason),
    room_sid = coalesce(excluded.room_sid, room_sid), bytes = max(excluded.bytes, bytes), sealed_at = excluded.sealed_at
  where sessions.state <> 'sealed'`;

export class SessionsTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Within a `write`. */
  put(row: SessionRow, sealedAt: number | null = null): void {
    const { session, epoch, job, room, roomSid, agentName, acceptedAt, state, endedAt, by, reason, bytes } = row;
    const ended = [endedAt === undefined ? null : Math.round(endedAt), by ?? null, reason ?? null];
    const place = [session, epoch, job, room, roomSid === '' ? null : (roomSid ?? null), agentName];
    const kept = [bytes ?? 0, sealedAt === null ? null : Math.round(sealedAt)];
    this.#connection.run(PUT_SESSION, ...place, Math.round(acceptedAt), state, ...ended, ...kept);
  }

  one(id: SessionId): SessionRow | undefined {
    const [row] = this.#connection.rows('read a session', 'select * from sessions where session = ?', id);
    return row && sessionRowOf(row);
  }

  list({ limit, before, state }: Page & { state?: SessionRow['state'] }): SessionRow[] {
    const sql = `select * from sessions where (?1 is null or accepted_at < ?1) and (?2 is null or state = ?2)
      order by accepted_at desc, rowid desc limit ?3`;
    return this.#connection.rows('list sessions', sql, before ?? null, state ?? null, limit).map(sessionRowOf);
  }

  unsealed(): SessionRow[] {
    const sql = `select * from sessions indexed by sessions_unsealed where state <> 'sealed' order by accepted_at desc`;
    return this.#connection.rows('list unsealed sessions', sql).map(sessionRowOf);
  }

  /** By the room's name there is an index. */
  isIn(room: string, roomSid: string): boolean {
    const sql = 'select 1 from sessions where room = ? and room_sid = ? limit 1';
    return this.#connection.rows('look for a session of a room', sql, room, roomSid).length > 0;
  }

  drop(id: SessionId): void {
    const sql = `delete from sessions where session = ? and state <> 'sealed'`;
    this.#connection.write('drop a session', () => this.#connection.run(sql, id));
  }

  /** Those of `sessions` that the table does not have. */
  without(table: 'reports' | 'sessions', sessions: readonly SessionId[]): SessionId[] {
    const sql = `select value as session from json_each(?) where value not in (select session from ${table})`;
    const rows = this.#connection.rows(`look through ${table}`, sql, JSON.stringify(sessions));
    return rows.map(({ session }) => session as SessionId);
  }
}
