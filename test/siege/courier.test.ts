/** The courier as a process: what it carries may kill it, freeze it or outlive its keeper, and nobody else's row suffers. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { openCourier } from '../../src/delivery/courier.ts';
import { endEarlierCouriers } from '../../src/delivery/courier-record.ts';
import type { Destination, FileDestination, WebhookDestination } from '../../src/link/destination.ts';
import type { Owner } from '../../src/journal/entry.ts';
import { isAlive } from '../../src/journal/owner.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { compiled, until } from '../e2e/harness/index.ts';
import { hangRow } from './harness/hung-disk.ts';
import { Siege } from './harness/siege.ts';

type Got = { id: string; body: string };
const receiver = async (answer: (response: ServerResponse, count: number) => void) => {
  const got: Got[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      got.push({ id: String(request.headers['webhook-id']), body: Buffer.concat(parts).toString() });
      answer(response, got.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const destination: WebhookDestination = {
    kind: 'webhook',
    name: 'web',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secrets: [],
    headers: {},
    allowPrivate: true,
  };
  return {
    got,
    destination,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
const well = (response: ServerResponse) => void response.writeHead(204).end();
const never = () => undefined;

const bodyOf = (delivery: string) => `{"session":"${delivery.slice(2)}"}`;
const rowOf = (session: string, deaths: number) => ({
  delivery: `d-${session}`,
  session: sessionIdOf(session),
  report: `rep_${session}`,
  destination: 'web',
  kind: 'report' as const,
  deaths,
});
const open = async (attemptMs = 2_000) => {
  const directory = await mkdtemp(join(tmpdir(), 'lastword-courier-'));
  const courier = openCourier({
    directory,
    attemptMs,
    body: (delivery) => Promise.resolve(bodyOf(delivery)),
    log: pino({ level: 'silent' }),
    child: compiled('src/delivery/courier-child.ts'),
  });
  const record = join(directory, 'courier.json');
  const running = () => (existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as Owner[]) : []);
  return {
    directory,
    running,
    attempt: (
      destination: Destination,
      session: string,
      { begin = () => Promise.resolve(true), deaths = 0 }: { begin?: () => Promise<boolean>; deaths?: number } = {},
    ) => courier.attempt(destination, rowOf(session, deaths), new AbortController().signal, begin),
    async [Symbol.asyncDispose]() {
      await courier.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
const moduleIn = async (directory: string, name: string, source: string): Promise<Destination> => {
  const file = join(directory, `${name}.mjs`);
  await writeFile(file, source);
  return { kind: 'module', name, url: pathToFileURL(file).href };
};

describe('no request', () => {
  test('is made before the attempt is written down, nor for a row that has another owner by then', async () => {
    await using web = await receiver(well);
    await using bench = await open();
    const gotBefore: number[] = [];
    const lost = await bench.attempt(web.destination, 'AJ_lost', { begin: () => Promise.resolve(false) });
    expect(lost.kind).toBe('unbegun');
    const begin = () => {
      gotBefore.push(web.got.length);
      return Promise.resolve(true);
    };
    const outcome = await bench.attempt(web.destination, 'AJ_1', { begin });
    expect(outcome).toEqual({ kind: 'answered', status: 204 });
    expect(gotBefore).toEqual([0]);
    expect(web.got).toEqual([{ id: 'rep_AJ_1', body: '{"session":"AJ_1"}' }]);
  });
});

describe('a courier', () => {
  test('that is killed fails what was begun, and the next one carries on', async () => {
    await using web = await receiver((response, count) => (count === 1 ? never() : well(response)));
    await using bench = await open(10_000);
    const first = bench.attempt(web.destination, 'AJ_1');
    await until('a request', () => web.got.length === 1, 10_000);
    process.kill(bench.running()[0]?.pid ?? 0, 'SIGKILL');
    expect(await first).toMatchObject({ kind: 'failed', error: expect.stringContaining('SIGKILL') as string });
    expect(await bench.attempt(web.destination, 'AJ_1')).toEqual({ kind: 'answered', status: 204 });
    expect(new Set(web.got.map(({ id }) => id))).toEqual(new Set(['rep_AJ_1']));
  });

  test('that stands still is killed at the deadline, and the next one carries on', async () => {
    await using web = await receiver((response, count) => (count === 1 ? never() : well(response)));
    await using bench = await open(300);
    const first = bench.attempt(web.destination, 'AJ_1');
    await until('a request', () => web.got.length === 1, 10_000);
    process.kill(bench.running()[0]?.pid ?? 0, 'SIGSTOP');
    expect(await first).toMatchObject({ kind: 'failed', error: expect.stringContaining('no answer within') as string });
    expect(await bench.attempt(web.destination, 'AJ_2')).toEqual({ kind: 'answered', status: 204 });
  });

  test('dies twice with a row in flight: the third time that row is alone, and nobody else dies of it', async () => {
    await using web = await receiver((response) => void setTimeout(() => well(response), 700));
    await using bench = await open(5_000);
    const killer = await moduleIn(
      bench.directory,
      'killer',
      `export default async () => { await new Promise((r) => setTimeout(r, 300)); process.kill(process.ppid, 'SIGKILL'); }`,
    );
    const together = async (session: string, deaths: number) => {
      const outcomes = [bench.attempt(web.destination, session), bench.attempt(killer, 'AJ_killer', { deaths })];
      return (await Promise.all(outcomes)).map(({ kind, hasDied = false }) => ({ kind, hasDied }));
    };
    const both = [
      { kind: 'failed', hasDied: true },
      { kind: 'failed', hasDied: true },
    ];
    expect(await together('AJ_1', 0)).toEqual(both);
    expect(await together('AJ_2', 1)).toEqual(both);
    expect(await together('AJ_3', 2)).toEqual([{ kind: 'answered', hasDied: false }, both[1]]);
  });

  test('and rows that were only unlucky twice are not slow for it: forty of them in a few seconds, a killer among them', async () => {
    await using web = await receiver(well);
    await using bench = await open(5_000);
    const killer = await moduleIn(
      bench.directory,
      'killer',
      `process.kill(process.ppid, 'SIGKILL'); export default () => {};`,
    );
    const begun = performance.now();
    const unlucky = (from: number) =>
      Array.from({ length: 20 }, (_, index) => bench.attempt(web.destination, `AJ_${from + index}`, { deaths: 2 }));
    const outcomes = [...unlucky(0), bench.attempt(killer, 'AJ_killer', { deaths: 2 }), ...unlucky(20)];
    const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'answered')).toHaveLength(40);
    expect(kinds[20]).toBe('failed');
    expect(performance.now() - begun).toBeLessThan(20_000); // a process for each of them took forty seconds
  });

  test('takes the module that it runs with it, also one that blocks its process', async () => {
    await using bench = await open(10_000);
    const blocking = await moduleIn(bench.directory, 'blocking', 'export default () => { for (;;); }');
    const attempt = bench.attempt(blocking, 'AJ_1');
    const [, module] = await until('courier and module', () => bench.running().length === 2 && bench.running(), 10_000);
    process.kill(bench.running()[0]?.pid ?? 0, 'SIGKILL');
    expect((await attempt).kind).toBe('failed');
    await until('the module gone', async () => module && (await isAlive(module)) === 'dead', 5_000);
  });

  test('whose disk hangs refuses the next write there at once, and other receivers are served', async () => {
    await using web = await receiver(well);
    await using bench = await open(300);
    const disk: FileDestination = { kind: 'file', name: 'web', directory: join(bench.directory, 'share') };
    await mkdir(disk.directory);
    hangRow(disk, { ...rowOf('AJ_1', 0), body: '' });
    expect(await bench.attempt(disk, 'AJ_1')).toMatchObject({ kind: 'failed' });
    const second = await bench.attempt(disk, 'AJ_2');
    expect(second).toMatchObject({ error: expect.stringContaining('has not come back') as string });
    expect(await bench.attempt(web.destination, 'AJ_3')).toEqual({ kind: 'answered', status: 204 });
  });
});

test('a keeper that is killed takes its courier with it, and the next one delivers what was in flight', async () => {
  await using web = await receiver((response, count) => (count === 1 ? never() : well(response)));
  await using siege = await Siege.lay({ reports: [web.destination] });
  const keeper = await siege.keeper();
  await (await siege.call('AJ_1')).close();
  await until('a request', () => web.got.length === 1, 10_000);
  const [courier] = JSON.parse(readFileSync(join(siege.directory, 'courier.json'), 'utf8')) as Owner[];
  process.kill(keeper.pid, 'SIGKILL');
  await until('the courier gone', async () => courier && (await isAlive(courier)) === 'dead', 5_000);
  await siege.keeper();
  await until('a second request', () => web.got.length === 2, 20_000);
  expect(web.got[1]).toEqual(web.got[0]);
});

test('a courier that outlived its keeper is ended before the next one claims a row', async () => {
  await using web = await receiver(never);
  await using bench = await open(10_000);
  const attempt = bench.attempt(web.destination, 'AJ_1');
  await until('a request', () => web.got.length === 1, 10_000);
  const [courier] = bench.running();
  process.kill(courier?.pid ?? 0, 'SIGSTOP'); // it does not notice anything
  await endEarlierCouriers(bench.directory, pino({ level: 'silent' }));
  expect(courier && (await isAlive(courier))).toBe('dead');
  expect((await attempt).kind).toBe('failed');
});
