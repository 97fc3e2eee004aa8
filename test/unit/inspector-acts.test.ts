/** What an operator does from the page: over the page's socket, the keeper's socket, and a real database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeActionSecret, openActions } from '../../src/inspector/act.ts';
import { RequestProblem } from '../../src/inspector/problem.ts';
import { firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { openPeers } from '../../src/keeper/peers.ts';
import { ConnectedWorkers } from '../../src/keeper/connected-workers.ts';
import { trackSessions } from '../../src/keeper/sessions.ts';
import type { WorkerFacts } from '../../src/keeper/worker-facts.ts';
import { openAdmission } from '../../src/link/admission.ts';
import { connectLink } from '../../src/link/client.ts';
import { askToEnd } from '../../src/link/ask-keeper.ts';
import type { FromKeeper } from '../../src/link/messages.ts';
import { socketPath } from '../../src/link/path.ts';
import { jobToken, openSecret } from '../../src/link/secret.ts';
import { listen } from '../../src/link/server.ts';
import { openStore } from '../../src/store/open.ts';
import { newDelivery, sealedReport, sessionRow } from '../contract/store-rows.ts';
import { emptyStore } from './empty-store.ts';
import { openStand, type Stand } from './inspector-stand.ts';

const session = sessionIdOf('AJ_ended');
let directory: string;
let closers: (() => Promise<unknown> | void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-acts-'));
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  closers = [];
  rmSync(directory, { recursive: true, force: true });
});

const secret = '111-222-333';
const store = () => `sqlite:${join(directory, 'lastword.db')}`;
const messageIn = (text: string) => (JSON.parse(text) as { error: { message: string } }).error.message;
async function stand(isAllowed = true): Promise<Stand> {
  const endCall = async (asked: typeof session) => {
    const why = await askToEnd(directory, asked);
    if (why !== undefined) throw new RequestProblem(409, why);
  };
  const actions = openActions({ secret, endCall, openStore: () => openStore(store()) });
  const one = await openStand({ directory, ...(isAllowed && { actions }) });
  closers.push(() => one.close({ keepsFiles: true }));
  return one;
}
const act = (one: Stand, what: string, body: unknown) => one.ask(`/api/act/${what}`, { headers: one.bearer, body });

/** The keeper's end of the socket, with its real supervision, and one job that is connected over it. */
async function keeperWithJob() {
  const log = pino({ level: 'silent' });
  const sessions = trackSessions({
    directory,
    store: emptyStore,
    rooms: async () => null,
    isWorkerHere: () => true,
    apologize: () => undefined,
    seal: () => new Promise(() => {}),
    log,
  });
  const workers = new ConnectedWorkers({
    process: {
      pid: undefined,
      standingOf: () => undefined,
      ready: () => undefined,
      leftBy: () => false,
      replace: () => Promise.resolve('it is not'),
    },
    calls: { handOver: () => undefined, keep: () => undefined, isOpen: () => true, warm: () => undefined },
    tellJobs: () => undefined,
    isEnding: () => false,
    onDraining: () => undefined,
  });
  const onPeer = openPeers({
    facts: { now: undefined } as WorkerFacts,
    sessions,
    workers,
    log,
    budgetMs: () => 7_000,
    onWorker: () => undefined,
    onAlert: () => undefined,
    onRefusedJob: () => undefined,
    onRefusedCall: () => undefined,
  });
  const path = socketPath(directory);
  const server = await listen({ path, onPeer, admission: openAdmission(openSecret(directory)) });
  closers.push(
    () => server.close(),
    () => sessions.stop(),
  );
  const owner = await thisProcess();
  const told: FromKeeper[] = [];
  const token = jobToken(directory, session) ?? '';
  const link = connectLink({
    path,
    hello: () => [{ type: 'hello.job', ...firstJob(session), owner, identity: 'agent', token }],
    onMessage: (message) => told.push(message),
  });
  closers.push(() => link.close());
  for (let waited = 0; !link.isConnected && waited < 5_000; waited += 20) await sleep(20);
  return { told, link };
}

