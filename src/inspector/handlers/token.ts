/** `POST /api/token {"code"}`: a one-time code for the token. */
import { z } from 'zod';
import type { Handler } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { jsonBody, answerJson } from '../request.ts';

const body = z.object({ code: z.string().max(256) });

export const giveToken: Handler = async (request, { codes, token, printAddress }) => {
  const given = body.safeParse(await jsonBody(request));
  if (given.success && codes.take(given.data.code)) return answerJson(request.response, JSON.stringify({ token }));
  const again = codes.again();
  if (again !== undefined) printAddress(again);
  throw new RequestProblem(
    401,
    'code: expected one that was not used yet, at most ten minutes old; open the newest address that stands in the terminal of the inspector',
  );
};
