/**
 * `POST /api/act/redeliver {"deliveries", "secret"}`, `POST /api/act/end {"session", "secret"}`: what changes something.
 * Only with --allow-actions, and with the second secret, which somebody types: whoever has a page open has not yet acted.
 */
import { z } from 'zod';
import type { Actions } from '../act.ts';
import type { Handler, InspectorContext } from '../context.ts';
import { isSessionId } from '../../journal/ids.ts';
import { badRequest, RequestProblem } from '../problem.ts';
import { jsonBody, answerJson, type PageRequest } from '../request.ts';

const MOST_DELIVERIES = 500;
const secret = z.string().max(256);
const redelivery = z.object({ deliveries: z.array(z.string().max(512)).min(1).max(MOST_DELIVERIES), secret });
const ending = z.object({ session: z.string().max(256), secret });

const allowed = async <Body extends { secret: string }>(
  request: PageRequest,
  { actions }: InspectorContext,
  schema: z.ZodType<Body>,
  expected: string,
): Promise<{ actions: Actions; body: Body }> => {
  if (!actions)
    throw new RequestProblem(
      403,
      'this inspector only reads; start it with --allow-actions to end calls and to deliver again',
    );
  const given = schema.safeParse(await jsonBody(request));
  if (!given.success)
    throw badRequest('body', {
      expected,
      got: 'something else',
      advice: 'docs/inspector.md says what each takes',
    });
  actions.check(given.data.secret);
  return { actions, body: given.data };
};

export const redeliverAgain: Handler = async (request, context) => {
  const expected = `{"deliveries": 1 to ${MOST_DELIVERIES} ids, "secret"}`;
  const { actions, body } = await allowed(request, context, redelivery, expected);
  answerJson(request.response, JSON.stringify({ queued: await actions.redeliver(body.deliveries) }));
};

export const endCall: Handler = async (request, context) => {
  const { actions, body } = await allowed(request, context, ending, '{"session", "secret"}');
  if (!isSessionId(body.session))
    throw badRequest('session', {
      expected: 'a session id',
      got: 'something else',
      advice: 'take it from the list',
    });
  await actions.end(body.session);
  answerJson(request.response, JSON.stringify({ isAsked: true }));
};
