/** Which process of its session `job` is. Never edited once released: add 000007. */
export const epochs = `
-- A session that was written before this had one process, its first.
alter table sessions add column epoch integer not null default 1;
`;
