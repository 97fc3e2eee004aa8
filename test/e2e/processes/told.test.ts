/**
 * A caller whom nobody answers, on a real server: they hear the apology and are let go, and nobody else is. Beside each
 * other, for nearly all of it is waiting.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { openRooms } from '../../../src/rooms/server-api.ts';
import { type Deployment, deploy, roomsOf, startCaller, until } from '../harness/index.ts';
import { expectNoRoom, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
/** Short: here the patience is not the subject. */
const ANSWER_MS = 14_000;
/** The patience, a look each two seconds, and once more twelve seconds when a worker was asked. */
const TOLD_MS = ANSWER_MS + 20_000;
const policy = { ...patient, answerMs: ANSWER_MS };
/** What telling takes at most: until then a hang-up that is owed is nobody else's. */
const OWED_MS = 30_000;
const apologizing = { resume: 0, apologize: true };

type Delivered = { type: string; data: { room: string; message: string; detail: string } };
const openAlerts = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lastword-alerts-'));
  const read = async (): Promise<Delivered[]> => {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
    return texts.map((text) => JSON.parse(text) as Delivered);
  };
  return { directory, read, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
};
/** Its worker is dead, and the next one never gets so far as to say hello. */
const withoutWorker = async (deployment: Deployment): Promise<{ [Symbol.dispose]: () => void }> => {
  const first = await deployment.workerPid();
  process.kill(first, 'SIGKILL');
  const next = await until(
    'the next worker',
    async () => ((await deployment.workerPid()) === first ? undefined : deployment.workerPid()),
    PATIENCE_MS,
  );
  process.kill(next, 'SIGSTOP');
  return { [Symbol.dispose]: () => void process.kill(next, 'SIGKILL') };
};

test.concurrent('C6 no worker comes back: the caller hears the apology, once, is let go, the room is gone, and the operator is told', async () => {
  await using alerts = await openAlerts();
  await using deployment = await deploy(server, { policy, onCrash: apologizing, alertsIn: alerts.directory, calls: 1 });
  using _away = await withoutWorker(deployment);
  const { name, caller: made } = await deployment.call();
  await using caller = made;
  const { at, reason } = await caller.disconnected(TOLD_MS);
  expect(reason).toBe('ROOM_DELETED');
  expect(at - caller.joinedAt).toBeGreaterThan(ANSWER_MS);
  expect((await caller.recordings()).map((each) => each.name)).toEqual(['apology']);
  expect(caller.tracks).toHaveLength(1);
  await expectNoRoom(server, name);
  const [alert] = await until(
    'the alert',
    async () => ((await alerts.read()).length > 0 ? alerts.read() : undefined),
    PATIENCE_MS,
  );
  expect(alert).toMatchObject({
    type: 'session.alert',
    data: {
      room: name,
      message: 'Nobody answered a caller, who is let go',
      detail: expect.stringContaining('no worker takes calls'),
    },
  });
  expect(await deployment.log()).toContain('nobody answered a caller; they are told, and let go');
  expect(deployment.delivered).toEqual([]); // no session, and no report
});

test.concurrent('C6 the keeper is killed while the words are said: the next one lets the caller go, by the row that was written before', async () => {
  await using deployment = await deploy(server, { policy, onCrash: apologizing, calls: 1 });
  const away = await withoutWorker(deployment);
  const { name, caller: made } = await deployment.call();
  await using caller = made;
  await caller.until('the first word', () => caller.sounds()[0], TOLD_MS);
  deployment.signal('SIGKILL');
  await deployment.ended(PATIENCE_MS);
  away[Symbol.dispose]();
  await deployment.restart();
  const { reason } = await caller.disconnected(PATIENCE_MS + OWED_MS);
  expect(reason).toBe('ROOM_DELETED');
  await expectNoRoom(server, name);
  const isSaid = async () => (await deployment.log()).includes('the caller was released, late');
  await until('the word that they were released', isSaid, PATIENCE_MS);
});

test('C6 a dispatch is deleted once: of many who try at the same moment one has it', async () => {
  const room = `deleted-once-${process.pid}`;
  await roomsOf(server).create(room);
  await using caller = await startCaller({ server, room });
  const rooms = openRooms(server);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for (let time = 0; time < 20; time += 1) {
    const dispatch = await rooms.dispatch(room, 'nobody', '', signal);
    const tries = Array.from({ length: 8 }, () => openRooms(server).undispatch(room, dispatch, signal));
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
  }
  expect(caller.find('disconnected')).toBeUndefined();
});
