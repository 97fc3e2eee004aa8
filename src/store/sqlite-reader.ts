/** A second connection to a store's file that only reads bodies: what the courier has, so that they need not travel. */
import { DatabaseSync } from '@photostructure/sqlite';
import { Connection } from './sqlite-connection.ts';
import { Outbox } from './sqlite-outbox.ts';

export type SqliteReader = {
  body(delivery: string): string | undefined;
  /** What `work` reads, it reads as of one moment: alone, each row takes and leaves the locks of the log. */
  together(work: () => void): void;
  close(): void;
};

/** WAL lets it read while others write; it waits only for a checkpoint that starts the log anew. */
const BUSY_MS = 1_500;

/** @throws Error of the driver, where there is no such file */
export const openSqliteReader = (path: string): SqliteReader => {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  const connection = new Connection(database);
  const outbox = new Outbox(connection, Date.now);
  return {
    body: (delivery) => outbox.body(delivery),
    together: (work) => {
      database.exec('begin');
      try {
        work();
      } finally {
        if (database.isTransaction) database.exec('commit'); // a fault of the disk may have ended it
      }
    },
    close: () => connection.close(),
  };
};
