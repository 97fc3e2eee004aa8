/** What a machine receives without end is counted, and nothing of it is lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { defaultPolicy, differences, replay } from '../../machines/index.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { readSession } from '../../src/journal/read.ts';
import { superviseSession } from '../../src/keeper/supervise.ts';
import { build } from '../../src/session/machines-build.ts';
import { Repeats } from '../../src/session/repeats.ts';
import { firstJob, sessionIdOf } from '../../src/journal/ids.ts';

const written = (received: readonly [key: string, digest: string][]): string[] => {
  const repeats = new Repeats(true);
  const lines: string[] = [];
  for (const [key, digest] of received) {
    const again = repeats.take(key, digest);
    if (again) lines.push(`${again.times} of the last ${again.of}`);
    if (!repeats.isCounting) lines.push(key);
  }
  const again = repeats.rest();
  return again ? [...lines, `${again.times} of the last ${again.of}`] : lines;
};

test('the same thing in the same place is counted, and written when another one comes', () => {
  const beat: [string, string] = ['beat', 'alive'];
  expect(written([['here', 'new'], beat, beat, beat, beat, ['closed', 'alive']])).toEqual([
    'here',
    'beat',
    '3 of the last 1',
    'closed',
  ]);
});

test('the same thing in another place is another thing', () => {
  expect(
    written([
      ['beat', 'one'],
      ['beat', 'two'],
      ['beat', 'three'],
    ]),
  ).toEqual(['beat', 'beat', 'beat']);
});

test('a turn of several is counted, also where it breaks off in the middle', () => {
  const turn: [string, string][] = [
    ['failed', 'trying'],
    ['limit', 'pausing'],
  ];
  expect(written([...turn, ...turn, ...turn, turn[0] ?? ['', ''], ['worker', 'pausing']])).toEqual([
    'failed',
    'limit',
    '5 of the last 2',
    'worker',
  ]);
});

test('a keeper writes a thousand beats, and a store that is away, in a few lines that replay', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lastword-repeats-'));
  try {
    const who = firstJob(sessionIdOf('AJ_1'));
    let isStoreThere = false;
    const one = superviseSession(who.session, {
      directory,
      store: { putSession: async () => {}, dropSession: async () => {} },
      rooms: async () => null,
      isWorkerHere: () => true,
      apologize: () => undefined,
      seal: async () => {
        if (!isStoreThere) throw new Error('the store is away');
        return { report: 'rep_AJ_1', bytes: 100, isFirst: true };
      },
      log: pino({ level: 'silent' }),
    });
    const facts = { ...who, agentName: 'desk', room: { name: 'support', sid: 'RM_1' }, metadata: '' };
    const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
    await one.accept({ ...facts, worker: 'pid 1', hangUp, policy: defaultPolicy });
    const peer = { id: 1, send: () => {}, close: () => {} };
    one.hello(peer, { type: 'hello.job', ...who, owner: await thisProcess(), identity: 'agent' });
    for (let beats = 0; beats < 1_000; beats += 1) one.send({ type: 'job.beat' });
    one.closed('');
    await pause(1_000);
    isStoreThere = true;
    await one.over;
    const { keeper } = await readSession(directory, who.session);
    expect(keeper.flatMap(({ kind, data }) => (kind === 'again' ? [data] : []))).toMatchObject([
      { machine: 'supervision', of: 1, times: 999 },
    ]);
    expect(keeper.length).toBeLessThan(40);
    const replayed = replay(keeper, build);
    const [run] = replayed;
    expect(run?.refused).toBeUndefined();
    expect(run?.steps.at(-1)?.states).toEqual(['over']);
    expect(differences(keeper, replayed)).toEqual([]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
