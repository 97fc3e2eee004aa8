/** Hang-ups that are owed, in SQLite: one for a session at most. What was given up is kept. */
import type { Connection } from './sqlite-connection.ts';
import { owedHangUpOf } from './sqlite-rows.ts';
import type { HangUpSettlement, HangUpState, NewHangUp, OwedHangUp, Page, Store } from './store.ts';
import type { SessionId } from '../journal/ids.ts';

const OWE = `
  insert into hang_ups (session, server, room, room_sid, strategy, caller, agent, state, since, next_at)
  values (?, ?, ?, ?, ?, ?, ?, 'owed', ?, ?) on conflict (session) do nothing`;

const SETTLE_HANG_UP = `
  update hang_ups set state = ?, next_at = coalesce(?, next_at), settled_at = ?, last_error = coalesce(?, last_error)
  where session = ? and state = 'owed'`;

const TAKE_OWED = `
  update hang_ups set attempts = attempts + 1, next_at = ? where session in
    (select session from hang_ups where state = 'owed' and server = ? and next_at <= ? order by next_at, rowid limit ?)
  returning *`;

const HASTEN_OWED = `update hang_ups set next_at = ?1 where state = 'owed' and next_at > ?2`;

export class HangUpsTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  owe(hangUp: NewHangUp): boolean {
    const { session, server, room, roomSid, strategy, caller, agent, since, nextAt } = hangUp;
    const who = [caller ?? null, agent ?? null];
    const times = [Math.round(since), Math.round(nextAt)];
    return this.#connection.write(
      'write down a hang-up',
      () => this.#connection.run(OWE, session, server, room, roomSid, strategy, ...who, ...times) > 0,
    );
  }

  take({ server, now, again, limit }: Parameters<Store['takeOwed']>[0]): OwedHangUp[] {
    const rows = this.#connection.write('take owed hang-ups', () =>
      this.#connection.all(TAKE_OWED, Math.round(again), server, Math.round(now), limit),
    );
    return rows.map(owedHangUpOf).sort((one, other) => one.since - other.since);
  }

  settle(session: SessionId, settlement: HangUpSettlement): boolean {
    const { kind } = settlement;
    const state: HangUpState = kind === 'retry' ? 'owed' : kind;
    const nextAt = kind === 'retry' ? Math.round(settlement.nextAt) : null;
    const settledAt = kind === 'retry' ? null : Math.round(settlement.at);
    const error = kind === 'done' ? null : settlement.error;
    return this.#connection.write(
      'settle a hang-up',
      () => this.#connection.run(SETTLE_HANG_UP, state, nextAt, settledAt, error, session) > 0,
    );
  }

  hasten({ now, furthestMs }: { now: number; furthestMs: number }): number {
    const furthest = Math.round(now + furthestMs);
    return this.#connection.write('hasten owed hang-ups', () =>
      this.#connection.run(HASTEN_OWED, Math.floor(now), furthest),
    );
  }

  next(server: string): number | undefined {
    const sql = `select min(next_at) as next from hang_ups where state = 'owed' and server = ?`;
    const next = this.#connection.rows('look for owed hang-ups', sql, server)[0]?.['next'];
    return typeof next === 'number' ? next : undefined;
  }

  list(page: Page & { session?: SessionId; state?: HangUpState }): OwedHangUp[] {
    const { limit, before, session, state } = page;
    const sql = `select * from hang_ups where (?1 is null or since < ?1) and (?2 is null or session = ?2)
      and (?3 is null or state = ?3) order by since desc, rowid desc limit ?4`;
    return this.#connection
      .rows('list hang-ups', sql, before ?? null, session ?? null, state ?? null, limit)
      .map(owedHangUpOf);
  }
}
