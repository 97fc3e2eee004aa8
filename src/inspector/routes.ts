/** From a request to the handler of its route. The routes are data: what is not in the table is not there. *Pure.* */
import { RequestProblem } from './problem.ts';

export type Method = 'GET' | 'POST';
export type Route<Handler> = {
  method: Method;
  /** `/api/read/:name`: a part behind a colon is any one segment. */
  path: string;
  /** Only for who shows the token. */
  isGuarded: boolean;
  handle: Handler;
};
export type Found<Handler> = { route: Route<Handler>; parts: Record<string, string>; query: URLSearchParams };

const URL_CHARACTERS = 8_192;
/** A segment of ours: names and ids. What a browser or a proxy would resolve (`..`, `%2e`, `\`) is none. */
const segment = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;

const partsOf = (pattern: string, path: string): Record<string, string> | undefined => {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const got = given[index] ?? '';
    if (want.startsWith(':') && segment.test(got)) parts[want.slice(1)] = got;
    else if (want !== got) return undefined;
  }
  return parts;
};

/** @param target as it stands in the request's first line. @throws RequestProblem 404, 405, 414 */
export function routeOf<Handler>(
  routes: readonly Route<Handler>[],
  method: string | undefined,
  target: string,
): Found<Handler> {
  if (target.length > URL_CHARACTERS)
    throw new RequestProblem(
      414,
      `URL: expected at most ${URL_CHARACTERS} characters, got ${target.length}; ask for less at once`,
    );
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
  const there = routes.flatMap((route) => {
    const parts = partsOf(route.path, path);
    return parts ? [{ route, parts, query }] : [];
  });
  const found = there.find(({ route }) => route.method === method);
  if (found) return found;
  if (there.length === 0)
    throw new RequestProblem(
      404,
      'there is nothing of this name; the page is at /, what can be asked stands in docs/inspector.md',
    );
  const allow = there.map(({ route }) => route.method).join(', ');
  throw new RequestProblem(405, `method: expected ${allow}, got another one`, { allow });
}
