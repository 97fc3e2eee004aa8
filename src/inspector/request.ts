/** What a handler gets, and how it answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestProblem } from './problem.ts';

const BODY_BYTES = 65_536;

export type PageRequest = {
  readonly raw: IncomingMessage;
  /** What stands in the place of `:name` in the route's path, as it came. */
  readonly parts: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
};

/** *Effect.* JSON that is made already. */
export function answerJson(response: ServerResponse, body: string | Uint8Array, status = 200): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.byteLength,
    'cache-control': 'no-store',
  });
  response.end(bytes);
}

/** *Effect.* The connection is closed after it: what is left of a request that is refused is not read. */
export function sendProblem(response: ServerResponse, { status, message, headers }: RequestProblem): void {
  if (response.headersSent) return void response.destroy();
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('connection', 'close');
  answerJson(response, JSON.stringify({ error: { message } }), status);
}

/** *Effect.* The body as JSON; how long it may take is the server's `requestTimeout`. @throws RequestProblem */
export async function jsonBody({ raw }: PageRequest): Promise<unknown> {
  const tooLarge = new RequestProblem(
    413,
    `body: expected at most ${BODY_BYTES} bytes, got more; ask for less at once`,
  );
  if (Number(raw.headers['content-length'] ?? 0) > BODY_BYTES) throw tooLarge;
  if (!/^application\/json\b/i.test(raw.headers['content-type'] ?? ''))
    throw new RequestProblem(415, 'content-type: expected application/json, got another one; send JSON');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  return jsonIn(Buffer.concat(chunks).toString('utf8'), 'body');
}

/** *Pure.* @throws RequestProblem */
export function jsonIn(text: string, field: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RequestProblem(
      400,
      `${field}: expected JSON, got something else; see docs/inspector.md for what can be asked`,
    );
  }
}
