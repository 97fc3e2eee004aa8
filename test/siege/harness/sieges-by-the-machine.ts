/** Sieges that a machine lays by itself: its names, its disks, its pipes, its locks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { hang, hangReport } from './hung-disk.ts';
import { bystanders, callAll, hook, laid, type Layer } from './laid.ts';
import { withoutDns } from './no-dns.ts';
import { Siege } from './siege.ts';
import { sessionIdOf } from '../../../src/journal/ids.ts';

export const withoutNames: Layer = async (victims) => {
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

export const onHungDisks: Layer = async (victims) => {
  const siege = await Siege.lay();
  const [reports] = siege.scenario.reports;
  if (reports?.kind !== 'file') throw new Error('expected a file destination');
  mkdirSync(reports.directory);
  const killedBefore = bystanders.map((session) => `${session}_killed`);
  for (const session of bystanders) hangReport(reports, sessionIdOf(session));
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
export const withoutReader: Layer = async (victims) => {
  const siege = await Siege.lay();
  const log = join(siege.scenario.scratch, 'log');
  const [made] = (await once(spawn('mkfifo', [log]), 'exit')) as [number];
  if (made !== 0) throw new Error(`mkfifo ended with ${made}`);
  const [reading, writing] = [openSync(log, 'r+'), openSync(log, 'w')];
  await siege.keeper({ stdout: writing });
  await callAll(siege, ['AJ_flood', ...victims]);
  // More than the pipe holds, twice over.
  for (let line = 0; line < 2_000; line += 1)
    await siege.say({ type: 'alert', session: sessionIdOf('AJ_flood'), message: 'm', detail: 'x'.repeat(100) });
  return laid(siege, () => {
    closeSync(reading);
    closeSync(writing);
  });
};

export const onHeldDatabase: Layer = async (victims) => {
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
