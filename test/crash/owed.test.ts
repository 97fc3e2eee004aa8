/** A hang-up that could not be done in time is somebody's duty until it is done, whoever dies meanwhile. */
import { beforeAll, expect, test } from 'vitest';
import { build, Lab } from './keeper-lab.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

beforeAll(build);

const policy = { startMs: 10_000, beatMs: 100, unresponsiveMs: 3_000, hangUpMs: 800, shutdownBudgetMs: 3_000 };
type Keeper = ReturnType<Lab['keeper']>;
const killed = async ({ process, ended }: Keeper) => {
  process.kill('SIGKILL');
  await ended;
};
const ended = async ({ process, ended: end }: Keeper) => {
  process.kill('SIGTERM');
  await end;
};

test('C3 T11 a hang-up that a job could not do is done by the keeper, also by one that was started after a kill -9', async () => {
  await using lab = await Lab.open({ AJ_1: 'unreleased' }, { policy });
  lab.livekitIsAway(true);
  const first = lab.keeper();
  process.kill(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
  await lab.logged('nobody confirmed the hang-up', 'AJ_1');
  await lab.logged('report sealed', 'AJ_1');
  await killed(first);
  expect(await lab.owed(sessionIdOf('AJ_1'))).toMatchObject({
    state: 'owed',
    room: 'room-AJ_1',
    roomSid: 'RM_room-AJ_1',
  });
  expect(lab.livekit.rooms.has('room-AJ_1')).toBe(true);
  lab.livekitIsAway(false);
  const from = lab.lines.length;
  const second = lab.keeper();
  await lab.logged('the caller was released, late', 'AJ_1', from);
  expect(lab.livekit.rooms.size).toBe(0);
  await ended(second);
  expect(await lab.owed(sessionIdOf('AJ_1'))).toMatchObject({ state: 'done' });
  expect(await lab.delivered()).toEqual(['AJ_1.json']);
  expect((await lab.deliveredReport('AJ_1')).hangUp).toMatchObject({ outcome: 'unverified', by: 'session' });
});

test('C3 a caller of a dead job whom nobody could release while LiveKit was away is released when it is back', async () => {
  await using lab = await Lab.open({ AJ_1: 'talks' }, { policy });
  const keeper = lab.keeper();
  const pid = await lab.opened(sessionIdOf('AJ_1'));
  lab.livekitIsAway(true);
  process.kill(pid, 'SIGKILL');
  await lab.logged('report delivered', 'AJ_1'); // nobody waits for LiveKit
  await lab.logged('the hang-up is still owed', 'AJ_1');
  lab.livekitIsAway(false);
  await lab.logged('the caller was released, late', 'AJ_1');
  expect(lab.livekit.rooms.size).toBe(0);
  await ended(keeper);
  expect(await lab.owed(sessionIdOf('AJ_1'))).toMatchObject({ state: 'done' });
});

test('C5 a call that began in a room of the same name meanwhile is left alone', async () => {
  await using lab = await Lab.open({ AJ_1: 'unreleased' }, { policy });
  lab.livekitIsAway(true);
  const first = lab.keeper();
  process.kill(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
  await lab.logged('report sealed', 'AJ_1');
  await killed(first);
  lab.livekit.sids.set('room-AJ_1', 'RM_another');
  lab.livekitIsAway(false);
  const second = lab.keeper();
  await lab.logged('another room has its name now', 'AJ_1');
  expect(lab.livekit.rooms.get('room-AJ_1')).toHaveLength(2);
  await ended(second);
  expect(await lab.owed(sessionIdOf('AJ_1'))).toMatchObject({ state: 'done' });
  expect(lab.livekit.rooms.get('room-AJ_1')).toHaveLength(2);
});

test('C3 a keeper that is told to end tries once more, and says how many hang-ups are left', async () => {
  await using lab = await Lab.open({ AJ_1: 'unreleased' }, { policy });
  lab.livekitIsAway(true);
  const keeper = lab.keeper();
  process.kill(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
  await lab.logged('nobody confirmed the hang-up', 'AJ_1');
  await lab.logged('report delivered', 'AJ_1');
  lab.livekitIsAway(false);
  await ended(keeper);
  expect(lab.livekit.rooms.size).toBe(0);
  expect(await lab.logged('the keeper ends')).toMatchObject({ hangUpsOwed: 0 });
  expect(await lab.owed(sessionIdOf('AJ_1'))).toMatchObject({ state: 'done' });
});
