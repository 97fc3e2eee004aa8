/** `GET /api/stream/calls?asked=JSON`: the list of calls, each time it is another. */
import type { Handler } from '../context.ts';

export const streamCalls: Handler = async ({ query, response }, { calls, watchers }) => {
  const watch = calls.watch(query.get('asked') ?? '{}');
  try {
    await watch.ready();
    await watchers.serve(response, watch.next);
  } finally {
    watch.close();
  }
};
