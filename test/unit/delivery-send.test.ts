import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { destination, file, slack, stdout } from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { addressFor } from '../../src/delivery/metadata-url.ts';
import { alertsFor } from '../../src/delivery/rows.ts';
import { endedBy, openSender } from '../../src/delivery/send.ts';
import type { SenderOptions } from '../../src/delivery/send.ts';
import { retryAfterMs } from '../../src/delivery/send-http.ts';
import { fileNameOf } from '../../src/delivery/send-local.ts';
import { verifyWebhook } from '../../src/delivery/sign.ts';
import type { Destination } from '../../src/link/destination.ts';
import type { Carried } from '../../src/delivery/courier-messages.ts';
import { type SessionId, sessionIdOf } from '../../src/journal/ids.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const never = new AbortController().signal;

const row = (more: Partial<Carried> = {}): Carried => ({
  delivery: 'report-AJ_1-abc',
  session: sessionIdOf('AJ_1'),
  report: 'report-AJ_1',
  destination: 'x',
  kind: 'report',
  body: '{"said":"Grüße"}',
  ...more,
});

type Seen = { method: string | undefined; url: string | undefined; headers: IncomingMessage['headers']; body: string };

const startReceiver = async (answer: (response: ServerResponse, seen: Seen) => void) => {
  const seen: Seen[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body: Buffer.concat(parts).toString() };
      seen.push(one);
      answer(response, one);
    });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook?key=1`,
    port,
    seen,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const send = async (to: Destination, delivery: Carried, options: SenderOptions = {}, stop: AbortSignal = never) => {
  const sender = openSender({ attemptMs: 2_000, ...options });
  try {
    return await endedBy(stop, (ending) => sender.attempt(to, delivery, ending));
  } finally {
    await sender.close();
  }
};

describe('a webhook', () => {
  it('gets the sealed bytes, signed, with the headers of the user', async () => {
    await using receiver = await startReceiver((response) => response.writeHead(204).end());
    const to = webhook({ url: receiver.url, secret, headers: { authorization: 'Bearer x' } });
    expect(await send(to, row())).toEqual({ kind: 'answered', status: 204 });
    const [seen] = receiver.seen;
    expect(seen).toMatchObject({
      method: 'POST',
      url: '/hook?key=1',
      body: row().body,
      headers: { authorization: 'Bearer x', 'content-type': 'application/json', 'webhook-id': 'report-AJ_1' },
    });
    expect(verifyWebhook({ headers: seen?.headers ?? {}, body: seen?.body ?? '', secrets: [secret] }).ok).toBe(true);
  });

  it('that redirects is not followed', async () => {
    await using target = await startReceiver((response) => response.end());
    await using receiver = await startReceiver((response) => response.writeHead(307, { location: target.url }).end());
    expect(await send(webhook({ url: receiver.url }), row())).toEqual({ kind: 'answered', status: 307 });
    expect(target.seen).toEqual([]);
  });

  it('is told apart by status, with its Retry-After', async () => {
    await using receiver = await startReceiver((response) =>
      response.writeHead(429, { 'retry-after': '7' }).end('busy'),
    );
    expect(await send(webhook({ url: receiver.url }), row())).toEqual({
      kind: 'answered',
      status: 429,
      retryAfterMs: 7_000,
      answer: 'busy',
    });
  });

  it('that refuses and never ends its answer is waited for a second, and its first bytes are told', async () => {
    const complaint = `no such hook: ${'x'.repeat(500)}`;
    await using receiver = await startReceiver((response) => void response.writeHead(404).write(complaint));
    const outcome = await send(webhook({ url: receiver.url }), row());
    expect(outcome).toEqual({ kind: 'answered', status: 404, answer: complaint.slice(0, 200) });
  });

  it('that accepts and then never ends its answer has accepted', async () => {
    await using receiver = await startReceiver((response) => void response.writeHead(200).write('still talking'));
    expect(await send(webhook({ url: receiver.url }), row())).toMatchObject({ status: 200 });
  });

  it('that answers without an end is cut, and has accepted', async () => {
    let written = 0;
    let closed = (): void => {};
    const ended = new Promise<void>((resolve) => (closed = resolve));
    await using receiver = await startReceiver((response) => {
      response.writeHead(200);
      response.on('close', () => closed());
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) written += 16_384;
      };
      response.on('drain', more);
      more();
    });
    const sender = openSender({ attemptMs: 2_000 });
    const outcome = await sender.attempt(webhook({ url: receiver.url }), row(), new AbortController());
    expect(outcome).toMatchObject({ status: 200 });
    await ended; // by the client: the receiver itself never stops
    expect(written).toBeLessThan(16 * 1024 * 1024);
    await sender.close();
  });

  it('that does not answer fails at the deadline', async () => {
    await using receiver = await startReceiver(() => {});
    const outcome = await send(webhook({ url: receiver.url }), row(), { attemptMs: 150 });
    expect(outcome).toEqual({ kind: 'failed', error: 'no answer within 150 ms' });
  });

  it('that cuts the connection, or is not there, fails with the code', async () => {
    const receiver = await startReceiver((response) => response.destroy());
    expect(await send(webhook({ url: receiver.url }), row())).toMatchObject({
      kind: 'failed',
      error: expect.stringContaining('UND_ERR_SOCKET'),
    });
    await receiver[Symbol.asyncDispose]();
    expect(await send(webhook({ url: receiver.url }), row())).toMatchObject({
      kind: 'failed',
      error: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('attempt that is stopped settles at once', async () => {
    const stop = new AbortController();
    await using receiver = await startReceiver(() => stop.abort());
    expect(await send(webhook({ url: receiver.url }), row(), {}, stop.signal)).toEqual({
      kind: 'failed',
      error: 'stopped during the attempt',
    });
  });
});

describe('a URL from metadata', () => {
  const from = (url: string, allowPrivate = false) => {
    const to = webhook({
      fromMetadata: { field: 'u', allow: ['https://*', 'https://*:1', 'http://*', new URL(url).origin] },
      allowPrivate,
    });
    return { to, delivery: row({ destination: addressFor(to, JSON.stringify({ u: url })) }) };
  };

  it('to a private address is refused before it is connected', async () => {
    await using receiver = await startReceiver((response) => response.end());
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::ffff:127.0.0.1]',
      '0x7f000001',
      '2130706433',
      '127.1',
      '0.0.0.0',
      '[::1]',
    ]) {
      const { to, delivery } = from(`https://${host}:${receiver.port}/`);
      const outcome = await send(to, delivery);
      expect(outcome, host).toMatchObject({ kind: 'refused', error: expect.stringContaining('not a public address') });
    }
    expect(receiver.connections()).toBe(0);
  });

  it('to a private address is delivered with allowPrivate', async () => {
    await using receiver = await startReceiver((response) => response.end());
    const { to, delivery } = from(receiver.url, true);
    expect(await send(to, delivery)).toMatchObject({ status: 200 });
  });

  it('that is missing is refused, and says which field', async () => {
    const { to } = from('https://a.example');
    const outcome = await send(to, row({ destination: addressFor(to, '{}') }));
    expect(outcome).toEqual({ kind: 'refused', error: 'the job\'s metadata has no URL in its field "u"' });
  });
});

