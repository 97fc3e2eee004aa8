/**
 * What is kept in SQLite, and what may go.
 *
 *   K1  Only what is sealed, and of which nothing is owed, goes by itself: neither a delivery nor a hang-up is forgotten.
 *   K2  By age and size an index is read, never a body.
 */
import type { Connection } from './sqlite-connection.ts';
import { keptOf } from './sqlite-rows.ts';
import type { KeptSession, Purged } from './store.ts';
import type { SessionId } from '../journal/ids.ts';

const KEPT = `
  select session, sealed_at, bytes from sessions s where state = 'sealed' and sealed_at < ?
    and not exists (select 1 from deliveries d where d.session = s.session and d.state in ('due', 'delivering'))
    and not exists (select 1 from hang_ups h where h.session = s.session and h.state = 'owed')
  order by sealed_at limit ?`;

const FIND = `
  select session, sealed_at, bytes from sessions s where state = 'sealed' and sealed_at >= ?1 and sealed_at < ?2
    and (?3 is null or exists (
      select 1 from reports r, json_each(r.body, '$.participants') p
      where r.session = s.session and json_extract(p.value, '$.identity') = ?3))
  order by sealed_at limit ?4`;

// Both are read from the old end of an index by time, where little is left.
const UNSERVED_DELIVERIES = `
  select delivery from deliveries d where created_at < ? and state in ('delivered', 'dead')
    and not exists (select 1 from sessions s where s.session = d.session)`;
const PURGE_UNSERVED_HANG_UPS = `
  delete from hang_ups where since < ? and state <> 'owed'
    and not exists (select 1 from sessions s where s.session = hang_ups.session)`;

const UNSEALED = `select 1 from sessions where session = ? and state <> 'sealed'`;

export class RetentionTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  kept(sealedBefore = Number.MAX_SAFE_INTEGER, limit: number): KeptSession[] {
    return this.#connection.rows('list what may go', KEPT, Math.round(sealedBefore), limit).map(keptOf);
  }

  bytes(): number {
    const sql = `select sum(bytes) as bytes from sessions where state = 'sealed'`;
    return Number(this.#connection.rows('measure what is kept', sql)[0]?.['bytes'] ?? 0);
  }

  find(ask: { participant?: string; from?: number; before?: number; limit: number }): KeptSession[] {
    const { participant = null, from = 0, before = Number.MAX_SAFE_INTEGER, limit } = ask;
    return this.#connection.rows('find sessions', FIND, from, before, participant, limit).map(keptOf);
  }

  owedOf(sessions: readonly SessionId[]): Record<string, number> {
    const sql = `select session, count(*) as count from (
        select session from deliveries where state in ('due', 'delivering')
          and session in (select value from json_each(?1))
        union all select session from hang_ups where state = 'owed' and session in (select value from json_each(?1)))
      group by session`;
    const rows = this.#connection.rows('count what is owed', sql, JSON.stringify(sessions));
    return Object.fromEntries(rows.map(({ session, count }) => [String(session), Number(count)]));
  }

  purgeUnserved(before: number): number {
    return this.#connection.write('purge what is left of callers without a session', () => {
      const rows = this.#connection.all(UNSERVED_DELIVERIES, Math.round(before));
      for (const { delivery } of rows)
        for (const table of ['delivery_bodies', 'deliveries'])
          this.#connection.run(`delete from ${table} where delivery = ?`, String(delivery));
      return rows.length + this.#connection.run(PURGE_UNSERVED_HANG_UPS, Math.round(before));
    });
  }

  purge(sessions: readonly SessionId[]): Purged {
    return this.#connection.write('purge sessions', () => {
      const purged: Purged = { sessions: 0, deliveries: 0 };
      for (const session of sessions) {
        const run = (sql: string): number => this.#connection.run(sql, session);
        if (this.#connection.all(UNSEALED, session).length > 0) continue;
        run(`delete from delivery_bodies where delivery in (select delivery from deliveries where session = ?)`);
        purged.deliveries += run('delete from deliveries where session = ?');
        run('delete from hang_ups where session = ?');
        run('delete from reports where session = ?');
        purged.sessions += run('delete from sessions where session = ?');
      }
      return purged;
    });
  }
}
