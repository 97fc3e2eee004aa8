/** Who is refused: each attack over a real socket. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openCodes } from '../../src/inspector/codes.ts';
import { readPageFiles } from '../../src/inspector/files.ts';
import { namesOf } from '../../src/inspector/guard.ts';
import { openInspector } from '../../src/inspector/open.ts';
import { openStand, type Stand } from './inspector-stand.ts';

const messageIn = (text: string) => (JSON.parse(text) as { error: { message: string } }).error.message;

let stand: Stand;
let pageFolder: string;
beforeAll(async () => {
  pageFolder = mkdtempSync(join(tmpdir(), 'lastword-page-'));
  writeFileSync(join(pageFolder, 'index.html'), '<!doctype html><title>Lastword</title>');
  writeFileSync(join(pageFolder, 'page.js'), 'export {};');
  writeFileSync(join(pageFolder, 'notes.txt'), 'not for browsers');
  const page = readPageFiles(new URL(`file://${pageFolder}`));
  stand = await openStand({ parts: { page, charts: new Map() } });
});
afterAll(async () => {
  await stand.close();
  rmSync(pageFolder, { recursive: true });
});

describe('the token', () => {
  const guarded = ['/api/read/calls', '/api/stream/calls', '/api/stream/session/AJ_1'];
  it.each(guarded)('nobody is answered without it, nor with another one: %s', async (path) => {
    for (const headers of [
      {},
      { authorization: 'Bearer ' },
      { authorization: `Bearer ${'0'.repeat(64)}` },
      { authorization: stand.token },
      { authorization: `Basic ${stand.token}` },
      { authorization: `Bearer ${stand.token}0` },
      { authorization: `Bearer ${stand.token.slice(1)}` },
    ] as Record<string, string>[]) {
      const { status, text } = await stand.ask(path, { headers });
      expect([status, text.includes(stand.token)], JSON.stringify(headers)).toEqual([401, false]);
    }
  });

  it('is not taken from the URL, where it would stay in histories', async () => {
    expect((await stand.ask(`/api/read/calls?token=${stand.token}`)).status).toBe(401);
  });

  it('lies in the directory for its owner alone, and a restart keeps it', async () => {
    const path = join(stand.directory, 'inspector-token');
    expect([statSync(path).mode & 0o777, readFileSync(path, 'utf8')]).toEqual([0o600, stand.token]);
    const next = await openStand({ directory: stand.directory });
    expect(next.token).toBe(stand.token);
    expect((await next.read('calls')).status).not.toBe(401);
    await next.close({ keepsFiles: true });
  });

  it('is closed again when others could read it, and refused where it is no secret of ours', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lastword-token-'));
    const path = join(directory, 'inspector-token');
    writeFileSync(path, 'a'.repeat(64));
    chmodSync(path, 0o644);
    const open = await openStand({ directory });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await open.close({ keepsFiles: true });
    writeFileSync(path, 'easy');
    await expect(openStand({ directory })).rejects.toThrow(/inspector-token: expected 64 hexadecimal digits, got 4/);
    rmSync(directory, { recursive: true });
  });

  it('is of this process alone where there is no directory to hold it: that is said, and none is made', async () => {
    const directory = join(tmpdir(), `lastword-none-${process.pid}`);
    const open = await openStand({ directory });
    expect(open.warnings).toEqual([
      expect.stringMatching(/no keeper has used .* After a restart, open pages need a new address/),
    ]);
    expect([open.token.length, existsSync(directory)]).toEqual([64, false]);
    await open.close();
  });

  it('is not written where no keeper has been: the first one would take the directory for somebody else’s', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lastword-unused-'));
    const given = { directory, store: 'sqlite::memory:', host: '127.0.0.1', port: 0 };
    const inspector = await openInspector({ ...given, printAddress: () => undefined, warn: () => undefined });
    await inspector.close();
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });
});

describe('one-time codes', () => {
  it('a code works once; the next one stands in the terminal, not in the answer', async () => {
    const [first = ''] = stand.addresses;
    expect(first).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{32}$/);
    const again = await stand.ask('/api/token', { body: { code: stand.codeOf(first) } });
    expect([again.status, messageIn(again.text)]).toEqual([
      401,
      expect.stringContaining('expected one that was not used yet'),
    ]);
    for (const address of stand.addresses) expect(again.text).not.toContain(stand.codeOf(address));
  });

  it('expires after ten minutes; a new one is made at most each ten seconds, and four are kept', () => {
    let now = 0;
    const codes = openCodes(() => now);
    const first = codes.make();
    expect(codes.again()).toBeUndefined();
    now = 10_001;
    const second = codes.again() ?? '';
    expect(second).not.toBe('');
    now = 600_001;
    expect([codes.take(first), codes.take(second), codes.take(second)]).toEqual([false, true, false]);
    const many = Array.from({ length: 6 }, () => codes.make());
    expect(many.map((code) => codes.take(code))).toEqual([false, false, true, true, true, true]);
  });

  it.each([{}, { code: 7 }, { code: '' }, { code: 'x'.repeat(300) }, [], 'null'])('%j is none', async (body) => {
    expect((await stand.ask('/api/token', { body })).status).toBe(401);
  });
});

describe('whose page asks', () => {
  const read = (headers: Record<string, string>) =>
    stand.ask('/api/read/nix', { headers: { ...stand.bearer, ...headers } });

  const strangeHosts = [
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost:99999',
    '169.254.169.254',
    '127.0.0.1:PORT@evil.example',
    '[::1',
  ];
  it.each(strangeHosts)('a Host that is not ours (DNS rebinding) is refused: %s', async (host) => {
    for (const path of ['/', '/api/read/nix', '/api/token']) {
      const { status } = await stand.ask(path, {
        headers: { ...stand.bearer, host: host.replace('PORT', String(stand.port)) },
      });
      expect([400, 421], path).toContain(status);
    }
  });

  it.each(['GET / HTTP/1.1\r\nhost:\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n'])(
    'no Host at all is refused: %j',
    async (text) => {
      expect(await raw(text)).toMatch(/^HTTP\/1\.1 421/);
    },
  );

  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])('a Host that is ours is answered: %s', async (host) => {
    expect((await read({ host: `${host}:${stand.port}` })).status).toBe(400); // there is no read of that name
  });

  const strangeOrigins = [
    'http://evil.example',
    'https://127.0.0.1:PORT',
    'http://127.0.0.1',
    'http://127.0.0.1:1',
    'http://127.0.0.1:PORT.evil.example',
    'http://evil.example/http://127.0.0.1:PORT',
    'null',
    'file://',
    '',
  ];
  it.each(strangeOrigins)('an Origin that is not ours is refused: %s', async (origin) => {
    expect((await read({ origin: origin.replace('PORT', String(stand.port)) })).status).toBe(403);
    const token = await stand.ask('/api/token', { headers: { origin }, body: { code: stand.codeOf() } });
    expect(token.status).toBe(403);
  });

  it('our own Origin is answered, and what a browser says of another site is refused', async () => {
    expect((await read({ origin: `http://127.0.0.1:${stand.port}`, 'sec-fetch-site': 'same-origin' })).status).toBe(
      400,
    );
    for (const site of ['cross-site', 'same-site'])
      expect((await read({ 'sec-fetch-site': site })).status, site).toBe(403);
  });

  it('nobody is told that they may ask from elsewhere: no CORS, not even for a preflight', async () => {
    const headers = { origin: `http://localhost:${stand.port}`, 'access-control-request-method': 'GET' };
    const answers = [
      await stand.ask('/api/read/calls', { method: 'OPTIONS', headers }),
      await read({ origin: `http://localhost:${stand.port}` }),
    ];
    expect(answers[0]?.status).toBe(405);
    for (const answer of answers)
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('listening everywhere, it answers to the addresses and the name of this machine, and to no other', () => {
    const names = namesOf('0.0.0.0', ['192.0.2.7', 'fe80::1', 'Box']);
    expect([...names].sort()).toEqual(['0.0.0.0', '127.0.0.1', '192.0.2.7', '[::1]', '[fe80::1]', 'box', 'localhost']);
    expect([...namesOf('192.0.2.7', ['192.0.2.8'])]).toEqual(['192.0.2.7']);
  });
});

describe('what is sent', () => {
  it('each answer, a refusal too, forbids what a page does not need', async () => {
    for (const path of ['/', '/assets/page.js', '/api/read/calls', '/nix']) {
      const { headers } = await stand.ask(path);
      expect(headers['content-security-policy'], path).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:|data:/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
      });
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  const strayPaths = [
    '/assets/../../../../etc/passwd',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/etc/passwd',
    '/assets/..\\..\\etc\\passwd',
    '/assets//etc/passwd',
    '/assets/',
    '/assets/index.html/..',
    '/assets/notes.txt',
    '/assets/.env',
    '/assets/page.js%00.html',
    '/assets/constructor',
    '/assets/__proto__',
    '/chart/../page/index.html',
    '/../inspector-token',
    '//127.0.0.1/inspector-token',
    'http://127.0.0.1/assets/../../inspector-token',
    '/api/stream/session/..',
    '/api/stream/session/..%2f..%2fsecret',
    '/api/read/__proto__/..',
  ];
  it.each(strayPaths)('a path that leads elsewhere leads nowhere: %s', async (path) => {
    const { status, text } = await stand.ask(path, { headers: stand.bearer });
    expect([status, text.includes(stand.token), text.includes('root:')]).toEqual([404, false, false]);
  });

  it('the page and its files come as what they are, zipped where that is understood, and once', async () => {
    const plain = await stand.ask('/');
    expect(plain).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(plain.text).toContain('<title>');
    expect((await stand.ask('/', { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding']).toBe('gzip');
    const etag = String(plain.headers.etag);
    expect((await stand.ask('/', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await stand.ask('/assets/page.js')).headers['content-type']).toMatch(/^text\/javascript/);
  });
});

describe('bounds', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE'])(
    '%s is refused, and what may be asked is said',
    async (method) => {
      const { status, headers } = await stand.ask('/api/read/calls', { method, headers: stand.bearer });
      expect([status, headers.allow]).toEqual([405, 'GET']);
    },
  );

  it('a body beyond 64 KiB is refused, whether it says its length or not', async () => {
    const body = JSON.stringify({ code: 'x'.repeat(70_000) });
    expect((await stand.ask('/api/token', { body })).status).toBe(413);
    expect(
      await raw(
        `POST /api/token HTTP/1.1\r\nhost: 127.0.0.1:${stand.port}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n10000\r\n${'x'.repeat(65_536)}\r\n10000\r\n${'x'.repeat(65_536)}\r\n0\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 413/);
    expect((await stand.ask('/api/token', { body: '{', headers: {} })).status).toBe(400);
    expect((await stand.ask('/api/token', { body, headers: { 'content-type': 'text/plain' } })).status).toBe(413);
    expect((await stand.ask('/api/token', { body: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  });

  it('a URL beyond 8,192 characters and headers beyond 16 KiB are refused', async () => {
    expect((await stand.ask(`/api/read/calls?asked=${'x'.repeat(9_000)}`, { headers: stand.bearer })).status).toBe(414);
    expect((await stand.ask('/', { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
  });

  it('what is no HTTP is refused, and whoever says half a request is let go', async () => {
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    const began = performance.now();
    await raw(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${stand.port}\r\nx-slow: `, 20_000);
    expect(performance.now() - began).toBeLessThan(14_000);
    expect((await stand.ask('/')).status).toBe(200);
  }, 30_000);

  it.each(['{', '[', 'nix', '"\u0000"'])('a question that is no JSON is refused in one line: %s', async (asked) => {
    const { status, text } = await stand.ask(`/api/read/why?asked=${encodeURIComponent(asked)}`, {
      headers: stand.bearer,
    });
    expect(status).toBe(400);
    expect(messageIn(text)).toMatch(/expected/);
    expect(messageIn(text)).not.toMatch(/\n|    at /);
  });
});

let openSockets: (() => void)[] = [];
afterEach(() => {
  for (const end of openSockets) end();
  openSockets = [];
});
/** What comes back over a bare socket until it is closed. */
const raw = (text: string, ms = 5_000): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(stand.port, '127.0.0.1');
    openSockets.push(() => socket.destroy());
    let back = '';
    const limit = setTimeout(() => socket.destroy(), ms);
    socket.setEncoding('latin1').on('data', (chunk: string) => (back += chunk));
    socket.on('error', () => undefined).on('close', () => (clearTimeout(limit), resolve(back)));
    socket.write(text);
  });
