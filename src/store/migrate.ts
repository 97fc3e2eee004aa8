/** Numbered migrations, each in a transaction of its own; `user_version` says how many were applied. */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { begin } from './sql/000001-begin.ts';
import { hangUps } from './sql/000002-hang-ups.ts';
import { lanes } from './sql/000003-lanes.ts';
import { keep } from './sql/000004-keep.ts';
import { byLane } from './sql/000005-by-lane.ts';
import { epochs } from './sql/000006-epochs.ts';
import { attemptHistory } from './sql/000007-attempts.ts';
import { looks } from './sql/000008-looks.ts';
import { StoreError } from './store.ts';

const migrations: readonly string[] = [begin, hangUps, lanes, keep, byLane, epochs, attemptHistory, looks];

/** *Pure.* Of a database that a newer Lastword has written. */
export const tooNew = (version: number): StoreError | undefined =>
  version <= migrations.length
    ? undefined
    : new StoreError({
        code: 'TOO_NEW',
        message: `expected a database of version ${migrations.length} or older, got ${version}: a newer Lastword has written it; update this one`,
      });

const versionOf = (database: DatabaseSyncInstance): number =>
  (database.prepare('pragma user_version').get() as { user_version: number }).user_version;

/** Brings the database to the newest version. Two processes may try at once: the second finds it done. */
export const migrate = (database: DatabaseSyncInstance): void => {
  for (;;) {
    const version = versionOf(database);
    const refused = tooNew(version);
    if (refused) throw refused;
    const next = migrations[version];
    if (next === undefined) return;
    database.exec('begin immediate');
    try {
      if (versionOf(database) === version) {
        database.exec(next);
        database.exec(`pragma user_version = ${version + 1}`);
      }
      database.exec('commit');
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
  }
};
