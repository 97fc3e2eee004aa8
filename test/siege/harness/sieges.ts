/**
 * The sieges under which a killed job's caller must be let go: each is laid for certain, with calls whose jobs are to be
 * killed, when `lay` resolves.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebhookDestination } from '../../../src/link/destination.ts';
import { socketPath } from '../../../src/link/path.ts';
import { until } from '../../e2e/harness/index.ts';
import { hang, hangReport } from './hung-disk.ts';
import { withoutDns } from './no-dns.ts';
import { Siege } from './siege.ts';

export type Laid = AsyncDisposable & {
  siege: Siege;
  /** Ends what besieges; the keeper runs on. */
  lift: () => Promise<void>;
};
export type Layer = (victims: readonly string[]) => Promise<Laid>;

/** As many as the system's threads for files and names in a process of Node's, and some more. */
const MORE_THAN_THE_POOL = 6;
export const bystanders = Array.from({ length: MORE_THAN_THE_POOL }, (_, index) => `AJ_${index}`);
const DUE = 10_000;
const hook = (url: string): WebhookDestination => ({
  kind: 'webhook',
  name: 'web',
  url,
  secrets: [],
  headers: {},
  allowPrivate: true,
});
const callAll = async (siege: Siege, sessions: readonly string[]) => {
  for (const session of sessions) await siege.call(session);
};
const laid = (siege: Siege, end: () => unknown = () => undefined): Laid => {
  let lifted: Promise<void> | undefined;
  const lift = () => (lifted ??= Promise.resolve(end()).then(() => undefined));
  return {
    siege,
    lift,
    async [Symbol.asyncDispose]() {
      await lift();
      await siege[Symbol.asyncDispose]();
    },
  };
};

const inCalm: Layer = async (victims) => {
  const siege = await Siege.lay();
  await siege.keeper();
  await callAll(siege, victims);
  return laid(siege);
};

const withoutNames: Layer = async (victims) => {
  const dns = await withoutDns('livekit.siege.test');
  const siege = await Siege.lay({
    livekit: (url) => url.replace('127.0.0.1', 'livekit.siege.test'),
    reports: [hook('http://hooks.dead-dns.test/reports')],
  });
  await siege.keeper({ wrapped: dns.wrapped });
  await callAll(siege, victims);
  await Promise.all(bystanders.map(async (session) => (await siege.call(session)).close()));
  return laid(siege, () => dns[Symbol.asyncDispose]());
};

const onHungDisks: Layer = async (victims) => {
  const siege = await Siege.lay();
  const [reports] = siege.scenario.reports;
  if (reports?.kind !== 'file') throw new Error('expected a file destination');
  mkdirSync(reports.directory);
  const killedBefore = bystanders.map((session) => `${session}_killed`);
  for (const session of bystanders) hangReport(reports, session);
  await siege.keeper();
  await callAll(siege, [...victims, ...killedBefore]);
  for (const session of bystanders) await (await siege.call(session)).close();
  const letGo = [...victims, ...killedBefore].map((session) =>
    hang(join(siege.directory, 'sessions', session, '1.jsonl')),
  );
  await Promise.all(killedBefore.map((session) => siege.job(session).kill()));
  await siege.released(killedBefore.at(-1) ?? ''); // by now the threads are all taken
  return laid(siege, () => Promise.all(letGo.map((one) => one())));
};

/** The job of `AJ_flood` lives through it. */
const withoutReader: Layer = async (victims) => {
  const siege = await Siege.lay();
  const log = join(siege.scenario.scratch, 'log');
  const [made] = (await once(spawn('mkfifo', [log]), 'exit')) as [number];
  if (made !== 0) throw new Error(`mkfifo ended with ${made}`);
  const [reading, writing] = [openSync(log, 'r+'), openSync(log, 'w')];
  await siege.keeper({ stdout: writing });
  await callAll(siege, ['AJ_flood', ...victims]);
  // More than the pipe holds, twice over.
  for (let line = 0; line < 2_000; line += 1)
    await siege.say({ type: 'alert', session: 'AJ_flood', message: 'm', detail: 'x'.repeat(100) });
  return laid(siege, () => {
    closeSync(reading);
    closeSync(writing);
  });
};

const withRowsDue: Layer = async (victims) => {
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as AddressInfo;
  const siege = await Siege.lay({ reports: [hook(`http://127.0.0.1:${port}/`)] });
  mkdirSync(siege.directory, { mode: 0o700 });
  await siege.withStore(async (store) => {
    const rows = Array.from({ length: DUE }, (_, index) => ({
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
  await callAll(siege, victims);
  return laid(siege, () => {
    hanging.closeAllConnections();
    hanging.close();
  });
};

const onHeldDatabase: Layer = async (victims) => {
  const siege = await Siege.lay();
  await siege.keeper();
  await callAll(siege, [...victims, ...bystanders]);
  // In a process of its own, as it would be; it says when it has the lock, and holds it until it is killed.
  const hold = `const { DatabaseSync } = require('@photostructure/sqlite');
    const held = new DatabaseSync(process.argv[1]); held.exec('begin immediate'); console.log('held');
    setInterval(() => held.exec('select 1'), 1_000);`;
  const holder = spawn(process.execPath, ['-e', hold, join(siege.directory, 'lastword.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  // These want to be sealed, and wait for the database.
  await Promise.all(bystanders.map((session) => siege.job(session).kill()));
  await siege.released(bystanders.at(-1) ?? '');
  return laid(siege, () => holder.kill('SIGKILL'));
};

/** The job of `AJ_flooded` lives through it. */
const underFlood: Layer = async (victims) => {
  const siege = await Siege.lay();
  await siege.keeper();
  await callAll(siege, ['AJ_flooded', ...victims]);
  const attributes = { flood: 'x'.repeat(60_000) };
  const over = new AbortController();
  const flood = async () => {
    while (!over.signal.aborted) {
      const change = { change: 'attributes', identity: 'stranger', attributes } as const;
      await siege.job('AJ_flooded').append('participant', change, 5);
      await pause(100);
    }
  };
  const flooding = flood();
  return laid(siege, async () => {
    over.abort();
    await flooding;
  });
};

const underRubbish: Layer = async (victims) => {
  const siege = await Siege.lay();
  await siege.keeper();
  await callAll(siege, victims);
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
  return laid(siege, async () => {
    over.abort();
    await Promise.all(writers);
  });
};

export const sieges = {
  calm: { what: 'in calm', lay: inCalm },
  a: { what: '(a) while reports are due at a host whose name server does not answer', lay: withoutNames },
  b: { what: '(b) while the disk of the reports hangs, and that of LASTWORD_DIR too', lay: onHungDisks },
  c: { what: '(c) while nobody reads the log', lay: withoutReader },
  d: { what: '(d) while 10,000 rows are due', lay: withRowsDue },
  e: { what: '(e) while another process holds the database', lay: onHeldDatabase },
  f: { what: '(f) while a stranger floods attributes at 3 MB/s', lay: underFlood },
  g: { what: '(g) while another process of this user writes rubbish to the socket', lay: underRubbish },
} satisfies Record<string, { what: string; lay: Layer }>;
