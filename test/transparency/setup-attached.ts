/** The attached run: every AgentSession gets all that a job of production puts on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openJournal } from '../../src/journal/write.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { attachTo } from '../../src/livekit/attach.ts';
import { jobAround } from './job-around.ts';
import { meetSessions } from './meet-sessions.ts';

// One journal for a file: a session may start at once, and a journal is opened on a disk.
const directory = mkdtempSync(join(tmpdir(), 'lastword-transparency-'));
const journal = await openJournal({ directory, session: sessionIdOf('sdk'), file: 1 });
afterAll(async () => {
  await journal.close();
  rmSync(directory, { recursive: true, force: true });
});

meetSessions((session, { agent }) => {
  let started = Promise.resolve();
  const job = jobAround(journal, () => started);
  attachTo(job, session, agent);
  return (starting) => {
    started = starting;
  };
});