describe('Retry-After', () => {
  it('is seconds or a date, or nothing', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:00 GMT', now)).toBe(0);
    for (const nothing of [undefined, '', 'soon', '-5x', '1e99']) expect(retryAfterMs(nothing, now)).toBeUndefined();
  });
});

describe('a file', () => {
  let dir: string;
  beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), 'delivery-file-'))));
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('is whole, for its owner only, and nothing else is left', async () => {
    const into = join(dir, 'new', 'reports');
    expect(await send(file({ dir: into }), row())).toEqual({ kind: 'done' });
    expect(await readdir(into)).toEqual(['AJ_1.json']);
    expect(await readFile(join(into, 'AJ_1.json'), 'utf8')).toBe(row().body);
    expect((await stat(join(into, 'AJ_1.json'))).mode & 0o777).toBe(0o600);
  });

  it('is replaced by a second attempt, also over what a crash left', async () => {
    const into = join(dir, 'again');
    await send(file({ dir: into }), row());
    const left = '.AJ_1.json.report-AJ_1-abc.tmp';
    await writeFile(join(into, left), 'half a rep');
    expect(await send(file({ dir: into }), row({ body: '{"a":2}' }))).toEqual({ kind: 'done' });
    expect(await readdir(into)).toEqual(['AJ_1.json']);
    expect(await readFile(join(into, 'AJ_1.json'), 'utf8')).toBe('{"a":2}');
  });

  it('of an alert does not replace the report', async () => {
    const into = join(dir, 'both');
    await send(file({ dir: into }), row());
    await send(file({ dir: into }), row({ kind: 'alert', report: 'alert-1', delivery: 'alert-1-x' }));
    expect((await readdir(into)).sort()).toEqual(['AJ_1.alert-1.json', 'AJ_1.json']);
  });

  it('stays in its directory, whatever the session is called', async () => {
    const into = join(dir, 'names');
    for (const session of ['../../etc/passwd', '/abs', '.hidden', '..', 'a\u0000b', 'ä'.repeat(300)]) {
      expect(await send(file({ dir: into }), row({ session: session as SessionId })), session).toEqual({
        kind: 'done',
      });
    }
    expect(await readdir(into)).toHaveLength(6);
    expect(fileNameOf('../x')).toBe('%2e.%2fx');
  });

  it('that cannot be written fails and leaves nothing', async () => {
    const blocked = join(dir, 'blocked');
    await mkdir(join(blocked, 'AJ_1.json'), { recursive: true }); // a directory where the file should be
    expect(await send(file({ dir: blocked }), row())).toMatchObject({ kind: 'failed' });
    expect(await readdir(blocked)).toEqual(['AJ_1.json']);
  });
});