describe('ending a call', () => {
  it('its job is told to end, by whom, and how long it has', async () => {
    const { told } = await keeperWithJob();
    const one = await stand();
    expect(await act(one, 'end', { session, secret })).toMatchObject({ status: 200, text: '{"isAsked":true}' });
    await expect.poll(() => told.at(-1)).toEqual({ type: 'shutdown', graceMs: 7_000, reason: 'operator_ended' });
  });

  it('a call that is not known, and a keeper that is not there, are said in one line', async () => {
    const one = await stand();
    const alone = await act(one, 'end', { session, secret });
    expect([alone.status, messageIn(alone.text)]).toEqual([
      409,
      expect.stringMatching(/^expected a keeper that runs on/),
    ]);
    await keeperWithJob();
    const other = await act(one, 'end', { session: 'AJ_other', secret });
    expect([other.status, messageIn(other.text)]).toEqual([
      409,
      expect.stringMatching(/^expected a call that is going on/),
    ]);
    expect((await act(one, 'end', { session: '../..', secret })).status).toBe(400);
  });

  it('without the secret of the directory nobody ends a call', async () => {
    const { told } = await keeperWithJob();
    const stranger = mkdtempSync(join(tmpdir(), 'lastword-stranger-'));
    openSecret(stranger);
    expect(await askToEnd(stranger, session, socketPath(directory))).toMatch(
      /expected the token of the operator, got another one/,
    );
    expect(told.map(({ type }) => type)).toEqual(['welcome']);
    rmSync(stranger, { recursive: true });
  });

  it('a keeper that does not answer is not waited for', async () => {
    openSecret(directory);
    const server = await listen({
      path: socketPath(directory),
      onPeer: () => ({ onMessage: () => undefined, onClose: () => undefined }),
    });
    closers.push(() => server.close());
    expect(await askToEnd(directory, session)).toMatch(/expected an answer of the keeper within 5000 ms, got none/);
  });
});

describe('delivering again', () => {
  it('queues each row once more, with its bytes, under another id', async () => {
    const rows = await openStore(store());
    await rows.seal(sessionRow(session), sealedReport(session), [
      newDelivery('d1', session, { body: sealedReport(session).body }),
      newDelivery('d2', session, { destination: 'file', lane: 'file' }),
    ]);
    await rows.close();
    const one = await stand();
    const { status, text } = await act(one, 'redeliver', { deliveries: ['d1', 'd1'], secret });
    const { queued } = JSON.parse(text) as { queued: string[] };
    expect([status, queued.length]).toEqual([200, 1]);
    const after = await openStore(store());
    const [id = ''] = queued;
    expect(await after.delivery(id)).toMatchObject({
      session,
      destination: newDelivery('d1', session).destination,
      state: 'due',
      attempts: 0,
    });
    expect(await after.body(id)).toBe(sealedReport(session).body);
    expect(await after.deliveries({ limit: 10 })).toHaveLength(3);
    await after.close();
    const unknown = await act(one, 'redeliver', { deliveries: ['d2', 'nix'], secret });
    expect([unknown.status, messageIn(unknown.text)]).toEqual([404, expect.stringMatching(/nothing was queued/)]);
  });
});

describe('who may act', () => {
  it('nobody where it was not allowed, with a secret or without', async () => {
    const one = await stand(false);
    for (const [what, body] of [
      ['end', { session, secret }],
      ['redeliver', { deliveries: ['d1'], secret }],
    ] as const) {
      const { status, text } = await act(one, what, body);
      expect([status, messageIn(text)], what).toEqual([403, expect.stringMatching(/--allow-actions/)]);
    }
  });

  it('nobody without the second secret, nor by a form of another page; five guesses close it for a minute', async () => {
    const one = await stand();
    expect((await act(one, 'end', { session })).status).toBe(400);
    expect((await one.ask('/api/act/end', { body: { session, secret } })).status).toBe(401);
    expect(
      (
        await one.ask('/api/act/end', {
          headers: { ...one.bearer, origin: 'http://evil.example' },
          body: { session, secret },
        })
      ).status,
    ).toBe(403);
    expect((await one.ask('/api/act/end', { headers: one.bearer, method: 'GET' })).status).toBe(405);
    for (let guess = 0; guess < 5; guess += 1)
      expect((await act(one, 'end', { session, secret: `${guess}` })).status).toBe(403);
    const { status, text } = await act(one, 'end', { session, secret });
    expect([status, messageIn(text)]).toEqual([429, expect.stringMatching(/wait a minute/)]);
  });

  it('the secret is nine digits, and another one each time', () => {
    const made = Array.from({ length: 100 }, makeActionSecret);
    for (const one of made) expect(one).toMatch(/^\d{3}-\d{3}-\d{3}$/);
    expect(new Set(made).size).toBe(100);
  });

  it.each([
    { deliveries: [], secret },
    { deliveries: 'd1', secret },
    { deliveries: Array.from({ length: 501 }, () => 'd'), secret },
    null,
    7,
  ])('what is no order is refused: %.40j', async (body) => {
    expect((await act(await stand(), 'redeliver', body)).status).toBe(400);
  });
});
