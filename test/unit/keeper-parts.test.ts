import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import type { Owner } from '../../src/journal/entry.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { openJournal } from '../../src/journal/write.ts';
import { type SessionId, firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { claimDirectory, KeeperRunsError } from '../../src/keeper/claim.ts';
import { openNotes } from '../../src/keeper/notes.ts';
import { startSealer } from '../../src/keeper/seal.ts';
import { startPulse } from '../../src/keeper/pulse.ts';
import { workerFacts } from '../../src/keeper/worker-facts.ts';
import type { WorkerHello } from '../../src/link/messages.ts';
import { settledWithin } from '../../src/waiting/deadline.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';

const log = pino({ level: 'silent' });
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-keeper-parts-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

describe('the claim on a directory', () => {
  const nobodyListens = () => Promise.resolve(false);
  const claims = async () => (await readdir(directory)).filter((name) => /^keeper\.\d+\.json$/.test(name)).sort();
  const plant = (number: number, owner: Owner) =>
    writeFile(join(directory, `keeper.${number}.json`), JSON.stringify(owner));

  test('is refused while its keeper lives, and names its pid', async () => {
    const release = await claimDirectory(directory, nobodyListens);
    await expect(claimDirectory(directory, nobodyListens)).rejects.toThrow(KeeperRunsError);
    await expect(claimDirectory(directory, nobodyListens)).rejects.toThrow(`pid ${process.pid}`);
    await release();
    await (
      await claimDirectory(directory, nobodyListens)
    )();
  });
  test('of a dead keeper is followed by the next number, also when its pid is somebody else’s now', async () => {
    await plant(7, { ...(await thisProcess()), startTicks: '1' });
    await claimDirectory(directory, nobodyListens);
    expect(await claims()).toEqual(['keeper.8.json']);
  });
  test('of a keeper in another container holds as long as somebody listens on the socket', async () => {
    await plant(1, { ...(await thisProcess()), pidNamespace: '1' });
    await expect(claimDirectory(directory, () => Promise.resolve(true))).rejects.toThrow(KeeperRunsError);
    await claimDirectory(directory, nobodyListens);
  });
  test('of a dead keeper is taken over by one of many', async () => {
    await plant(1, { ...(await thisProcess()), startTicks: '1' });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => claimDirectory(directory, nobodyListens)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await claims()).toHaveLength(1);
  });
  test('O-F3 of a keeper that is ending is waited for, and the wait is said', async () => {
    const child = spawn('sleep', ['60']);
    try {
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
      const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;
      const owner = { ...(await thisProcess()), pid: child.pid as number, startTicks };
      await plant(1, owner);
      await writeFile(join(directory, 'keeper.ending.json'), JSON.stringify(owner));
      const waitedFor: number[] = [];
      const claimed = claimDirectory(directory, nobodyListens, (pid) => {
        waitedFor.push(pid);
        child.kill('SIGKILL');
      });
      await claimed;
      expect(waitedFor).toEqual([child.pid]);
      expect(await claims()).toEqual(['keeper.2.json']);
    } finally {
      child.kill('SIGKILL');
    }
  });
  test('that is damaged is passed over', async () => {
    await writeFile(join(directory, 'keeper.3.json'), '{');
    await claimDirectory(directory, nobodyListens);
    expect(await claims()).toEqual(['keeper.4.json']);
  });
});

describe('the pulse', () => {
  test('tells how late it is itself, and nothing when it is in time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let now = 0;
    const late: number[] = [];
    const pulse = startPulse(
      250,
      (lateMs) => late.push(lateMs),
      () => now,
    );
    for (const at of [250, 600, 4_850, 5_100]) {
      now = at;
      vi.advanceTimersByTime(250);
      await new Promise((resolve) => setImmediate(resolve)); // behind the pulse's own
    }
    pulse.stop();
    expect(late).toEqual([0, 0, 4_000, 0]);
  });
});

