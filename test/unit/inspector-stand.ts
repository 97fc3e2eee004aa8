/** An inspector on loopback over a directory of its own, and requests that say what a browser would not. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InspectorOptions, openInspector } from '../../src/inspector/open.ts';

/** Threads run what the build made. */
export const builtThread = new URL('../../dist/src/inspector/reading-thread.js', import.meta.url);

export type Answered = { status: number; headers: IncomingMessage['headers']; text: string };

export async function openStand(more: Partial<InspectorOptions> = {}) {
  const directory = more.directory ?? mkdtempSync(join(tmpdir(), 'lastword-inspector-'));
  if (existsSync(directory)) mkdirSync(join(directory, 'sessions'), { recursive: true });
  const addresses: string[] = [];
  const warnings: string[] = [];
  const inspector = await openInspector({
    directory,
    store: `sqlite:${join(directory, 'lastword.db')}`,
    host: '127.0.0.1',
    port: 0,
    printAddress: (address) => addresses.push(address),
    warn: (text) => warnings.push(text),
    ...more,
    parts: { thread: builtThread, ...more.parts },
  });
  const { port } = inspector;

  const ask = (
    path: string,
    { headers = {}, body, method }: { headers?: Record<string, string>; body?: unknown; method?: string } = {},
  ): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          path,
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
          agent: false,
          timeout: 15_000,
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
          response.on('error', reject);
        },
      );
      asked.on('error', reject).on('timeout', () => asked.destroy(new Error(`no answer to ${path} within 15 s`)));
      asked.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  const codeOf = (address = addresses.at(-1) ?? ''): string =>
    address.slice(address.indexOf('#code=') + '#code='.length);
  const exchanged = await ask('/api/token', { body: { code: codeOf(addresses[0]) } });
  const { token = '' } = JSON.parse(exchanged.text) as { token?: string };
  const bearer = { authorization: `Bearer ${token}` };

  return {
    directory,
    port,
    token,
    bearer,
    addresses,
    warnings,
    ask,
    codeOf,
    read: (name: string, question: unknown = {}) =>
      ask(`/api/read/${name}?asked=${encodeURIComponent(JSON.stringify(question))}`, { headers: bearer }),
    close: async ({ keepsFiles = false } = {}) => {
      await inspector.close();
      if (!keepsFiles) rmSync(directory, { recursive: true, force: true });
    },
  };
}
export type Stand = Awaited<ReturnType<typeof openStand>>;

export type StreamEvent = { id?: string; event: string; data: string };
/** A stream as a page reads it. */
export async function follow(stand: Stand, path: string, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  const response = await fetch(`http://127.0.0.1:${stand.port}${path}`, {
    headers: { ...stand.bearer, ...headers },
    signal: leaving.signal,
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const events: StreamEvent[] = [];
  let look = (): void => undefined;
  const done = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const field = (name: string) => fields.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const [event, data, id] = [field('event'), field('data'), field('id')];
        if (event !== undefined && data !== undefined) events.push({ event, data, ...(id !== undefined && { id }) });
      }
      look();
    }
  })().catch(() => undefined);
  const until = (isEnough: (events: StreamEvent[]) => boolean, ms = 10_000) =>
    new Promise<StreamEvent[]>((resolve, reject) => {
      const late = new Error(
        `not seen within ${ms} ms; saw ${events.map(({ event, id }) => `${event} ${id}`).join(', ')}`,
      );
      const limit = setTimeout(() => reject(late), ms);
      look = () => {
        if (!isEnough(events)) return;
        clearTimeout(limit);
        resolve(events);
      };
      look();
    });
  return {
    events,
    until,
    /** References of all rows that came. */
    refs: () =>
      events.flatMap(({ data }) =>
        ((JSON.parse(data) as { rows?: { ref: string }[] }).rows ?? []).map(({ ref }) => ref),
      ),
    leave: async () => {
      leaving.abort();
      await done;
    },
  };
}
