/** A planted observer: it has something to put in order before a session closes, and takes 600 ms for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { meetSessions } from './meet-sessions.ts';

const TIDYING_MS = 600;

meetSessions((session) => {
  const close = session.close.bind(session);
  session.close = async () => {
    await sleep(TIDYING_MS);
    await close();
  };
});
