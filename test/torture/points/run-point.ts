/** One call through one place: armed, called, and what is left looked at. A keeper that dies is started again, as a service manager does. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Entry } from '../../../src/journal/entry.ts';
import { listSessions, readSession } from '../../../src/journal/read.ts';
import {
  compiled,
  deploy,
  type Deployment,
  type LiveKitAddress,
  roomsOf,
  startCaller,
} from '../../e2e/harness/index.ts';
import { randomFrom } from '../../machine/random.ts';
import { oneCall, type PlacedCall } from '../one-call.ts';
import { arm, disarm, POINTS, type Struck, struckOf } from './blow.ts';
import { brokenOf } from './judge.ts';
import type { Point } from './points.ts';

const GOODBYE = 'Thank you for calling. Goodbye.';
const SORRY = 'Sorry, I lost you for a moment.';
const LINES = ['Hello, this is Ada.', 'Very well, thank you. And you?', SORRY, GOODBYE];
/** A job on two cores that others use can stand still for seconds: that is not the subject here. */
const policy = {
  startMs: 15_000,
  connectMs: 10_000,
  firstAudioMs: 8_000,
  rungMs: 4_000,
  unresponsiveMs: 8_000,
  idleMs: 40_000,
  shutdownBudgetMs: 60_000,
};
/** Two that die, and one that has the call: an import takes longer than a caller is to wait. */
const MOST_JOBS = 3;
const WARM_MS = 60_000;
const STRUCK_MS = 60_000;
const HEARD_MS = 12_000;
const REPORT_MS = 30_000;
const ROOM_MS = 15_000;
/** What was on its way to the caller when the process died is heard no longer than this. */
const IN_FLIGHT_MS = 800;
/** A person lets others finish. */
const QUIET_MS = 700;
const LOOK_MS = 50;
/** No pause is longer than it has to be. */
const hasty = { ...randomFrom(1), below: () => 0 };

export type Passed = {
  struck: readonly Struck[];
  broken: string[];
  ended: string;
  silentMs: number | undefined;
  reason: string | undefined;
};
export type Runner = AsyncDisposable & { deployment: Deployment; run(point: Point): Promise<Passed> };

/** *Effect.* */
export async function openRunner(server: LiveKitAddress): Promise<Runner> {
  const folder = mkdtempSync(join(tmpdir(), 'lastword-points-'));
  const preload = pathToFileURL(compiled('test/torture/points/die-here.ts')).href;
  const deployment = await deploy(
    server,
    { goodbye: { say: GOODBYE }, onCrash: { resume: 2, say: SORRY }, policy, idleProcesses: MOST_JOBS },
    {
      environment: {
        [POINTS]: folder,
        NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${preload}`.trim(),
      },
    },
  );
  return {
    deployment,
    run: (point) => runPoint(point, { deployment, server, folder }),
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Given = { deployment: Deployment; server: LiveKitAddress; folder: string };

async function runPoint(point: Point, { deployment, server, folder }: Given): Promise<Passed> {
  const { blows, words, stays } = point;
  const jobs = blows.filter(({ who, kills = ['itself'] }) => who === 'job' && kills.includes('itself'));
  await deployment.warm(Math.min(jobs.length + 1, MOST_JOBS), WARM_MS);
  arm(folder, { blows, pids: { keeper: deployment.keeperPid, worker: await deployment.workerPid() } });
  const over = new AbortController();
  const watching = keepKeeper(deployment, over.signal);
  const struck = () => struckOf(folder);
  const lastDeath = () => (struck().length === blows.length ? struck().at(-1)?.at : undefined);
  let call: PlacedCall | undefined;
  const heardSince = (at: number) => call?.caller.sounds().find(({ to }) => to > at + IN_FLIGHT_MS);
  const isDown = () => call?.caller.find('disconnected') !== undefined;
  const waits = async (look: () => boolean, ms: number) => {
    for (const until = Date.now() + ms; !look() && !isDown() && Date.now() < until;) await sleep(LOOK_MS);
  };
  let told: Awaited<ReturnType<typeof oneCall>>;
  try {
    told = await oneCall(deployment, hasty, {
      turns: 1,
      place: () => placed(point, deployment, server),
      ...(words && { words }),
      onJoined: (made) => (call = made),
      beforeWords: async (turn) => {
        if (turn === 0 && stays !== undefined) {
          await waits(() => lastDeath() !== undefined, STRUCK_MS);
          if (stays === 'heard') await waits(() => heardSince(lastDeath() ?? Infinity) !== undefined, HEARD_MS);
        }
        await waits(() => Date.now() - (call?.caller.sounds().at(-1)?.to ?? 0) > QUIET_MS, HEARD_MS);
      },
    });
    await settled(deployment, server, told.name);
  } finally {
    over.abort();
    await watching;
  }
  const reports = deployment.delivered.map(({ report }) => report).filter(({ room }) => room?.name === told.name);
  const all: Struck[] = struck();
  disarm(folder);
  const died = all.find(({ blow }) => blows[blow]?.kills?.length !== 0)?.at;
  const { caller, lab } = call ?? {};
  const again = died === undefined ? undefined : (heardSince(died)?.from ?? caller?.find('disconnected')?.at);
  const silentMs = again === undefined || died === undefined ? undefined : Math.max(0, Math.round(again - died));
  const lines = words ? [...LINES, words.answer] : LINES;
  const broken = brokenOf({
    point,
    told,
    struck: all,
    reports,
    isRoomLeft: (await roomsOf(server).names()).includes(told.name),
    entries: await entriesOf(deployment.directory, told.name),
    heard: caller && lab ? lines.filter((text) => caller.line(lab, text).some(({ share }) => share > 0.5)) : [],
    silentMs,
  });
  return { struck: all, broken, ended: told.ended, silentMs, reason: reports[0]?.end.reason };
}

/** As a browser does: joining makes the room, which calls for the agent. Nobody dies before the caller is there. */
async function placed({ id }: Point, deployment: Deployment, server: LiveKitAddress): Promise<PlacedCall> {
  const name = `${deployment.agentName}-${id}-${deployment.delivered.length}`;
  const account = async () => (await deployment.log()).slice(-3_000);
  const jobMetadata = JSON.stringify({ channel: name });
  const { agentName, lab } = deployment;
  const caller = await startCaller({ server, room: name, agentName, jobMetadata, account });
  return { name, lab: lab.channel(name), caller };
}

/** As long as the call goes on; and at its end, a keeper runs. */
async function keepKeeper(deployment: Deployment, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    if (!existsSync(`/proc/${deployment.keeperPid}`)) await deployment.restart();
    await sleep(LOOK_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

/** The report has come, and the room is gone; what does not come is judged. */
async function settled(deployment: Deployment, server: LiveKitAddress, name: string): Promise<void> {
  const rooms = roomsOf(server);
  await deployment.reportOf(name, REPORT_MS).catch(() => undefined);
  for (const until = Date.now() + ROOM_MS; Date.now() < until; await sleep(LOOK_MS))
    if (!(await rooms.names()).includes(name)) return;
}

/** Of every session in this room: a job that was declined has left one, too. */
async function entriesOf(directory: string, room: string): Promise<Entry[]> {
  const sessions = await listSessions(directory);
  const all = await Promise.all(sessions.map((session) => readSession(directory, session)));
  return all
    .map(({ epochs, keeper }) => [...epochs.flatMap(({ entries }) => entries), ...keeper])
    .filter((entries) =>
      entries.some(
        (entry) =>
          (entry.kind === 'session.opened' || entry.kind === 'session.accepted') && entry.data.room.name === room,
      ),
    )
    .flat();
}
