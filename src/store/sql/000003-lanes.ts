/** Rows know their receiver's lane, and count what was begun. Never edited once released: add 000004. */
export const lanes = `
-- name: the configured destination; lane: whose answers the row waits for (several destinations may share a receiver).
alter table deliveries add column name text not null default '';
alter table deliveries add column lane text not null default '';
alter table deliveries add column first_at integer;
alter table deliveries add column deaths integer not null default 0;
-- Of the attempt that the lease is for: whether its request was allowed to begin.
alter table deliveries add column is_begun integer not null default 0;
update deliveries set name = substr(destination, 1, instr(destination || ' => ', ' => ') - 1), lane = destination,
  first_at = case when attempts > 0 then created_at end, is_begun = state = 'delivering';

-- All that a claim looks at, so that it can pass over a full lane's rows without reading them.
drop index deliveries_due;
create index deliveries_due on deliveries (next_at, lane, name) where state = 'due';
create index deliveries_owed on deliveries (name, next_at) where state in ('due', 'delivering');
`;
