/** As TypeScript, because the compiler copies no .sql files into the package. Never edited once released: add 000002. */
export const begin = `
create table sessions (
  session     text primary key,
  job         text not null,
  room        text not null,
  agent_name  text not null,
  accepted_at integer not null,
  state       text not null check (state in ('open', 'recovering', 'sealed')),
  ended_at    integer,
  ended_by    text,
  reason      text
) strict;
create index sessions_by_time on sessions (accepted_at desc);
create index sessions_unsealed on sessions (state, accepted_at desc) where state <> 'sealed';

-- The primary key is the compare-and-set: whoever seals second changes nothing.
create table reports (
  session   text primary key,
  report    text not null unique,
  sealed_at integer not null,
  body      text not null
) strict;

-- The outbox is small and hot; a body that is not the report's own lies beside it. A delivery is never deleted.
create table deliveries (
  delivery    text primary key,
  session     text not null,
  report      text not null,
  destination text not null,
  kind        text not null check (kind in ('report', 'alert')),
  state       text not null check (state in ('due', 'delivering', 'delivered', 'dead')),
  attempts    integer not null default 0,
  next_at     integer not null,
  created_at  integer not null,
  settled_at  integer,
  last_error  text,
  owner       text,
  lease       text,
  lease_until integer
) strict;
create index deliveries_due on deliveries (next_at) where state = 'due';
create index deliveries_leased on deliveries (lease_until) where state = 'delivering';
create index deliveries_by_session on deliveries (session);
create index deliveries_by_time on deliveries (created_at desc);

create table delivery_bodies (
  delivery text primary key,
  body     text not null
) strict;
`;
