/** What came of each attempt at a delivery. Never edited once released: add 000008. */
export const attemptHistory = `
-- JSON, the last twenty; null: none was made since this column is there.
alter table deliveries add column history text;
`;
