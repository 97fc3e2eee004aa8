/** Who may say what: strangers on the keeper's socket, all of the same user, and what they cannot do. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { ownerOf } from '../../src/journal/owner.ts';
import { type SessionId, firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import type { ToKeeper } from '../../src/link/messages.ts';
import { socketPath } from '../../src/link/path.ts';
import { jobToken, readSecret, tokenOf } from '../../src/link/secret.ts';
import { until } from '../e2e/harness/index.ts';
import { hangUp } from './harness/scenario.ts';
import { Siege } from './harness/siege.ts';

const owner = { host: 'elsewhere', bootId: 'boot', pidNamespace: '1', pid: 1, startTicks: '1' };
const heardMs = 5_000;
/** Listens there and is gone without a farewell: its file stays. */
const deadSocket = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;

/** Says so, and waits until the keeper hangs up. @returns what it was told */
async function say(siege: Siege, ...messages: (ToKeeper | string)[]): Promise<string> {
  const socket = connect(socketPath(siege.directory));
  let told = '';
  socket.on('data', (chunk) => (told += chunk.toString()));
  socket.on('error', () => undefined); // it may hang up while we still write
  for (const message of messages) socket.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
  let isOver = false;
  socket.once('close', () => (isOver = true));
  await until(
    'the keeper to hang up',
    () => isOver,
    heardMs,
    () => told,
  ).finally(() => socket.destroy());
  return told;
}
const jobHello = (siege: Siege, session: SessionId, more: Partial<Extract<ToKeeper, { type: 'hello.job' }>> = {}) =>
  ({
    type: 'hello.job',
    ...firstJob(session),
    owner,
    identity: 'x',
    token: jobToken(siege.directory, session) ?? '',
    ...more,
  }) satisfies ToKeeper;
const workerHello = (siege: Siege, more: Partial<Extract<ToKeeper, { type: 'hello.worker' }>> = {}) =>
  ({
    type: 'hello.worker',
    pid: 4242,
    agentFile: 'x',
    agentName: '',
    livekit: null,
    reports: [],
    alerts: [],
    policy: defaultPolicy,
    hangUp,
    token: tokenOf(readSecret(siege.directory), 'worker'),
    ...more,
  }) satisfies ToKeeper;
/** A call is taken, followed, closed and sealed as ever. */
async function goesOn(siege: Siege, session: string) {
  const call = await siege.call(session);
  expect(await call.close()).toEqual({ isSealed: true });
}

test('the secret is open to its owner alone, outlives its keeper, and the worker and jobs of before are known again', async () => {
  await using siege = await Siege.lay();
  const first = await siege.keeper();
  const secret = readSecret(siege.directory);
  const call = await siege.call('AJ_before');
  first.process.kill('SIGKILL');
  await first.ended;
  const from = siege.lines.length;
  await siege.keeper();
  await siege.logged('following the job', { session: 'AJ_before', from });
  expect(readSecret(siege.directory)).toBe(secret);
  expect(await call.close()).toEqual({ isSealed: true });
});

