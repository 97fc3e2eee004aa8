import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { findKeyProblems } from '../../src/worker/provider-keys.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Answers each path with a status; 0 is no answer at all. */
const provider = async (statusOf: (path: string) => number) => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const status = statusOf(request.url ?? '');
    if (status > 0) response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = {
    OPENAI_API_KEY: 'sk-hidden-1',
    OPENAI_BASE_URL: `${origin}/v1/`,
    CARTESIA_API_KEY: 'sk-hidden-2',
    CARTESIA_BASE_URL: origin,
    LIVEKIT_URL: origin.replace('http', 'ws'),
    LIVEKIT_API_KEY: 'APIkey',
    LIVEKIT_API_SECRET: 'hidden-secret-of-thirty-two-characters',
  };
  return { env, seen };
};

it('keys that are accepted leave nothing to say, and each was tried where its plugin would', async () => {
  const { env, seen } = await provider(() => 200);
  expect(await findKeyProblems(env)).toEqual([]);
  expect(seen.map(({ url }) => url ?? '').sort((one, other) => (one < other ? -1 : 1))).toEqual([
    '/twirp/livekit.RoomService/ListRooms',
    '/v1/models',
    '/voices?limit=1',
  ]);
  const headersOf = (url: string) => seen.find((request) => request.url === url)?.headers;
  expect(headersOf('/v1/models')).toMatchObject({ authorization: 'Bearer sk-hidden-1' });
  expect(headersOf('/voices?limit=1')).toMatchObject({ 'x-api-key': 'sk-hidden-2', 'cartesia-version': '2025-04-16' });
});

it.each([401, 403])('%i refuses in one line that names the variable and holds no key', async (status) => {
  const { env } = await provider(() => status);
  const findings = await findKeyProblems(env);
  expect(findings.map(({ kind, line }) => [kind, line.split(':')[0]])).toEqual([
    ['refused', 'OPENAI_API_KEY'],
    ['refused', 'CARTESIA_API_KEY'],
    ['refused', 'LIVEKIT_API_KEY, LIVEKIT_API_SECRET'],
  ]);
  for (const { line } of findings) {
    expect(line).not.toContain('\n');
    expect(line).not.toContain('hidden');
    expect(line).toContain(String(status));
  }
});

it('a provider that is broken, or missing at that address, is a warning', async () => {
  const { env } = await provider((path) => (path === '/v1/models' ? 500 : 404));
  const findings = await findKeyProblems(env);
  expect(findings.filter(({ kind }) => kind === 'refused')).toEqual([]);
  expect(findings[0]?.line).toMatch(
    /^OPENAI_API_KEY: could not be tried at OpenAI \(it answered 500\); starting all the same$/,
  );
});

it('a provider that is away, or silent for 3 s, is a warning, and the others are asked meanwhile', async () => {
  const { env } = await provider((path) => (path === '/voices?limit=1' ? 0 : 200));
  const begun = performance.now();
  const findings = await findKeyProblems({ ...env, OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' });
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(findings.map(({ kind, line }) => [kind, line.split(':')[0]])).toEqual([
    ['unknown', 'OPENAI_API_KEY'],
    ['unknown', 'CARTESIA_API_KEY'],
  ]);
  expect(findings[1]?.line).toMatch(/no answer within 3000 ms/);
});

it('a missing key is refused, an empty one is missing, and nothing is asked of its provider', async () => {
  const { env, seen } = await provider(() => 200);
  const findings = await findKeyProblems({ ...env, OPENAI_API_KEY: '', CARTESIA_API_KEY: undefined });
  expect(findings.map(({ kind, line }) => [kind, line.split(':')[0]])).toEqual([
    ['refused', 'OPENAI_API_KEY'],
    ['refused', 'CARTESIA_API_KEY'],
  ]);
  expect(seen.map(({ url }) => url)).toEqual(['/twirp/livekit.RoomService/ListRooms']);
});

it.each([
  ['LIVEKIT_URL', 'example.livekit.cloud'],
  ['OPENAI_BASE_URL', 'ftp://example.com'],
  ['CARTESIA_BASE_URL', 'api.cartesia.ai'],
])('%s that is no URL is refused before anything is asked', async (name, value) => {
  const { env, seen } = await provider(() => 200);
  const findings = await findKeyProblems({ ...env, [name]: value });
  expect(findings).toMatchObject([{ kind: 'refused' }]);
  expect(findings[0]?.line).toMatch(new RegExp(`^${name}: expected a URL such as .*, got "${value}"`));
  expect(seen).toEqual([]);
});
