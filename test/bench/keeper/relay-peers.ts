/** One run of a relay: ours, or another queue. All rows wait before it starts; from the first request to the last. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compiled } from '../../e2e/harness/index.ts';
import { hook, keeperWith, rowFor } from './our-relay.ts';
import { startPostgres, startRedis, type PeerServer } from './peer-servers.ts';
import { peerNames, peerPackages, type PeerName } from './peer.ts';
import type { Receiver } from './receiver.ts';
import { bodyOfReport } from './report-body.ts';

const LIMIT_MS = 120_000;
const INSTALL_MS = 180_000;

/** Deliveries a second. @throws Error: not all of them came */
export type Run = (receiver: Receiver, count: number, answerMs: number) => Promise<number>;

const rateOf = async (arriving: ReturnType<Receiver['expect']>, count: number): Promise<number> => {
  const arrived = await arriving;
  if (!arrived) throw new Error(`not all of ${count} came within ${LIMIT_MS / 1_000} s`);
  return (count * 1_000) / Math.max(1, arrived.lastAt - arrived.firstAt);
};

export const ourRun: Run = async (receiver, count, answerMs) => {
  const web = hook('web', receiver.url());
  const rows = Array.from({ length: count }, (_, index) => rowFor(web, `r-${index}`, bodyOfReport));
  await using keeper = await keeperWith([web], rows);
  const arriving = receiver.expect({ count, answerMs }, LIMIT_MS);
  await keeper.start();
  return await rateOf(arriving, count);
};

export type Peers = AsyncDisposable & { runs: Map<PeerName, Run>; missing: string[] };

/** What can be had of the others; what cannot is said in `missing`. */
export async function openPeers(): Promise<Peers> {
  const folder = await mkdtemp(join(tmpdir(), 'lastword-peers-'));
  await chmod(folder, 0o711); // PostgreSQL runs as a user of its own
  const servers = new Map<string, PeerServer>();
  const missing: string[] = [];
  const had = async (what: string, get: () => Promise<void>): Promise<boolean> => {
    try {
      await get();
      return true;
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      missing.push(`${what} (${why.slice(0, 120)})`);
      return false;
    }
  };
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  const install = ['install', '--no-audit', '--no-fund', ...peerPackages];
  const areInstalled = await had(peerPackages.join(', '), async () => {
    await promisify(execFile)('npm', install, { cwd: folder, timeout: INSTALL_MS });
  });
  const hasPostgres = await had('PostgreSQL', async () => {
    servers.set('postgres', await startPostgres(folder));
  });
  const hasRedis = await had('Redis', async () => {
    servers.set('redis', await startRedis(folder));
  });

  const runOf =
    (name: PeerName): Run =>
    async (receiver, count, answerMs) => {
      const connection = servers.get(name === 'BullMQ' ? 'redis' : 'postgres')?.fresh() ?? '';
      const words = [name, folder, connection, receiver.url(), String(count)];
      const child = fork(compiled('test/bench/keeper/peer-process.ts'), words);
      try {
        const ended = once(child, 'exit').then(([code]) => {
          throw new Error(`it ended with ${String(code)}`);
        });
        ended.catch(() => undefined);
        await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(LIMIT_MS) }), ended]);
        const arriving = receiver.expect({ count, answerMs }, LIMIT_MS);
        child.send('start');
        return await Promise.race([rateOf(arriving, count), ended]);
      } finally {
        child.kill('SIGKILL');
      }
    };
  const isThere = (name: PeerName) => areInstalled && (name === 'BullMQ' ? hasRedis : hasPostgres);
  return {
    runs: new Map(peerNames.filter(isThere).map((name) => [name, runOf(name)])),
    missing,
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