describe('the socket', () => {
  test('whose file is removed is there again within a second, and nobody is killed meanwhile', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const before = await siege.call('AJ_before');
    rmSync(socketPath(siege.directory));
    const removedAt = performance.now();
    await until('the socket', () => existsSync(socketPath(siege.directory)), 5_000);
    expect(performance.now() - removedAt).toBeLessThan(1_000);
    await goesOn(siege, 'AJ_after');
    expect(await before.status()).toMatchObject({ isConnected: true, heard: ['welcome'] });
    expect(await before.close()).toEqual({ isSealed: true });
  });

  test('that cannot be made again for longer than any patience: whoever is cut off is not dead, and comes back', async () => {
    await using siege = await Siege.lay({ policy: { startMs: 2_000, warmStartMs: 1_000 } });
    await siege.keeper();
    const path = socketPath(siege.directory);
    const connected = await siege.call('AJ_connected');
    rmSync(path);
    mkdirSync(join(path, 'in-the-way'), { recursive: true }); // no unlink() removes it
    expect(await siege.offer('AJ_cut')).toBe(true);
    const asked = () => siege.livekit.asked.filter((what) => what.startsWith('ListParticipants')).length;
    await until(
      'LiveKit asked twice about it',
      () => asked() >= 2,
      40_000,
      () => JSON.stringify(siege.lines.slice(-9)),
    );
    expect(await siege.job('AJ_cut').status()).toMatchObject({ isConnected: false });
    rmSync(path, { recursive: true });
    await until('it is back', async () => (await siege.job('AJ_cut').status()).isConnected, 10_000);
    for (const call of [connected, siege.job('AJ_cut')]) expect(await call.close()).toEqual({ isSealed: true });
    expect(siege.lines.filter(({ what }) => what !== undefined)).toEqual([]);
  });

  test('that is replaced by a file of somebody else, or by a socket that nobody serves, is listened on again', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const path = socketPath(siege.directory);
    for (const [index, replace] of [
      () => writeFileSync(path, ''),
      () => void spawnSync(process.execPath, ['-e', deadSocket, path]),
    ].entries()) {
      const from = siege.lines.length;
      rmSync(path);
      replace();
      await siege.logged('listening again', { from });
      await goesOn(siege, `AJ_${index}`);
    }
  });

  test('of a keeper without file descriptors: who cannot connect is not dead, and every call goes on', async () => {
    await using siege = await Siege.lay({ policy: { startMs: 8_000, warmStartMs: 4_000 } });
    const keeper = await siege.keeper();
    const open = readdirSync(`/proc/${keeper.pid}/fd`).length;
    const connected = await siege.call('AJ_connected');
    execFileSync('prlimit', ['--pid', String(keeper.pid), `--nofile=${open + 4}:`]);
    const sessions = Array.from({ length: 8 }, (_, index) => `AJ_${index}`);
    const recorded: string[] = [];
    for (const session of sessions) if (await siege.offer(session).catch(() => false)) recorded.push(session);
    const isCut = async (session: string) => !(await siege.job(session).status()).isConnected;
    const cut = await Promise.all(recorded.map(isCut));
    expect(recorded.length < sessions.length || cut.includes(true), 'somebody is without a connection').toBe(true);
    // Past the keeper's patience with a job that is silent or late.
    await pause(12_000);
    for (const session of recorded) expect(await siege.job(session).isThere(), session).toBe(true);
    expect((await connected.status()).heard).toEqual(['welcome']);
    expect(siege.livekit.asked.filter((asked) => asked.startsWith('DeleteRoom'))).toEqual([]);
    execFileSync('prlimit', ['--pid', String(keeper.pid), '--nofile=4096:']);
    // Whoever looks for its keeper looks again within 2 s; an end waits no longer for its seal.
    const isBack = async (session: string) => (await siege.job(session).status()).isConnected;
    for (const session of recorded) await until(`${session} connected again`, () => isBack(session), 10_000);
    for (const session of ['AJ_connected', ...recorded])
      expect(await siege.job(session).close(), session).toEqual({ isSealed: true });
  });
});

test.skipIf(process.getuid?.() !== 0)('another user of the machine cannot connect', async () => {
  await using siege = await Siege.lay();
  chmodSync(siege.scenario.scratch, 0o755); // so that it is the keeper's own doing
  await siege.keeper();
  const connecting = `require('node:net').connect(process.argv[1]).on('error', ({ code }) => console.log(code)).on('connect', () => process.exit(1))`;
  const args = ['-e', connecting, socketPath(siege.directory)];
  const { stdout, status } = spawnSync(process.execPath, args, {
    uid: 65_534,
    gid: 65_534,
    cwd: '/',
    encoding: 'utf8',
  });
  expect({ stdout: stdout.trim(), status }).toEqual({ stdout: 'EACCES', status: 0 });
});

test('all that a call leaves in LASTWORD_DIR is open to its user alone', async () => {
  await using siege = await Siege.lay();
  const before = process.umask(0); // which the keeper inherits
  const keeper = await siege.keeper().finally(() => process.umask(before));
  expect(await (await siege.call('AJ_1')).close()).toEqual({ isSealed: true });
  await siege.logged('report delivered', { session: 'AJ_1' });
  const names = readdirSync(siege.directory, { recursive: true, encoding: 'utf8' });
  const open = names.filter((name) => (lstatSync(join(siege.directory, name)).mode & 0o077) !== 0);
  expect(names).toContain('secret');
  expect(names).toContain(join('sessions', 'AJ_1', '1.jsonl'));
  expect(open).toEqual([]);
  expect(lstatSync(siege.directory).mode & 0o777).toBe(0o700);
  keeper.process.kill('SIGTERM');
  await keeper.ended;
});

