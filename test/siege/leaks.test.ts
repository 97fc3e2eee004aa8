/**
 * Secrets, telephone numbers and texts that would forge a line are planted wherever strangers and operators can put them:
 * into URLs, job metadata, room names, errors. Then log, alerts and command line are searched for them.
 */
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { until } from '../e2e/harness/index.ts';
import { Siege } from './harness/siege.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';

const secrets = ['path-s3cret', 'query-s3cret', 'user-s3cret', 'metadata-s3cret', 'argument-s3cret'];
const telephone = '+4930123456789';
const forged = '\u001B[31m\u009B2J\u202E<!channel>\nforged';
const room = `lobby ${telephone} ${forged}`;
// A colour of ours is none that a stranger planted.
// oxlint-disable-next-line no-control-regex
const colour = /\u001B\[\d*m/g;

/** What a terminal obeys, written as it is. */
const obeyed = /[^\P{Cc}\n]|\p{Cf}/u;

async function receiver() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.url === '/slack/path-s3cret') bodies.push((JSON.parse(body) as { text: string }).text);
      response.writeHead(request.url?.startsWith('/slack') === true ? 200 : 410).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { at: `http://127.0.0.1:${port}`, bodies, [Symbol.dispose]: () => void server.close() };
}

test.each([
  ['start', 'production'],
  ['start', 'development'],
  ['dev', 'development'],
] as const)('lastword %s with NODE_ENV=%s: no log, alert or list shows a secret or obeys a stranger', async (mode, node) => {
  using receiving = await receiver();
  const { at, bodies } = receiving;
  const url = `${at}/hooks/path-s3cret?token=query-s3cret`;
  const webhook = { kind: 'webhook' as const, secrets: [], headers: {}, allowPrivate: true };
  await using siege = await Siege.lay({
    policy: { startMs: 800, warmStartMs: 400 },
    reports: [
      { ...webhook, name: `${at}/hooks/path-s3cret`, url },
      { ...webhook, name: 'metadata:callback', fromMetadata: { field: 'callback', allow: ['https://*.example.com/*'] } },
    ],
    alerts: [{ kind: 'slack', name: 'slack', url: `${at}/slack/path-s3cret` }],
  });
  const file = join(siege.scenario.scratch, 'log');
  const output = openSync(file, 'a');
  const keeper = await siege.keeper({
    mode,
    stdout: output,
    env: { NODE_ENV: node },
    args: ['--key=argument-s3cret'],
  });
  closeSync(output);

  siege.livekit.rooms.set(room, [{ identity: `sip_${telephone}`, sid: 'PA_1', kind: 'SIP' }]);
  const callback = 'https://user-s3cret:x@tenant.example/path-s3cret?token=query-s3cret metadata-s3cret';
  const metadata = JSON.stringify({ callback, note: 'metadata-s3cret' });
  await siege.say({
    type: 'job.offered',
    request: 77,
    facts: { ...firstJob(jobIdOf('AJ_planted')), agentName: 'ada', room: { name: room, sid: 'RM_1' }, metadata },
  });
  await siege.say({
    type: 'alert',
    session: sessionIdOf('AJ_planted'),
    message: `it failed${forged}`,
    detail: `GET https://user-s3cret:x@api.example/path-s3cret?key=query-s3cret: no answer for tel:${telephone} ${forged}`,
  });
  // The job's own alert, the failed call, and two reports that nobody took.
  await until('all alerts', () => bodies.length >= 4, 20_000, () => bodies.join('\n---\n'));
  process.kill(keeper.pid, 'SIGTERM');
  await keeper.ended;

  const log = await readFile(file, 'utf8');
  expect(log).toContain('AJ_planted');
  for (const text of [log, siege.errors, ...bodies]) {
    for (const secret of [...secrets, telephone, telephone.slice(1)]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(obeyed);
    expect(text).not.toMatch(/^forged/m);
  }
  for (const text of bodies) {
    expect(text).not.toContain('<!channel>');
    for (const line of text.split('\n')) expect(line).toMatch(/^(\*Lastword:\* |session: |reason: |error: )/);
  }

  for (const words of ['sessions', 'deliveries', 'show AJ_planted', 'redeliver AJ_planted', 'deliveries --session AJ_planted'])
    for (const json of ['', ' --json']) {
      let text = '';
      const print = (more: string) => (text += more);
      const terminal = { env: { LASTWORD_DIR: siege.directory }, isTTY: true, out: print, err: print };
      expect(await runCommandLine(`${words}${json}`.split(' '), terminal), words).toBe(0);
      expect(text).toContain('AJ_planted');
      const isContent = words.startsWith('show'); // a journal with its metadata, asked for by name
      for (const secret of isContent ? [] : secrets) expect(text, words).not.toContain(secret);
      expect(text.replaceAll(colour, (code) => (code === '\u001B[31m' ? 'forged' : '')), words).not.toMatch(obeyed);
      expect(text, words).not.toMatch(/^forged/m);
    }
}); // prettier-ignore
