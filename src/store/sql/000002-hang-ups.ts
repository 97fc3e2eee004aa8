/** Hang-ups that nobody confirmed in time. Never edited once released: add 000003. */
export const hangUps = `
-- One for a session at most. A row that was given up is kept: somebody may still be on that line.
create table hang_ups (
  session    text primary key,
  server     text not null,
  room       text not null,
  room_sid   text not null,
  strategy   text not null,
  caller     text,
  agent      text,
  state      text not null check (state in ('owed', 'done', 'given-up')),
  since      integer not null,
  attempts   integer not null default 0,
  next_at    integer not null,
  settled_at integer,
  last_error text
) strict;
create index hang_ups_owed on hang_ups (next_at) where state = 'owed';
create index hang_ups_by_time on hang_ups (since desc);
`;
