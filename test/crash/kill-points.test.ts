/** Keeper and courier die exactly between a session's last entry and its delivered report (docs/guarantees.md). */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { until } from '../e2e/harness/until.ts';
import { arm, struckOf } from '../torture/points/blow.ts';
import { deliveryPoints } from '../torture/points/delivery-points.ts';
import { build, isGone, Lab } from './keeper-lab.ts';

const session = sessionIdOf('AJ_1');
const WAIT_MS = 20_000;
/** Less than it waits for that word. */
const TOLD_MS = 15_000;
const named = deliveryPoints.map((point) => [`${point.id} of the ${point.dies}: ${point.where}`, point] as const);
let clean: () => Promise<void>;
beforeAll(async () => void (clean = await build()));
afterAll(() => clean());

const receiver = async () => {
  const got: { id: string; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      got.push({ id: String(request.headers['webhook-id']), body });
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    got,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
};

test.each(named)(
  'dies exactly there, and one report is sealed and delivered: %s',
  async (_, { dies, blows, requests }) => {
    const folder = mkdtempSync(join(tmpdir(), 'lastword-points-'));
    using web = await receiver();
    await using lab = await Lab.open({ [session]: 'talks' }, { webhook: web.url });
    try {
      const first = lab.keeper(folder);
      const job = await lab.opened(session);
      arm(folder, { blows, pids: { keeper: first.pid } });
      process.kill(job, 'SIGUSR2');
      await until(
        'the blow',
        () => struckOf(folder).length === blows.length,
        WAIT_MS,
        () => lab.errors,
      );
      let last = first;
      if (dies !== 'courier') {
        expect(await first.ended, 'killed').toBeNull();
        last = lab.keeper(folder);
      }
      const from = lab.lines.length;
      // What it prints is lost with its keeper; it leaves when it is told that its report is sealed.
      await until('the job to leave', () => isGone(job), TOLD_MS);
      // A keeper that ends delivers what is due; what waits for its schedule is the next attempt.
      await until('the report', () => web.got.length > 0, WAIT_MS);
      await until(
        'the rows settled',
        async () => (await lab.states(session)).filter((state) => state === 'delivered').length === 2,
        WAIT_MS,
        () =>
          lab.lines
            .slice(from)
            .map((line) => JSON.stringify(line))
            .join('\n'),
      );
      last.process.kill('SIGTERM');
      await last.ended;

      const sealed = await lab.sealed(session);
      expect(sealed?.states).toEqual(['delivered', 'delivered']);
      expect(web.got.length).toBeLessThanOrEqual(requests);
      expect(new Set(web.got.map(({ id }) => id)).size, 'one id').toBe(1);
      expect(new Set(web.got.map(({ body }) => body)).size, 'the same bytes').toBe(1);
      const report = JSON.parse(web.got[0]?.body ?? '') as Report;
      expect(report).toEqual(sealed?.report);
      expect(report.end).toMatchObject({ by: 'caller', reason: 'caller_hung_up' });
      expect(report.transcript).toHaveLength(1);
      expect(await lab.delivered()).toEqual([`${session}.json`]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
