/**
 * docs/examples/call-page in a real Chromium, on a real server: its agent's process is killed with -9, and the page says
 * "One moment …" instead of standing still, then goes on, then says why it ended.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from 'playwright-core';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  deploy,
  environmentOf,
  startLiveKitServer,
  type Deployment,
  type LiveKitServer,
} from '../e2e/harness/index.ts';
import { patient } from '../e2e/processes/calls.ts';
import { repositoryRoot } from '../docs/repository.ts';
import { openBrowser } from './browser.ts';

const PATIENCE_MS = 20_000;
/** Two processes import everything, beside a browser that starts. */
const WARM_MS = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'lastword-call-page-'));
/** A microphone that says nothing; Chromium's own beeps. Five seconds of 16-bit samples, again and again. */
const silence = join(directory, 'silence.wav');
const writeSilence = (): void => {
  const [rate, seconds] = [48_000, 5];
  const wav = Buffer.alloc(44 + rate * seconds * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  for (const [at, value] of [
    [16, 16],
    [24, rate],
    [28, rate * 2],
  ] as const)
    wav.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    wav.writeUInt16LE(value, at);
  wav.write('data', 36);
  wav.writeUInt32LE(wav.length - 44, 40);
  writeFileSync(silence, wav);
};

let server: LiveKitServer;
let deployment: Deployment;
let site: ChildProcess;
let browser: Browser;
let page: Page;

const startSite = async (): Promise<string> => {
  site = spawn(process.execPath, [join(repositoryRoot(), 'docs/examples/call-page.mjs')], {
    env: { ...process.env, ...environmentOf(server), LIVEKIT_AGENT_NAME: deployment.agentName, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: site.stdout as NodeJS.ReadableStream });
  const [address] = (await once(lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [string];
  return address;
};

beforeAll(async () => {
  writeSilence();
  server = await startLiveKitServer();
  [deployment, browser] = await Promise.all([
    deploy(server, {
      goodbye: { say: 'Goodbye.' },
      onCrash: { resume: 1, say: 'Sorry, I lost you for a moment.' },
      policy: { ...patient, idleMs: 6_000, nudges: 0 },
      idleProcesses: 2,
    }),
    openBrowser([
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${silence}`,
      '--allow-loopback-in-peer-connection', // the server of the tests is on loopback alone
    ]),
  ]);
  await deployment.warm(2, WARM_MS);
  page = await (await browser.newContext()).newPage();
  await page.exposeFunction('shown', (text: string) => void shown.push(text));
  await page.goto(await startSite());
  await page.evaluate(`for (const id of ['line', 'state']) {
    const element = document.getElementById(id);
    new MutationObserver(() => shown(element.textContent)).observe(element, { childList: true });
  }`);
});
afterAll(async () => {
  await browser?.close();
  site?.kill();
  await deployment?.[Symbol.asyncDispose]();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Everything that the page has said, in order: some of it stands for a moment only. */
const shown: string[] = [];
const shows = (...texts: string[]) =>
  vi.waitFor(() => expect(shown).toEqual(expect.arrayContaining(texts)), { timeout: PATIENCE_MS, interval: 50 });

/**
 * Somebody else in the room who may publish data and change their own attributes: what they send on the topic, and what a
 * second watcher makes of it. They send more while they leave: how much of that arrives is chance. LiveKit drops what is sent to somebody whose data
 * channel is not open yet, some moments after they are connected: so a hello comes first.
 */
const impostor = async (room: string, session: string): Promise<[seen: string[], told: string[]]> => {
  const tokenOf = (identity: string) => {
    const token = new AccessToken(server.apiKey, server.apiSecret, { identity });
    token.addGrant({ room, roomJoin: true, canPublish: false, canPublishData: true, canUpdateOwnMetadata: true });
    return token.toJwt();
  };
  const given = { url: server.url, session, tokens: [await tokenOf('watcher'), await tokenOf('impostor')] };
  const other = await (await browser.newContext()).newPage();
  await other.goto(page.url());
  return other.evaluate(`(async ({ url, session, tokens }) => {
    const { Room } = await import('livekit-client');
    const { watchSession } = await import('lastword/client');
    const [watcher, impostor] = [new Room(), new Room()];
    const [seen, told] = [[], []];
    const tell = (what) => told.push(typeof what === 'string' ? what : JSON.stringify(what));
    watchSession(watcher, { onState: (at) => tell(at.session + ' ' + at.epoch + ' ' + at.state), onEnded: tell, onResuming: tell, onResumed: tell });
    const patience = async (isOver) => { for (let waited = 0; !isOver() && waited < 10000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50)); };
    let isReached = false;
    watcher.on('dataReceived', (payload, from, kind, topic) => topic === 'hello' ? (isReached = true) : seen.push(JSON.parse(new TextDecoder().decode(payload)).type));
    await watcher.connect(url, tokens[0]);
    await impostor.connect(url, tokens[1]);
    await impostor.localParticipant.setAttributes({ 'lastword.session': session, 'lastword.epoch': '9', 'lastword.state': 'ending' });
    const hello = setInterval(() => impostor.localParticipant.publishData(new Uint8Array(1), { reliable: true, topic: 'hello' }), 50);
    await patience(() => isReached);
    clearInterval(hello);
    const send = (message) => impostor.localParticipant.publishData(new TextEncoder().encode(JSON.stringify({ session, ...message })), { reliable: true, topic: 'lastword.session' });
    await send({ type: 'session.ended', reason: 'agent_ended', by: 'agent' });
    await send({ type: 'session.resuming' });
    await patience(() => seen.length === 2);
    for (let farewells = 0; farewells < 20; farewells += 1) send({ type: 'session.resuming' });
    await impostor.disconnect();
    await patience(() => ![...watcher.remoteParticipants.values()].some(({ identity }) => identity === 'impostor'));
    await watcher.disconnect();
    return [seen, told];
  })(${JSON.stringify(given)})`);
};

test('the page says that it takes a moment while the agent’s process is dead, that it goes on, and why it ended, and believes nobody else', async () => {
  await page.getByRole('button', { name: 'Call' }).click();
  await shows('You are talking.', 'conversing');
  const rooms = new RoomServiceClient(server.url, server.apiKey, server.apiSecret);
  const name = (await rooms.listRooms())[0]?.name ?? '';
  const agent = (await rooms.listParticipants(name)).find(({ identity }) => identity.startsWith('agent-'));
  const session = (agent?.identity ?? '').replace('agent-', '');
  expect(agent?.attributes).toMatchObject({
    'lastword.session': session,
    'lastword.epoch': '1',
    'lastword.state': 'conversing',
  });

  const [seen, told] = await impostor(name, session);
  expect(seen.slice(0, 2), 'what the impostor sent').toEqual(['session.ended', 'session.resuming']);
  expect(told, 'what was believed').toEqual([`${session} 1 conversing`]);

  process.kill(await deployment.jobPid(name), 'SIGKILL');
  await shows('One moment …', 'You are talking again.', 'conversing, process 2');
  await shows('You were quiet for long, so we hung up.');
  expect(shown.filter((text) => !/^[a-z]/.test(text))).toEqual([
    'Calling …',
    'You are talking.',
    'One moment …',
    'You are talking again.',
    'You were quiet for long, so we hung up.',
  ]);
  await page.getByRole('button', { name: 'Call' }).waitFor({ timeout: PATIENCE_MS });
  const { report } = await deployment.reportOf(name, PATIENCE_MS);
  expect(report).toMatchObject({ session, end: { reason: 'idle' } });
  expect(report.completeness.gaps).toMatchObject([{ fromEpoch: 1, toEpoch: 2, cause: 'died' }]);
}, 90_000);
