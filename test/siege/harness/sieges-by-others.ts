/** Sieges that others lay: receivers, strangers in a room, processes of the same user. And none. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { socketPath } from '../../../src/link/path.ts';
import { until } from '../../e2e/harness/index.ts';
import { callAll, hook, laid, type Layer } from './laid.ts';
import { Siege } from './siege.ts';
import { sessionIdOf } from '../../../src/journal/ids.ts';

const DUE = 10_000;

export const inCalm: Layer = async (victims) => {
  const siege = await Siege.lay();
  await siege.keeper();
  await callAll(siege, victims);
  return laid(siege);
};

export const withRowsDue: Layer = async (victims) => {
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as AddressInfo;
  const siege = await Siege.lay({ reports: [hook(`http://127.0.0.1:${port}/`)] });
  mkdirSync(siege.directory, { mode: 0o700 });
  await siege.withStore(async (store) => {
    const rows = Array.from({ length: DUE }, (_, index) => ({
      delivery: `d-${index}`,
      session: sessionIdOf(`AJ_${index}`),
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

/** The job of `AJ_flooded` lives through it. */
export const underFlood: Layer = async (victims) => {
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

export const underRubbish: Layer = async (victims) => {
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