describe('a stranger on the socket', () => {
  test('who sends rubbish is told so in one line and disconnected; the calls go on, and no folder is made', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const call = await siege.call('AJ_healthy');
    const rubbish: Record<string, string | ToKeeper> = {
      'no JSON': 'hello\n',
      'an empty line': '\n',
      'deep JSON': `${'['.repeat(500_000)}\n`,
      'a deep field': `{"type":"alert","session":"a","message":"m","detail":${'['.repeat(300_000)}${']'.repeat(300_000)}}\n`,
      'a line of 2 MB': `${'x'.repeat(2e6)}\n`,
      '2 MB without an end': 'x'.repeat(2e6),
      'a prototype': '{"__proto__":{"polluted":1},"type":"beat","session":"a"}\n',
      'the id of a constructor': { type: 'beat', session: sessionIdOf('constructor') },
      'an id that climbs': jobHello(siege, '../../etc' as SessionId, { token: '' }),
      'an id of two dots': jobHello(siege, '..' as SessionId, { token: '' }),
      'an id with a zero': { type: 'beat', session: 'a\u0000b' as SessionId },
      'a session that is none': { type: 'beat', session: sessionIdOf('AJ_none') },
      'a huge epoch': jobHello(siege, sessionIdOf('AJ_huge'), { epoch: Number.MAX_SAFE_INTEGER, token: '' }),
      'an alert that forges a line': {
        type: 'alert',
        session: sessionIdOf('AJ_a'),
        message: '\u001B[31m\n<!channel>',
        detail: 'd',
      },
    };
    for (const [what, message] of Object.entries(rubbish)) {
      const told = await say(siege, message);
      // A line that is too long is not read to its end, so the system may take the answer away with it.
      if (!/2 MB/.test(what)) expect(told, what).toMatch(/^\{"type":"refused","why":"[^\n]*expected[^\n]*"\}\n$/i);
      expect(told, what).not.toContain('welcome');
    }
    expect((await call.status()).isConnected).toBe(true);
    await goesOn(siege, 'AJ_after');
    const folders = await siege.withStore((store) => store.sessions({ limit: 9 }));
    expect(folders.map(({ session }) => session).sort()).toEqual(['AJ_after', 'AJ_healthy']);
  });

  test('who has no token, or that of another job, is told what was expected, what came and what to do', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const { token: _, ...without } = jobHello(siege, sessionIdOf('AJ_1'));
    expect(await say(siege, without)).toMatch(/expected the token of the job AJ_1, got none; let it run as the user/);
    const other = { token: jobToken(siege.directory, sessionIdOf('AJ_2')) ?? '' };
    expect(await say(siege, jobHello(siege, sessionIdOf('AJ_1'), other))).toMatch(
      /expected the token of the job AJ_1, got another/,
    );
    expect(await say(siege, workerHello(siege, other))).toMatch(
      /expected the token of the worker, got another one; let/,
    );
  });

  test('cannot close, withdraw, silence or take over the call of another', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const victim = await siege.call('AJ_victim');
    const { pid } = await victim.status();
    const stranger = jobHello(siege, sessionIdOf('AJ_stranger'));
    const closed: ToKeeper = { type: 'job.closed', session: sessionIdOf('AJ_victim'), epoch: 1, lastSeq: 1 };
    const lines: ToKeeper[] = [
      closed,
      { type: 'job.withdrawn', job: jobIdOf('AJ_victim'), why: 'x' },
      { type: 'job.unstarted', job: jobIdOf('AJ_victim'), why: 'x' },
      { type: 'job.launched', job: jobIdOf('AJ_victim') },
      { type: 'beat', session: sessionIdOf('AJ_victim') },
      { type: 'alert', session: sessionIdOf('AJ_victim'), message: 'm', detail: 'd' },
      { type: 'worker.draining' },
      { type: 'worker.ready' },
      jobHello(siege, sessionIdOf('AJ_victim')),
    ];
    for (const line of lines) {
      if (line.type !== 'hello.job') expect(await say(siege, line), line.type).toContain('expected a hello first');
      expect(await say(siege, stranger, line), line.type).toMatch(/expected .*AJ_stranger/);
    }
    expect(await victim.status()).toMatchObject({ pid, isConnected: true, heard: ['welcome'] });
    expect(await victim.close()).toEqual({ isSealed: true });
    await siege.logged('report delivered', { session: 'AJ_victim' });
    expect(await siege.report('AJ_victim')).toMatchObject({ end: { reason: 'caller_hung_up' } });
  });

  test('who says to be the worker does not take its place while it lives, and no report goes elsewhere', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const elsewhere = {
      kind: 'file',
      name: 'elsewhere',
      directory: join(siege.scenario.scratch, 'elsewhere'),
    } as const;
    expect(await say(siege, workerHello(siege, { reports: [elsewhere] }))).toMatch(
      /expected one worker, got a second one \(pid 4242\) while pid \d+ is connected/,
    );
    await goesOn(siege, 'AJ_1');
    await siege.logged('report delivered', { session: 'AJ_1' });
    expect(siege.lines.filter(({ msg }) => msg === 'report delivered')).toHaveLength(1);
    expect(await siege.delivered()).toEqual(['AJ_1.json']);
  });

  test('whose hello has limits or an address that cannot be used is refused in one line, and no keeper ends of it', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const livekit = { url: 'ws://127.0.0.1:9', apiKey: 'k', apiSecret: 's' };
    const addresses = [
      { ...livekit, url: '' },
      { ...livekit, url: 'not a url' },
      { ...livekit, url: 'wss://' },
      { ...livekit, url: 'file:///etc/passwd' },
      { ...livekit, apiKey: '' },
    ];
    for (const wrong of addresses)
      expect(await say(siege, workerHello(siege, { livekit: wrong })), JSON.stringify(wrong)).toMatch(/livekit\.\w+: /);
    for (const limit of ['1e308', '-1', '0', '3e9', 'null', '"NaN"']) {
      const policy = Object.keys(defaultPolicy).map((name) => `"${name}":${limit}`);
      const { policy: _, ...rest } = workerHello(siege);
      const line = `${JSON.stringify(rest).slice(0, -1)},"policy":{${policy.join(',')}}}\n`;
      expect(await say(siege, line), limit).toMatch(/policy\.\w+: /);
    }
    await goesOn(siege, 'AJ_1');
  });

  test('who drips one long line in small pieces costs the keeper little', async () => {
    await using siege = await Siege.lay();
    const keeper = await siege.keeper();
    const usedMs = () => {
      const fields = readFileSync(`/proc/${keeper.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10; // hundredths of a second
    };
    const socket = connect(socketPath(siege.directory));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(jobHello(siege, sessionIdOf('AJ_drip')))}\n`);
    await once(socket, 'data');
    const before = usedMs();
    for (let written = 0; written < 1_000_000; written += 256) {
      socket.write('x'.repeat(256));
      if (written % 1_024 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await goesOn(siege, 'AJ_1');
    expect(usedMs() - before).toBeLessThan(1_500);
    socket.destroy();
  });

  test('who names a process that is no job of the worker as its own: nobody kills it, and LiveKit is asked', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const bystander = spawn('sleep', ['100']);
    try {
      const named = jobHello(siege, sessionIdOf('AJ_named'), { owner: await ownerOf(bystander.pid ?? 0) });
      siege.livekit.rooms.set('room-AJ_named', []);
      const offered = siege.offer('AJ_named', { isStarted: false });
      expect(await offered).toBe(true);
      siege.livekit.rooms.set('room-AJ_named', [{ identity: 'caller', sid: 'PA_1', kind: 'STANDARD' }]);
      const socket = connect(socketPath(siege.directory));
      socket.on('error', () => undefined);
      socket.write(`${JSON.stringify(named)}\n`);
      await siege.logged('following the job', { session: 'AJ_named' });
      socket.destroy();
      const noticed = await siege.logged('without a living job', { session: 'AJ_named', ms: 60_000 });
      expect(noticed['what']).toBe('gone'); // LiveKit's word; `frozen` would be our own, of a process that is not ours
      await siege.logged('report sealed', { session: 'AJ_named' });
      expect(bystander.signalCode).toBe(null);
      expect(siege.livekit.asked).toContain('ListParticipants');
    } finally {
      bystander.kill('SIGKILL');
    }
  });
});
