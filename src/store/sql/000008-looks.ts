/** What an inspector asks for among a million sessions. Never edited once released: add 000009. */
export const looks = `
create index sessions_by_reason on sessions (reason, accepted_at);
create index sessions_by_end on sessions (ended_by, accepted_at);
create index sessions_by_room on sessions (room, accepted_at);
create index sessions_by_epoch on sessions (epoch, accepted_at);
create index deliveries_dead on deliveries (session) where state = 'dead';
`;
