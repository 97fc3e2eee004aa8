/** Seals one session after the other until it is killed; argv: database, first session's number, seals before the fatal one. */
import { writeSync } from 'node:fs';
import { openSqlite } from '../../src/store/sqlite.ts';
import { newDelivery, sealedReport, sessionRow } from '../contract/store-rows.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const [path = '', from = '0', seals = '0'] = process.argv.slice(2);
let stamps = 0;
/** The store asks for the time within the transaction, once for each delivery: killed between the two, it is half done. */
const now = (): number => {
  stamps += 1;
  if (stamps === Number(seals) * 2 + 2) process.kill(process.pid, 'SIGKILL');
  return 1_000;
};
const store = await openSqlite(path, { now });
for (let number = Number(from); ; number += 1) {
  const session = sessionIdOf(`s${number}`);
  await store.putSession(sessionRow(session));
  await store.seal(sessionRow(session, { state: 'sealed', endedAt: 2 }), sealedReport(session), [
    newDelivery(`${session}-a`, session),
    newDelivery(`${session}-b`, session),
  ]);
  writeSync(1, `${session}\n`);
}
