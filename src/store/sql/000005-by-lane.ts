/** Due rows by receiver: a claim goes from lane to lane. Never edited once released: add 000006. */
export const byLane = `
drop index deliveries_due;
create index deliveries_due on deliveries (lane, name, next_at) where state = 'due';
`;
