/** `GET /api/stream/session/ID?from=POSITION`: what is written in the files of a session from there on. */
import type { Handler } from '../context.ts';
import { badRequest } from '../problem.ts';
import { isSessionId } from '../../journal/ids.ts';
import { position } from '../../reads/answers.ts';

export const streamSession: Handler = async ({ raw, parts, query, response }, { sessions, watchers }) => {
  const session = parts['session'] ?? '';
  const last = raw.headers['last-event-id'];
  const from = query.get('from') ?? (typeof last === 'string' ? last : '');
  const advice = 'leave it out to begin at the first entry, or give the last id that came';
  if (!isSessionId(session))
    throw badRequest('session', {
      expected: 'a session id',
      got: 'something else',
      advice: 'lastword sessions lists them',
    });
  if (from !== '' && !position.safeParse(from).success)
    throw badRequest('from', { expected: 'a position such as 1:812,keeper:9', got: 'something else', advice });
  const watch = sessions.watch(session, from);
  try {
    await watch.ready();
    await watchers.serve(response, watch.next);
  } finally {
    watch.close();
  }
};