describe('standard output', () => {
  it('gets one line', async () => {
    let printed = '';
    const output = { print: async (text: string) => void (printed += text) };
    expect(await send(stdout(), row({ body: '{\n "a": 1\n}' }), { output })).toEqual({ kind: 'done' });
    expect(printed).toBe('{"a":1}\n');
  });

  it('that is stuck fails at the deadline', async () => {
    const output = { print: () => new Promise<void>(() => {}) };
    expect(await send(stdout(), row(), { output, attemptMs: 100 })).toMatchObject({ kind: 'failed' });
  });
});

describe('Slack', () => {
  it('gets what happened, in which session, why, without markup from an error', async () => {
    await using receiver = await startReceiver((response) => response.end('ok'));
    const to = slack({ url: receiver.url });
    const [alert] = alertsFor(
      {
        session: sessionIdOf('AJ_1'),
        at: 1_000,
        reason: 'model_failed',
        message: 'The call failed',
        detail: 'LLM: <!channel> 401 & out',
      },
      [to],
    );
    expect(await send(to, row({ kind: 'alert', body: alert?.body ?? '' }))).toMatchObject({ status: 200 });
    const { text } = JSON.parse(receiver.seen[0]?.body ?? '{}') as { text: string };
    expect(text.split('\n')).toEqual([
      '*Lastword:* The call failed',
      'session: AJ_1',
      'reason: model_failed',
      'error: LLM: &lt;!channel&gt; 401 &amp; out',
    ]);
  });
});

describe('a module of the user', () => {
  let dir: string;
  let moduleChild: URL;
  const moduleOf = async (name: string, code: string) => {
    await writeFile(join(dir, name), code);
    return destination(pathToFileURL(join(dir, name)));
  };
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'delivery-module-'));
    const compiler = new URL('../../node_modules/typescript/bin/tsc', import.meta.url).pathname;
    const source = new URL('../../src/delivery/module-child.ts', import.meta.url).pathname;
    const options = '--ignoreConfig --target es2023 --module nodenext --types node --skipLibCheck'.split(' ');
    await promisify(execFile)(process.execPath, [compiler, ...options, '--outDir', dir, source]);
    await writeFile(join(dir, 'package.json'), '{"type":"module"}');
    moduleChild = pathToFileURL(join(dir, 'module-child.js'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('gets the report, in a process of its own', async () => {
    const to = await moduleOf(
      'works.js',
      `import { writeFileSync } from 'node:fs';
       export default async (report) => writeFileSync(${JSON.stringify(join(dir, 'got.json'))}, JSON.stringify({ report, pid: process.pid }));`,
    );
    expect(await send(to, row(), { moduleChild })).toEqual({ kind: 'done' });
    const got = JSON.parse(await readFile(join(dir, 'got.json'), 'utf8')) as { report: object; pid: number };
    expect(got.report).toEqual({ said: 'Grüße' });
    expect(got.pid).not.toBe(process.pid);
  });

  const failures: [string, string, string][] = [
    ['that rejects', `export default async () => { throw new RangeError('too much'); };`, 'RangeError: too much'],
    ['that throws on import', `throw new Error('no database'); export default 1;`, 'no database'],
    ['without a function', `export const deliver = () => {};`, 'expected a default export'],
    ['that exits', `export default () => process.exit(3);`, 'without an answer (exit 3)'],
    ['that is killed', `export default () => process.kill(process.pid, 'SIGKILL');`, 'without an answer (SIGKILL)'],
  ];
  for (const [title, code, error] of failures) {
    it(`${title} fails, and we live`, async () => {
      const to = await moduleOf(`${title.replaceAll(' ', '-')}.js`, code);
      expect(await send(to, row(), { moduleChild, attemptMs: 10_000 })).toMatchObject({
        kind: 'failed',
        error: expect.stringContaining(error),
      });
    });
  }

  it('that blocks its process is killed when its attempt is over', async () => {
    const pidFile = join(dir, 'pid');
    const to = await moduleOf(
      'blocks.js',
      `import { writeFileSync } from 'node:fs';
       export default () => { writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); for (;;); };`,
    );
    const stop = new AbortController();
    const sending = send(to, row(), { moduleChild, attemptMs: 30_000 }, stop.signal);
    const readPid = async () => Number(await readFile(pidFile, 'utf8').catch(() => ''));
    await expect.poll(readPid, { timeout: 10_000 }).toBeGreaterThan(0);
    stop.abort();
    expect(await sending).toMatchObject({ kind: 'failed' });
    const pid = await readPid();
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
