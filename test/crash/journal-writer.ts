/** Writes entries until it is killed, and says which are durable: argv is LASTWORD_DIR and the session. Its file is the keeper's. */
import { writeSync } from 'node:fs';
import { openJournal } from '../../src/journal/write.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const [directory = '', session = ''] = process.argv.slice(2);
const journal = await openJournal({
  directory,
  session: sessionIdOf(session),
  file: 'keeper',
  first: { kind: 'log', data: { level: 'info', message: 'begun' } },
});
for (;;) {
  for (let index = 0; index < 1 + (journal.lastSeq % 7); index += 1) {
    journal.append('log', { level: 'info', message: 'ä😀'.repeat(1 + (journal.lastSeq % 400)) });
  }
  await journal.durable();
  writeSync(1, `${journal.lastSeq}\n`); // synchronous: what was said is said, whatever comes next
}
