/** What retention asks for: when a session was sealed, what it takes on the disk. Never edited once released: add 000005. */
export const keep = `
-- bytes: of its journals and its report, when it was sealed. room_sid: tells its room from a later one of the same name.
alter table sessions add column room_sid text;
alter table sessions add column sealed_at integer;
alter table sessions add column bytes integer not null default 0;
update sessions set sealed_at = (select sealed_at from reports r where r.session = sessions.session),
  bytes = coalesce((select length(body) from reports r where r.session = sessions.session), 0)
  where state = 'sealed';
create index sessions_sealed on sessions (sealed_at, bytes) where state = 'sealed';
`;
