/**
 * A job is killed while the world around the keeper misbehaves: its caller is released within 2 s all the same. Each
 * siege is laid for certain before the job dies.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { WebhookDestination } from '../../src/link/destination.ts';
import { socketPath } from '../../src/link/path.ts';
import { until } from '../e2e/harness/index.ts';
import { hang, hangReport } from './harness/hung-disk.ts';
import { withoutDns } from './harness/no-dns.ts';
import { Siege } from './harness/siege.ts';

/** G8: of a killed process. */
const RELEASED_MS = 2_000;
/** As many as the system's threads for files and names in a process of Node's, and some more. */
const MORE_THAN_THE_POOL = 6;
const sessions = (count: number) => Array.from({ length: count }, (_, index) => `AJ_${index}`);
const hook = (url: string): WebhookDestination => ({
  kind: 'webhook',
  name: 'web',
  url,
  secrets: [],
  headers: {},
  allowPrivate: true,
});

/** Kills the job of a call and waits until its caller is let go. */
const killed = async (siege: Siege, session = 'AJ_victim') => {
  await siege.job(session).kill();
  return await siege.released(session, 30_000);
};

describe('a killed job: its caller is released within 2 s', () => {
  test('(a) while reports are due at a host whose name server does not answer', async () => {
    await using dns = await withoutDns('livekit.siege.test');
    await using siege = await Siege.lay({
      livekit: (url) => url.replace('127.0.0.1', 'livekit.siege.test'),
      reports: [hook('http://hooks.dead-dns.test/reports')],
    });
    await siege.keeper({ wrapped: dns.wrapped });
    await siege.call('AJ_victim');
    const others = sessions(MORE_THAN_THE_POOL);
    await Promise.all(others.map(async (session) => (await siege.call(session)).close()));
    expect(await killed(siege)).toBeLessThan(RELEASED_MS);
  });

  test('(b) while the disk of the reports hangs, and that of LASTWORD_DIR too', async () => {
    await using siege = await Siege.lay();
    const [reports] = siege.scenario.reports;
    if (reports?.kind !== 'file') throw new Error('expected a file destination');
    mkdirSync(reports.directory);
    const others = sessions(MORE_THAN_THE_POOL);
    const killedBefore = others.map((session) => `${session}_killed`);
    for (const session of others) hangReport(reports, session);
    await siege.keeper();
    for (const session of ['AJ_victim', ...killedBefore]) await siege.call(session);
    for (const session of others) await (await siege.call(session)).close();
    const letGo = ['AJ_victim', ...killedBefore].map((session) =>
      hang(join(siege.directory, 'sessions', session, '1.jsonl')),
    );
    await Promise.all(killedBefore.map((session) => siege.job(session).kill()));
    await siege.released(killedBefore.at(-1) ?? ''); // by now the threads are all taken
    expect(await killed(siege)).toBeLessThan(RELEASED_MS);
    await Promise.all(letGo.map((one) => one()));
  });

  test('(c) while nobody reads the log', async () => {
    await using siege = await Siege.lay();
    const reader = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const log = join(siege.scenario.scratch, 'log');
    spawn('mkfifo', [log]);
    await pause(100);
    const [reading, writing] = [openSync(log, 'r+'), openSync(log, 'w')];
    try {
      await siege.keeper({ stdout: writing });
      const flood = await siege.call('AJ_flood');
      await siege.call('AJ_victim');
      // More than the pipe holds, twice over.
      for (let line = 0; line < 2_000; line += 1)
        await siege.say({ type: 'alert', session: 'AJ_flood', message: 'm', detail: 'x'.repeat(100) });
      expect(await killed(siege)).toBeLessThan(RELEASED_MS);
      expect(await flood.isThere()).toBe(true);
    } finally {
      closeSync(reading);
      closeSync(writing);
      reader.kill('SIGKILL');
    }
  });

  test('(d) while 10,000 rows are due', async () => {
    const hanging = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(hanging, 'listening');
    await using siege = await Siege.lay({
      reports: [hook(`http://127.0.0.1:${(hanging.address() as AddressInfo).port}/`)],
    });
    mkdirSync(siege.directory, { mode: 0o700 });
    await siege.withStore(async (store) => {
      const rows = Array.from({ length: 10_000 }, (_, index) => ({
        delivery: `d-${index}`,
        session: `AJ_${index}`,
        report: `r-${index}`,
        destination: 'web',
        kind: 'report' as const,
        body: '{}',
        nextAt: 0,
      }));
      await store.enqueue(rows);
    });
    await siege.keeper();
    await siege.call('AJ_victim');
    expect(await killed(siege)).toBeLessThan(RELEASED_MS);
    hanging.closeAllConnections();
    hanging.close();
  });

  test('(e) while another process holds the database', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    await siege.call('AJ_victim');
    const others = sessions(MORE_THAN_THE_POOL);
    for (const session of others) await siege.call(session);
    // In a process of its own, as it would be; it says when it has the lock, and holds it until it is killed.
    const hold = `const { DatabaseSync } = require('@photostructure/sqlite');
      const held = new DatabaseSync(process.argv[1]); held.exec('begin immediate'); console.log('held');
      setInterval(() => held.exec('select 1'), 1_000);`;
    const holder = spawn(process.execPath, ['-e', hold, join(siege.directory, 'lastword.db')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      // These want to be sealed, and wait for the database.
      await Promise.all(others.map((session) => siege.job(session).kill()));
      await siege.released(others.at(-1) ?? '');
      expect(await killed(siege)).toBeLessThan(RELEASED_MS);
      expect(await siege.withStore((store) => store.report('AJ_victim'))).toBeUndefined(); // it was held for certain
    } finally {
      holder.kill('SIGKILL');
    }
    await until('its report', () => siege.withStore((store) => store.report('AJ_victim')), 30_000);
  });

  test('(f) while a stranger floods attributes at 3 MB/s', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    const flooded = await siege.call('AJ_flooded');
    await siege.call('AJ_victim');
    const attributes = { flood: 'x'.repeat(60_000) };
    const flood = async () => {
      for (let round = 0; round < 40; round += 1) {
        await flooded.append('participant', { change: 'attributes', identity: 'stranger', attributes }, 5);
        await pause(100);
      }
    };
    const flooding = flood();
    expect(await killed(siege)).toBeLessThan(RELEASED_MS);
    await flooding;
    expect(await flooded.close()).toEqual({ isSealed: true });
  });

  test('(g) while another process of this user writes rubbish to the socket', async () => {
    await using siege = await Siege.lay();
    await siege.keeper();
    await siege.call('AJ_victim');
    const over = new AbortController();
    const rubbish = async () => {
      while (!over.signal.aborted) {
        const socket = connect(socketPath(siege.directory));
        socket.on('error', () => undefined);
        socket.write(`${'['.repeat(100_000)}\n`);
        socket.write('x'.repeat(500_000));
        await pause(1);
        socket.destroy();
      }
    };
    const writers = [rubbish(), rubbish(), rubbish()];
    await until('rubbish seen', () => siege.lines.some(({ msg }) => msg === 'peer disconnected'), 5_000);
    expect(await killed(siege)).toBeLessThan(RELEASED_MS);
    over.abort();
    await Promise.all(writers);
  });
});
