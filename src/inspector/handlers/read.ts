/** `GET /api/read/NAME?asked=JSON`: one answer. */
import type { Handler } from '../context.ts';
import { answerJson } from '../request.ts';

/** Asked of many sessions at once, and soon answered. */
const ofAll: ReadonlySet<string> = new Set(['calls', 'deliveries', 'ledger']);

export const answerRead: Handler = async ({ parts, query, response }, { replaying, following }) => {
  const name = parts['name'] ?? '';
  const thread = ofAll.has(name) ? following : replaying;
  const { json } = await thread.ask({ kind: 'read', name, asked: query.get('asked') ?? '{}' });
  answerJson(response, json);
};