describe('the sealer', () => {
  const worker = (directories: string[]): WorkerHello => ({
    type: 'hello.worker',
    pid: 1,
    agentFile: 'agent.js',
    agentName: 'ada',
    livekit: null,
    reports: directories.map((name) => ({ kind: 'file', name, directory: join(directory, name) })),
    alerts: [],
    policy: defaultPolicy,
    hangUp,
  });
  const accepted = async (session: SessionId) => {
    const notes = openNotes(directory, session, log);
    await notes.begin({
      kind: 'session.accepted',
      data: {
        ...firstJob(session),
        agentName: 'ada',
        room: { name: 'room', sid: 'RM_1' },
        metadata: '',
        worker: 'pid 1',
        hangUp,
        policy: defaultPolicy,
      },
    });
    await notes.close();
  };
  const sealerOn = (store: Pick<Store, 'seal' | 'report' | 'owe'>, known: () => WorkerHello | Promise<WorkerHello>) =>
    startSealer({
      directory,
      store,
      worker: async () => known(),
      onSealed: () => undefined,
      onOwed: () => undefined,
      log,
    });

  test('seals once, with a delivery for each destination; a second time gives back the first', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    const sealer = sealerOn(store, () => worker(['one', 'two']));
    const first = await sealer.seal(sessionIdOf('AJ_1'), log);
    const journal = await openJournal({ directory, session: sessionIdOf('AJ_1'), file: 'keeper' });
    journal.append('keeper.noticed', { what: 'died', epoch: 1 }); // a different fold must not make a different report
    await journal.close();
    const before = await store.report(sessionIdOf('AJ_1'));
    const second = await sealer.seal(sessionIdOf('AJ_1'), log);
    expect(first).toMatchObject({ isFirst: true });
    expect(second).toMatchObject({ isFirst: false, report: first.report, bytes: first.bytes });
    expect(await store.report(sessionIdOf('AJ_1'))).toEqual(before);
    expect(await store.deliveries({ limit: 10 })).toHaveLength(2);
    expect(await store.session(sessionIdOf('AJ_1'))).toMatchObject({ state: 'sealed', reason: 'startup_failed' });
  });

  test('an attempt on a store that fails is a failure, and the next one seals', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    let failures = 2;
    const flaky = {
      report: (session: SessionId) => store.report(session),
      owe: () => Promise.resolve(false),
      seal: (...given: Parameters<Store['seal']>) =>
        failures-- > 0 ? Promise.reject(new Error('planted: disk full')) : store.seal(...given),
    };
    const sealer = sealerOn(flaky, () => worker([]));
    await expect(sealer.seal(sessionIdOf('AJ_1'), log)).rejects.toThrow('disk full');
    await expect(sealer.seal(sessionIdOf('AJ_1'), log)).rejects.toThrow('disk full');
    await sealer.seal(sessionIdOf('AJ_1'), log);
    expect(await store.report(sessionIdOf('AJ_1'))).toBeDefined();
    expect(failures).toBe(-1);
  });

  test('seals nothing before a worker has said where reports go: a report without deliveries is lost to everybody', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    let say: (hello: WorkerHello) => void = () => undefined;
    const hello = new Promise<WorkerHello>((resolve) => (say = resolve));
    const sealing = sealerOn(store, () => hello).seal(sessionIdOf('AJ_1'), log);
    expect(await settledWithin(sealing, 50)).toEqual({ kind: 'late' });
    expect(await store.report(sessionIdOf('AJ_1'))).toBeUndefined();
    say(worker(['one']));
    await sealing;
    expect(await store.deliveries({ limit: 10 })).toMatchObject([{ session: 'AJ_1' }]);
  });

  const withLiveKit = (): WorkerHello => ({
    ...worker(['one']),
    livekit: { url: 'wss://one.example', apiKey: 'key', apiSecret: 'secret' },
  });
  test('C3 T11 an owed hang-up is written down before the report is sealed, once, however often the seal fails', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    const journal = await openJournal({ directory, session: sessionIdOf('AJ_1'), file: 'keeper' });
    journal.append('hangup', { strategy: 'delete-room', attempts: 3, verified: false, ms: 3_000 });
    await journal.close();
    const order: string[] = [];
    const watched = {
      report: (session: SessionId) => store.report(session),
      owe: async (...given: Parameters<Store['owe']>) => {
        const isFirst = await store.owe(...given);
        order.push(isFirst ? 'owed' : 'known');
        return isFirst;
      },
      seal: (...given: Parameters<Store['seal']>) => {
        order.push('sealed');
        return order.length < 3 ? Promise.reject(new Error('planted: disk full')) : store.seal(...given);
      },
    };
    const sealer = sealerOn(watched, withLiveKit);
    await expect(sealer.seal(sessionIdOf('AJ_1'), log)).rejects.toThrow('disk full');
    await sealer.seal(sessionIdOf('AJ_1'), log);
    expect(order).toEqual(['owed', 'sealed', 'known', 'sealed']);
    expect(await store.hangUps({ limit: 10 })).toMatchObject([
      { session: 'AJ_1', server: 'wss://one.example', room: 'room', roomSid: 'RM_1', strategy: 'delete-room' },
    ]);
  });

  test('owes nothing when the hang-up was confirmed, nor where there is no LiveKit', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    await accepted(sessionIdOf('AJ_2'));
    for (const [session, verified] of [
      [sessionIdOf('AJ_1'), true],
      [sessionIdOf('AJ_2'), false],
    ] as const) {
      const journal = await openJournal({ directory, session, file: 'keeper' });
      journal.append('hangup', { strategy: 'delete-room', attempts: 1, verified, ms: 30 });
      await journal.close();
    }
    await sealerOn(store, withLiveKit).seal(sessionIdOf('AJ_1'), log);
    await sealerOn(store, () => worker([])).seal(sessionIdOf('AJ_2'), log);
    expect(await store.hangUps({ limit: 10 })).toEqual([]);
  });

  test('owes what the recovery says, also when the journal could not be written', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    await sealerOn(store, withLiveKit).seal(sessionIdOf('AJ_1'), log, true);
    expect(await store.hangUps({ limit: 10 })).toMatchObject([{ session: 'AJ_1', state: 'owed' }]);
  });

  test('without a worker leaves the session to the next keeper', async () => {
    await using store = await memory();
    await accepted(sessionIdOf('AJ_1'));
    const sealer = sealerOn(store, () => new Promise(() => {}));
    const sealing = sealer.seal(sessionIdOf('AJ_1'), log);
    sealer.stop();
    await expect(sealing).rejects.toThrow();
    expect(await store.report(sessionIdOf('AJ_1'))).toBeUndefined();
  });
});

describe('what the worker said', () => {
  const hello: WorkerHello = {
    type: 'hello.worker',
    pid: 1,
    agentFile: 'agent.js',
    agentName: 'ada',
    livekit: { url: 'ws://127.0.0.1:1', apiKey: 'key', apiSecret: 'secret' },
    reports: [],
    alerts: [],
    policy: defaultPolicy,
    hangUp,
  };

  test('is waited for however long its agent file takes to load: somebody has to be hung up on', async () => {
    vi.useFakeTimers();
    const facts = workerFacts({ log });
    const rooms = facts.rooms();
    await vi.advanceTimersByTimeAsync(60_000);
    facts.take(hello);
    expect(await rooms).not.toBeNull();
    expect(await facts.known()).toBe(hello);
  });

  test('is waited for by nobody when no worker will come', async () => {
    const facts = workerFacts({ log });
    const asked = Promise.all([facts.rooms(), facts.known()]);
    facts.giveUp();
    expect(await asked).toEqual([null, undefined]);
  });
});

const memory = async (): Promise<Store & AsyncDisposable> => {
  const store = await openStore('sqlite::memory:');
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
};
