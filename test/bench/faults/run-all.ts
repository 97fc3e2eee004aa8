/**
 * All rows, several calls at a time: what begins does so one after the other, for a start takes a whole core, and most of
 * the time nothing happens.
 */
import { openDoor } from '../../e2e/harness/server-api.ts';
import { type LiveKitServer, startLiveKitServer } from '../../e2e/harness/server.ts';
import type { Pair } from './goals.ts';
import type { Receiver } from './receiver.ts';
import type { Measured, Row } from './row.ts';
import { runRow, type Turn } from './run.ts';
import { type Side, type SideName, startBare, startLastword } from './side.ts';

type Options = { server: LiveKitServer; receiver: Receiver; calls: number };
type Results = { pairs: Pair[]; failures: string[] };
type Task = { row: Row; name: SideName };

const sides = ['bare', 'lastword'] as const;
const start = { bare: startBare, lastword: startLastword };
const isShared = ({ wish, alone }: Row) => wish === undefined && alone === undefined;

export async function runAll(rows: readonly Row[], { server, receiver, calls }: Options): Promise<Results> {
  const measured = new Map<Row, Partial<Record<SideName, Measured>>>();
  const failures: string[] = [];
  const turn = oneAtATime();
  let count = 0;
  const run = async ({ row, name }: Task, world: Parameters<typeof runRow>[2]) => {
    count += 1;
    const room = `${name}-${process.pid}-${count}`;
    const result = await runRow(row, room, world, turn);
    measured.set(row, { ...measured.get(row), [name]: result });
    console.log(`${name}: ${row.name}: ${JSON.stringify(result)}`);
  };
  const guarded = async (task: Task, work: () => Promise<void>) => {
    await work().catch((error: unknown) => {
      failures.push(`could not be run: ${task.name}: ${task.row.name}: ${String(error)}`);
    });
  };
  const shared = tasksOf(rows.filter((row) => isShared(row) && !row.isHeavy));
  const heavy = tasksOf(rows.filter((row) => isShared(row) && row.isHeavy));
  if (shared.length + heavy.length > 0) {
    const at: Record<SideName, Side> = {
      bare: await startBare({ server, receiver: receiver.url, wish: {} }),
      lastword: await startLastword({ server, receiver: receiver.url, wish: {} }),
    };
    const call = (task: Task) =>
      guarded(task, () => run(task, { side: at[task.name], server, receiver, door: undefined }));
    await several(shared, calls, call);
    await several(heavy, 1, call);
    await Promise.all(sides.map((name) => at[name].stop()));
  }
  await several(tasksOf(rows.filter((row) => !isShared(row))), Math.min(2, calls), (task) =>
    guarded(task, () => alone(task, { server, receiver }, turn, (world) => run(task, world))),
  );
  const pairs = rows.flatMap((row) => {
    const { bare, lastword } = measured.get(row) ?? {};
    return bare && lastword ? [{ row, bare, lastword }] : [];
  });
  return { pairs, failures };
}

/** A deployment, and a server or a door where the row breaks those, for one call. */
async function alone(
  { row, name }: Task,
  { server: common, receiver }: Pick<Options, 'server' | 'receiver'>,
  turn: Turn,
  call: (world: Parameters<typeof runRow>[2]) => Promise<void>,
): Promise<void> {
  const server = row.alone === 'server' ? await startLiveKitServer() : common;
  const door = row.alone === 'door' ? await openDoor(server) : undefined;
  const side = await turn(() => start[name]({ server: door ?? server, receiver: receiver.url, wish: row.wish ?? {} }));
  try {
    await call({ side, server, receiver, door });
  } finally {
    await side.stop();
    await door?.[Symbol.asyncDispose]();
    if (server !== common) await server.stop();
  }
}

const tasksOf = (rows: readonly Row[]): Task[] => rows.flatMap((row) => sides.map((name) => ({ row, name })));

async function several(tasks: readonly Task[], width: number, work: (task: Task) => Promise<void>): Promise<void> {
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task; task = queue.shift()) await work(task);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function oneAtATime(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };
}
