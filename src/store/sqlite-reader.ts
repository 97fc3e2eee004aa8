/** A second connection to a store's file that only reads bodies: what the courier has, so that they need not travel. */
import { DatabaseSync } from '@photostructure/sqlite';
import { Connection } from './sqlite-connection.ts';
import { Outbox } from './sqlite-outbox.ts';

export type SqliteReader = { body(delivery: string): string | undefined; close(): void };

/** WAL lets it read while others write; it waits only for a checkpoint that starts the log anew. */
const BUSY_MS = 1_500;

/** @throws Error of the driver, where there is no such file */
export const openSqliteReader = (path: string): SqliteReader => {
  const connection = new Connection(new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS }));
  const outbox = new Outbox(connection, Date.now);
  return { body: (delivery) => outbox.body(delivery), close: () => connection.close() };
};
