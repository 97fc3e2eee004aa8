/** What the doctor says of each finding, and a receiver that is really asked. The LiveKit server: test/e2e/doctor.test.ts. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { definePolicy } from '../../machines/index.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { judgeServer } from '../../src/doctor/check-livekit.ts';
import { checkNode, judgeFiles, judgeFlush, judgeSdk, testedSdk } from '../../src/doctor/check-machine.ts';
import { checkGrace } from '../../src/doctor/check-policy.ts';
import { checkReceivers } from '../../src/doctor/check-receivers.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let scratch: string;
beforeAll(async () => void (scratch = await mkdtemp(join(tmpdir(), 'lastword-doctor-'))));
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('of this machine', () => {
  test('Node and the SDK are held to what was tested', () => {
    expect(checkNode('20.18.1')).toMatchObject({ outcome: 'bad', remedy: 'install Node 22 or 24' });
    expect(checkNode('20.19.0').outcome).toBe('good');
    expect(checkNode('24.1.0').outcome).toBe('good');
    const { devDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(devDependencies['@livekit/agents']).toBe(testedSdk);
    expect(judgeSdk('sdk', testedSdk).outcome).toBe('good');
    expect(judgeSdk('sdk', '1.10.3').outcome).toBe('doubtful');
    expect(judgeSdk('sdk', '1.8.9').outcome).toBe('bad');
    expect(judgeSdk('sdk', '2.0.0').outcome).toBe('bad');
  });
  test('a slow disk is looked at, and too few open files are bad, with the number that is needed', () => {
    expect(judgeFlush([0.4, 0.5, 90]).outcome).toBe('good');
    expect(judgeFlush([10, 60, 90])).toMatchObject({ outcome: 'doubtful', found: expect.stringContaining('60.0 ms') });
    expect(judgeFiles('1024', 300)).toMatchObject({ outcome: 'bad', remedy: 'ulimit -n 1400' });
    expect(judgeFiles('1024', 200).outcome).toBe('good');
    expect(judgeFiles('unlimited', 20_000).outcome).toBe('good');
  });
});

describe('of LiveKit', () => {
  const policy = { callerGraceMs: 20_000 };
  const well = { answers: true, keys: true, dispatches: true, departureMs: 20_000, skewMs: 300 } as const;
  const outcomes = (tried: Parameters<typeof judgeServer>[1], own = policy) =>
    judgeServer('host', tried, own).map(({ outcome }) => outcome);

  test('a server that is there, takes the keys, dispatches and has our time is good', () => {
    expect(outcomes(well)).toEqual(['good', 'good', 'good', 'good', 'good']);
  });
  test('of one that is away, nothing else is asked', () => {
    expect(outcomes({ answers: 'connect ECONNREFUSED' })).toEqual(['bad', 'skipped', 'skipped', 'skipped', 'skipped']);
  });
  test('a room that closes before a lost caller may come back, and a clock that is off, are told with what to do', () => {
    const found = judgeServer('host', { ...well, skewMs: -42_000 }, { callerGraceMs: 45_000 });
    expect(found.filter(({ remedy }) => remedy !== '')).toEqual([
      expect.objectContaining({ check: 'clock', outcome: 'bad', found: '42 s apart from the server’s' }),
      expect.objectContaining({ check: 'departureTimeout', remedy: expect.stringContaining('departureTimeout: 45') }),
    ]);
  });
});

test('a grace period that is shorter than the budget of a stop is bad', () => {
  expect(checkGrace(definePolicy(), 30_000).map(({ outcome }) => outcome)).toEqual(['good', 'good']);
  const [grace] = checkGrace(definePolicy({ shutdownBudgetMs: 50_000 }), 30_000);
  expect(grace).toMatchObject({ outcome: 'bad', remedy: expect.stringContaining('give 55 s') });
});

describe('a receiver', () => {
  type Asked = { headers: Record<string, string>; body: string };
  const receiver = async (status: number, text = '') => {
    const asked: Asked[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        asked.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(status).end(text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls?key=s3cret`;
    return { asked, url, [Symbol.asyncDispose]: async () => void server.close() };
  };

  test('gets one signed test that says it is none of a call, and its answer is told without its key', async () => {
    await using web = await receiver(204);
    const [found] = await checkReceivers([webhook({ url: web.url, secret: SECRET, allowPrivate: true })]);
    expect(found).toMatchObject({ outcome: 'good', found: 'took a signed test (204)' });
    expect(JSON.stringify(found)).not.toContain('s3cret');
    expect(web.asked).toHaveLength(1);
    const [{ headers, body }] = web.asked as [Asked];
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ type: 'lastword.test' });
  });
  test('that refuses it is shown with what it said, and what to do', async () => {
    await using web = await receiver(401, 'bad signature');
    const [found] = await checkReceivers([webhook({ url: web.url, secret: SECRET, allowPrivate: true })]);
    expect(found).toMatchObject({
      outcome: 'bad',
      found: 'answered 401 to a signed test: bad signature',
      remedy: 'check its secret and headers: both ends need the same',
    });
  });
  test('that anybody could write to is looked at', async () => {
    await using web = await receiver(200);
    const [found] = await checkReceivers([webhook({ url: web.url, allowPrivate: true })]);
    expect(found).toMatchObject({ outcome: 'doubtful', remedy: 'give a secret: anybody could send it reports' });
  });
  test('that is away is bad, and none at all is looked at', async () => {
    const [away] = await checkReceivers([webhook({ url: 'http://127.0.0.1:1/', secret: SECRET, allowPrivate: true })]);
    expect(away).toMatchObject({ outcome: 'bad', found: expect.stringContaining('ECONNREFUSED') });
    expect(await checkReceivers([])).toMatchObject([{ outcome: 'doubtful', found: 'none is configured' }]);
  });
});

describe('lastword doctor', () => {
  const run = async (...given: string[]) => {
    let out = '';
    const code = await runCommandLine(['doctor', ...given], {
      env: { LASTWORD_DIR: join(scratch, 'own') },
      isTTY: false,
      out: (text) => void (out += text),
      err: (text) => void (out += text),
    });
    return { code, out };
  };

  test('says in JSON what it says in lines, and is 1 when something is bad', async () => {
    const { code, out } = await run('--json');
    const found = JSON.parse(out) as { check: string; outcome: string }[];
    expect(found.find(({ check }) => check === 'LiveKit')).toMatchObject({ outcome: 'bad' });
    expect(found.find(({ check }) => check === 'disk')).toMatchObject({ outcome: 'good' });
    expect(code).toBe(1);
  });
  test('of an agent file that throws, hangs up or is none, it says why, in one line', async () => {
    const file = join(scratch, 'throws.mjs');
    await writeFile(file, `throw new Error('the menu is missing');`);
    expect((await run(file)).out).toMatch(/BAD +agent file +Error: the menu is missing → correct it/);
    const empty = join(scratch, 'empty.mjs');
    await writeFile(empty, 'export {};');
    expect((await run(empty)).out).toMatch(/BAD +agent file +ended with 0, and started no worker/);
    expect(await run(join(scratch, 'nowhere.mjs'))).toMatchObject({
      code: 78,
      out: expect.stringContaining('does not exist'),
    });
  });
  test('refuses a grace period that is none', async () => {
    expect(await run('--grace', 'soon')).toMatchObject({
      code: 2,
      out: expect.stringContaining('--grace: expected seconds above 0'),
    });
  });
});
