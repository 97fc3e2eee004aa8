/**
 * A receiver that is not there yet, and a keeper that dies meanwhile: the next one tries again, with the same words. A
 * receiver that has gone for good: whoever operates the agent is told which call it was.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { build, Lab } from './keeper-lab.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

let clean: () => Promise<void>;
beforeAll(async () => void (clean = await build()));
afterAll(() => clean());

test('A15 the webhook answers 503, and the keeper is killed with -9: the next keeper delivers the same bytes under the same id', async () => {
  const got: { id: unknown; body: string }[] = [];
  let isUp = false;
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      got.push({ id: request.headers['webhook-id'], body });
      response.writeHead(isUp ? 204 : 503).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  try {
    const { port } = receiver.address() as AddressInfo;
    await using lab = await Lab.open({ AJ_1: 'talks' }, { webhook: `http://127.0.0.1:${port}/` });
    const first = lab.keeper();
    process.kill(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
    await lab.fake('sealed', 'AJ_1');
    await lab.logged('will be tried again', 'AJ_1');
    expect(got).toHaveLength(1);
    first.process.kill('SIGKILL');
    await first.ended;
    isUp = true;
    const from = lab.lines.length;
    const second = lab.keeper();
    await lab.until('the delivery to the webhook', ({ msg }) => msg === 'report delivered' && got.length > 1, from);
    second.process.kill('SIGTERM');
    await second.ended;
    expect(got.length).toBe(2);
    expect(got[1]).toEqual(got[0]);
    expect(got[0]?.id).toMatch(/\w/);
    expectEndedWell(
      { reports: [JSON.parse(got[1]?.body ?? '') as Report] },
      { reason: 'caller_hung_up', by: 'caller', stage: 'conversing', fault: 'none', goodbye: null, hangUp: null },
    );
    expect((await lab.sealed(sessionIdOf('AJ_1')))?.states).toEqual(['delivered', 'delivered']);
  } finally {
    receiver.close();
  }
});

test('a report that its receiver refuses for good is an alert that names the room, the end and the metadata of the call', async () => {
  const alerts: string[] = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      if (request.url === '/slack') alerts.push((JSON.parse(body) as { text: string }).text);
      response.writeHead(request.url === '/slack' ? 200 : 410).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  try {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const text = '{room} of {metadata.company} ended as {reason}: {message}';
    await using lab = await Lab.open(
      { AJ_1: 'talks' },
      {
        webhook: `${url}/`,
        alerts: [{ kind: 'slack', name: 'slack', url: `${url}/slack`, text }],
        metadata: JSON.stringify({ company: 'c-3' }),
      },
    );
    const keeper = lab.keeper();
    process.kill(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
    await lab.fake('sealed', 'AJ_1');
    await lab.until('the alert', () => alerts.length > 0);
    keeper.process.kill('SIGTERM');
    await keeper.ended;
    expect(alerts).toEqual([`room-AJ_1 of c-3 ended as caller_hung_up: A report was given up: web`]);
  } finally {
    receiver.close();
  }
});
