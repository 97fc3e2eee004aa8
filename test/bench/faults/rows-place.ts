/** What breaks around the call: who is in the room, the worker, the server. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row, Scene } from './row.ts';
import { answersNudge, asks, greeted, joins } from './scenes.ts';

/** What Kubernetes gives a pod between SIGTERM and SIGKILL. */
const GRACE_MS = 30_000;
/** An orphaned job talks on for 16 s; who is still on the line then asks something. */
const ORPHANED_MS = 20_000;

const asksOrphan = async ({ caller, ...scene }: Scene, from: number): Promise<number> => {
  const isOver = await caller.disconnected(ORPHANED_MS).then(
    () => true,
    () => false,
  );
  return isOver ? from : asks({ ...scene, caller }).catch(() => from);
};
const workerKilled = async (scene: Scene): Promise<number> => {
  await greeted(scene);
  process.kill(await scene.side.workerPid(), 'SIGKILL');
  return Date.now();
};
/** A room that somebody else closed is over for everybody; the report counts. */
const over = { waits: false } as const;

export const placeRows: Row[] = [
  {
    ids: ['D3', 'C8', 'A6', 'A7'],
    name: 'the caller hangs up before the greeting',
    ...over,
    scene: async (scene) => {
      const from = await joins(scene);
      await scene.caller.leave();
      return from;
    },
    // Whoever was gone before the agent was there has, for the agent, never come.
    truth: {
      reason: ['caller_hung_up', 'never_joined'],
      bare: /CLIENT_INITIATED|participant_disconnected|ROOM_CLOSED/,
    },
  },
  {
    ids: ['T31', 'D1', 'T10'],
    name: "the caller's process is killed: nobody says goodbye",
    ...over,
    cutMs: 75_000,
    scene: async (scene) => {
      await greeted(scene);
      await scene.caller.vanish();
      return Date.now();
    },
    truth: { reason: 'caller_lost', bare: /CONNECTION_TIMEOUT/ },
  },
  {
    ids: ['C12', 'G6'],
    name: 'nobody ever joins',
    ...over,
    caller: false,
    cutMs: 75_000,
    scene: async () => Date.now(),
    truth: { reason: 'never_joined', bare: /join|time/i },
  },
  {
    ids: ['G2', 'C15'],
    name: 'the caller has no microphone',
    ...over,
    caller: { microphone: 'none' },
    cutMs: 75_000,
    scene: greeted,
    truth: { reason: 'idle', bare: /idle|away|inactiv/i },
  },
  {
    ids: ['D4'],
    name: 'the room is deleted by somebody else',
    ...over,
    scene: async (scene) => {
      await greeted(scene);
      await scene.rooms.delete(scene.room);
      return Date.now();
    },
    truth: { reason: 'room_deleted', bare: /ROOM_DELETED/ },
  },
  {
    ids: ['D9'],
    name: 'the agent is removed by somebody else',
    scene: async (scene) => {
      await greeted(scene);
      const agent = (await scene.rooms.identities(scene.room)).find((identity) => identity !== scene.caller.identity);
      await scene.rooms.remove(scene.room, agent ?? '');
      return Date.now();
    },
    later: asksOrphan,
    truth: { reason: 'removed', bare: /PARTICIPANT_REMOVED/ },
  },
  {
    ids: ['T16', 'H1', 'T39', 'T12'],
    name: 'SIGTERM of the worker, and SIGKILL after 30 s of grace',
    alone: 'deployment',
    scene: async (scene) => {
      await greeted(scene);
      process.kill(scene.side.operatorPid, 'SIGTERM');
      return Date.now();
    },
    later: async (scene, from) => {
      await Promise.race([sleep(GRACE_MS), scene.caller.disconnected(GRACE_MS).catch(() => {})]);
      if (scene.caller.find('disconnected')) return from;
      process.kill(scene.side.operatorPid, 'SIGKILL');
      return asksOrphan(scene, Date.now());
    },
    truth: { reason: 'worker_shutdown', bare: /SIGTERM|shutdown|drain/i },
  },
  {
    ids: ['T30', 'T12', 'H3b'],
    name: 'kill -9 of the worker',
    alone: 'deployment',
    scene: workerKilled,
    later: asksOrphan,
    truth: { reason: 'worker_lost', bare: /worker|SIGKILL/i },
  },
  {
    ids: ['T30', 'T12', 'H3b'],
    name: 'kill -9 of the worker whose calls another one may have',
    alone: 'deployment',
    wish: { resumes: true },
    scene: workerKilled,
    later: asksOrphan,
    truth: { reason: 'worker_lost', bare: /worker|SIGKILL/i },
  },
  {
    ids: ['T32'],
    name: 'LiveKit is killed, and back after two seconds',
    alone: 'server',
    scene: async (scene) => {
      await greeted(scene);
      await scene.server.kill();
      await sleep(2000);
      await scene.server.restart();
      await scene.caller.until('the caller to be back', () => scene.caller.find('reconnected'), 20_000).catch(() => {});
      return asks(scene).catch(() => Date.now());
    },
    later: answersNudge,
    repeats: true,
    truth: { reason: 'room_deleted', bare: /SERVER|MIGRATION|disconnect/i },
  },
];
