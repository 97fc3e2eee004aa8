import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { thisProcess } from '../../src/journal/owner.ts';
import { firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { connectLink } from '../../src/link/client.ts';
import { socketPath } from '../../src/link/path.ts';
import { jobToken } from '../../src/link/secret.ts';
import { until } from '../e2e/harness/until.ts';
import { build, isGone, Lab, quickFreeze, quickStart } from './keeper-lab.ts';

/** Of the keeper: one order by two ways comes within it. */
const ECHO_MS = 500;

beforeAll(build);

/** The keeper ends, and what it leaves is looked at: one report for each session, each delivered once. */
const stopAndCheck = async (
  lab: Lab,
  keeper: { process: { kill(s: 'SIGTERM'): void }; ended: Promise<number | null> },
) => {
  keeper.process.kill('SIGTERM');
  const code = await keeper.ended;
  const sessions = lab.scenario.jobs.map(({ session }) => session).sort();
  for (const session of sessions) {
    const sealed = await lab.sealed(session);
    expect(sealed, session).toMatchObject({ deliveries: 1 });
    const journal = await lab.journal(session);
    expect(
      journal.keeper.filter(({ kind }) => kind === 'keeper.sealed'),
      session,
    ).toHaveLength(1);
  }
  expect(await lab.delivered()).toEqual(sessions.map((session) => `${session}.json`));
  return code;
};
const signal = (pid: number, name: NodeJS.Signals) => process.kill(pid, name);

describe('a job', () => {
  test('that closes its journal is sealed, is told so, and its report delivered', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const keeper = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    signal(pid, 'SIGUSR2');
    await lab.fake('sealed', 'AJ_1');
    await lab.logged('report delivered', 'AJ_1');
    expect(await stopAndCheck(lab, keeper)).toBe(143);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('caller_hung_up');
    expect(lab.livekit.asked).toEqual([]); // nothing to recover, nobody to ask
  });

  test('T13 T29 killed with -9 leaves a caller who is released within 2 s, and a report process_crashed', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const keeper = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    const killedAt = performance.now();
    signal(pid, 'SIGKILL');
    const released = await lab.logged('the caller was released', 'AJ_1');
    expect(released.at - killedAt).toBeLessThan(2_000);
    expect(lab.livekit.rooms.size).toBe(0);
    await lab.logged('report delivered', 'AJ_1');
    await stopAndCheck(lab, keeper);
    const report = await lab.deliveredReport('AJ_1');
    expect(report.end).toMatchObject({ by: 'system', reason: 'process_crashed' });
    expect(report.transcript).toHaveLength(1);
    expect(report.hangUp).toMatchObject({ outcome: 'verified', by: 'recovery' });
  });

  test('A12 that froze is killed, hung up on and sealed', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' }, quickFreeze);
    const keeper = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    signal(pid, 'SIGSTOP');
    await lab.logged('the caller was released', 'AJ_1');
    await lab.logged('report delivered', 'AJ_1');
    expect(await isGone(pid)).toBe(true);
    await stopAndCheck(lab, keeper);
    const report = await lab.deliveredReport('AJ_1');
    expect(report.end.reason).toBe('process_crashed');
    expect(report.completeness.noticed).toMatchObject([{ what: 'frozen' }]);
  });

  test('that stood still for less than the limit is left alone', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const keeper = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    signal(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 700)); // the fault itself, not a wait for something
    signal(pid, 'SIGCONT');
    signal(pid, 'SIGUSR2');
    await lab.fake('sealed', 'AJ_1');
    await stopAndCheck(lab, keeper);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('caller_hung_up');
  });

  test('C6 that was accepted and never opened its journal is hung up on and reported', async () => {
    await using lab = await Lab.open({ AJ_1: 'absent' }, quickStart);
    const keeper = lab.keeper();
    const recorded = await lab.fake('recorded', 'AJ_1');
    const released = await lab.logged('the caller was released', 'AJ_1');
    expect(released.at - recorded.at).toBeGreaterThan(1_400);
    await lab.logged('report delivered', 'AJ_1');
    await stopAndCheck(lab, keeper);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('startup_failed');
  });

  test('that never opened is not hung up on when another agent serves its room', async () => {
    await using lab = await Lab.open({ AJ_1: 'absent' }, quickStart);
    const occupants = lab.livekit.rooms.get('room-AJ_1') ?? [];
    occupants.push({ identity: 'agent-of-another-worker', sid: 'PA_9', kind: 'AGENT' });
    const keeper = lab.keeper();
    await lab.logged('report sealed', 'AJ_1');
    await stopAndCheck(lab, keeper);
    expect(lab.livekit.rooms.get('room-AJ_1')).toHaveLength(2);
  });

  test('that died after its last entry and before its last word is sealed as it ended', async () => {
    await using lab = await Lab.open({ AJ_1: 'dies-closed' });
    const keeper = lab.keeper();
    signal(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
    await lab.logged('report delivered', 'AJ_1');
    await stopAndCheck(lab, keeper);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('caller_hung_up');
    expect(lab.livekit.asked).toEqual([]);
  });

  test('that opened and closed its journal before it met the keeper is found at the end of its time to start', async () => {
    await using lab = await Lab.open({ AJ_1: 'closed-unheard' }, quickStart);
    const keeper = lab.keeper();
    await lab.logged('report delivered', 'AJ_1');
    await stopAndCheck(lab, keeper);
    expect(lab.livekit.asked).toEqual([]);
  });

  test('that asks again after the seal gets its word again, and nothing is sealed twice', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const keeper = lab.keeper();
    signal(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
    await lab.logged('report delivered', 'AJ_1');
    const owner = await thisProcess();
    const link = connectLink({
      path: socketPath(lab.directory),
      hello: () => [
        {
          type: 'hello.job',
          ...firstJob(sessionIdOf('AJ_1')),
          owner,
          identity: 'agent',
          token: jobToken(lab.directory, sessionIdOf('AJ_1')) ?? '',
        },
      ],
      onMessage: () => undefined,
    });
    link.send({ type: 'job.closed', session: sessionIdOf('AJ_1'), epoch: 1, lastSeq: 3 });
    expect(await link.awaitSealed(sessionIdOf('AJ_1'), 10_000)).toBe(true);
    link.close();
    await stopAndCheck(lab, keeper);
  });

  test('A10 that died while it was ending is hung up on, and its own reason stays', async () => {
    await using lab = await Lab.open({ AJ_1: 'saying-goodbye' });
    const keeper = lab.keeper();
    signal(await lab.opened(sessionIdOf('AJ_1')), 'SIGKILL');
    await lab.logged('the caller was released', 'AJ_1');
    await lab.logged('report delivered', 'AJ_1');
    await stopAndCheck(lab, keeper);
    const report = await lab.deliveredReport('AJ_1');
    expect(report.end.reason).toBe('agent_ended');
    expect(report.alsoTriggered).toMatchObject([{ reason: 'process_crashed' }]);
  });

  test('whose room was gone is no session: no report, and the next keeper leaves it alone', async () => {
    await using lab = await Lab.open({ AJ_1: 'stale' });
    const first = lab.keeper();
    signal(await lab.opened(sessionIdOf('AJ_1')), 'SIGUSR2');
    await lab.logged('withdrawn', 'AJ_1');
    first.process.kill('SIGTERM');
    await first.ended;
    const from = lab.lines.length;
    const second = lab.keeper();
    await lab.fake('ready', undefined, from);
    second.process.kill('SIGTERM');
    await second.ended;
    expect(await lab.sealed(sessionIdOf('AJ_1'))).toBeUndefined();
    expect(await lab.delivered()).toEqual([]);
    expect(lab.livekit.asked).toEqual([]);
  });

  test('that dies beside another one does not disturb it', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks', AJ_2: 'talks' });
    const keeper = lab.keeper();
    const [first, second] = [await lab.opened(sessionIdOf('AJ_1')), await lab.opened(sessionIdOf('AJ_2'))];
    signal(first, 'SIGKILL');
    await lab.logged('report delivered', 'AJ_1');
    expect(await isGone(second)).toBe(false);
    expect([...lab.livekit.rooms.keys()]).toEqual(['room-AJ_2']);
    signal(second, 'SIGUSR2');
    await lab.fake('sealed', 'AJ_2');
    await stopAndCheck(lab, keeper);
  });
});

/** What a job prints is lost with the keeper that it printed through; one that is not told waits for 20 s. */
const isToldOfTheSeal = (pid: number) => until('the job told of its seal', () => isGone(pid), 5_000);

describe('the keeper', () => {
  test('killed with -9 and started again: the call goes on, the worker is adopted, one report is delivered', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const first = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    const worker = await lab.fake('ready');
    first.process.kill('SIGKILL');
    await first.ended;
    const from = lab.lines.length;
    const second = lab.keeper();
    await lab.logged('worker adopted', undefined, from);
    await lab.logged('following the job', 'AJ_1', from);
    expect(lab.lines.slice(from).some(({ fake, what }) => fake === 'worker' && what === 'started')).toBe(false);
    expect(await isGone(pid)).toBe(false);
    signal(pid, 'SIGUSR2');
    await lab.logged('report delivered', 'AJ_1', from);
    await isToldOfTheSeal(pid);
    await stopAndCheck(lab, second);
    expect(await isGone(worker.pid ?? 0)).toBe(true);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('caller_hung_up');
  });

  test('killed together with its job finds the session again, hangs up and reports', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const first = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    first.process.kill('SIGKILL');
    await first.ended;
    signal(pid, 'SIGKILL');
    const from = lab.lines.length;
    const second = lab.keeper();
    await lab.logged('the caller was released', 'AJ_1', from);
    await lab.logged('report delivered', 'AJ_1', from);
    await stopAndCheck(lab, second);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('process_crashed');
  });

  test('killed after a job was recorded counts its time to start from that record', async () => {
    await using lab = await Lab.open({ AJ_1: 'absent' }, quickStart);
    const first = lab.keeper();
    await lab.fake('recorded', 'AJ_1');
    first.process.kill('SIGKILL');
    await first.ended;
    const second = lab.keeper();
    await lab.logged('the caller was released', 'AJ_1');
    await lab.logged('report delivered', 'AJ_1');
    await stopAndCheck(lab, second);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('startup_failed');
  });

  test('killed while a job waits for its word: the next one gives it, once', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const first = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    first.process.kill('SIGKILL');
    await first.ended;
    signal(pid, 'SIGUSR2');
    const second = lab.keeper();
    await lab.logged('report delivered', 'AJ_1');
    await isToldOfTheSeal(pid);
    await stopAndCheck(lab, second);
  });

  test('asks LiveKit about a job of another container, and takes it in hand when its agent is gone', async () => {
    await using lab = await Lab.open({ AJ_1: 'foreign' }, { policy: { ...quickFreeze.policy, startMs: 4_000 } });
    const first = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    first.process.kill('SIGKILL');
    await first.ended;
    signal(pid, 'SIGKILL');
    lab.livekit.rooms.set('room-AJ_1', [{ identity: 'caller', sid: 'PA_1', kind: 'STANDARD' }]);
    const from = lab.lines.length;
    const second = lab.keeper();
    await lab.logged('the caller was released', 'AJ_1', from);
    await stopAndCheck(lab, second);
    expect((await lab.deliveredReport('AJ_1')).completeness.noticed).toMatchObject([{ what: 'gone' }]);
  });

  test('refuses to run beside one that lives, in one line with its pid', async () => {
    await using lab = await Lab.open();
    const first = lab.keeper();
    await lab.fake('ready');
    const second = lab.keeper();
    expect(await second.ended).toBe(2);
    expect(lab.errors.trim().split('\n')).toHaveLength(1);
    expect(lab.errors).toContain(`pid ${first.pid}`);
    expect(await stopAndCheck(lab, first)).toBe(143);
  });

  test('of three that start at once exactly one runs', async () => {
    await using lab = await Lab.open();
    const keepers = [lab.keeper(), lab.keeper(), lab.keeper()];
    const ends: (number | null)[] = [];
    const refused = new Promise<void>((resolve) => {
      for (const { ended } of keepers) void ended.then((code) => ends.push(code) === 2 && resolve());
    });
    await lab.fake('ready');
    await refused;
    expect(ends).toEqual([2, 2]);
    expect(lab.lines.filter(({ fake, what }) => fake === 'worker' && what === 'started')).toHaveLength(1);
  });
});

describe('SIGTERM', () => {
  test('T16 T39 with two calls: both are told, both reports are delivered before the exit, with the code of the worker', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks', AJ_2: 'talks' });
    const keeper = lab.keeper();
    await Promise.all([lab.opened(sessionIdOf('AJ_1')), lab.opened(sessionIdOf('AJ_2'))]);
    expect(await stopAndCheck(lab, keeper)).toBe(143);
    const told = lab.lines.filter(({ what }) => what === 'told');
    expect(told.map(({ session, detail }) => `${session} ${detail}`).sort()).toEqual([
      'AJ_1 worker_shutdown',
      'AJ_2 worker_shutdown',
    ]);
  });

  test('waits for a receiver that takes its time', async () => {
    let requests = 0;
    const receiver = createServer((request, response) => {
      requests += 1;
      request.resume();
      setTimeout(() => response.writeHead(204).end(), 1_000);
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    await using lab = await Lab.open({ AJ_1: 'talks' }, { webhook: `http://127.0.0.1:${port}/` });
    const keeper = lab.keeper();
    await lab.opened(sessionIdOf('AJ_1'));
    keeper.process.kill('SIGTERM');
    expect(await keeper.ended).toBe(143);
    receiver.close();
    expect(requests).toBe(1);
    expect(await lab.sealed(sessionIdOf('AJ_1'))).toMatchObject({ states: ['delivered', 'delivered'] });
  });

  test('H4 T40 a second time does no harm, and the worker gets one alone', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks', AJ_2: 'deaf' });
    const keeper = lab.keeper();
    const deaf = await lab.opened(sessionIdOf('AJ_2'));
    await lab.opened(sessionIdOf('AJ_1'));
    keeper.process.kill('SIGTERM');
    await lab.fake('told', 'AJ_2');
    await lab.fake('signal');
    keeper.process.kill('SIGTERM');
    await lab.until(
      'the second signal',
      (line) => line.msg === 'signal' && (line as { again?: boolean }).again === true,
    );
    await lab.logged('report sealed', 'AJ_1');
    expect(await isGone(deaf)).toBe(false); // it still has its time
    signal(deaf, 'SIGUSR2');
    expect(await stopAndCheck(lab, keeper)).toBe(143);
    expect(lab.lines.filter(({ what }) => what === 'signal')).toHaveLength(1);
  });

  test('H2 H4 a job that does not listen is killed when the budget is spent, its caller hung up on, its report delivered', async () => {
    await using lab = await Lab.open({ AJ_1: 'deaf' });
    const keeper = lab.keeper();
    const pid = await lab.opened(sessionIdOf('AJ_1'));
    await stopAndCheck(lab, keeper);
    expect(await isGone(pid)).toBe(true);
    expect(lab.livekit.rooms.size).toBe(0);
  });

  test('T40 SIGINT twice shortens the budget', async () => {
    await using lab = await Lab.open(
      { AJ_1: 'deaf' },
      { policy: { startMs: 1_500, beatMs: 100, shutdownBudgetMs: 600_000 } },
    );
    const keeper = lab.keeper();
    await lab.opened(sessionIdOf('AJ_1'));
    keeper.process.kill('SIGINT');
    await lab.fake('told', 'AJ_1');
    await sleep(ECHO_MS); // impatience takes a while
    keeper.process.kill('SIGINT');
    await lab.logged('the caller was released', 'AJ_1');
    expect(await keeper.ended).toBe(143);
  });

  test('O-F2 the same SIGINT by two ways, as pm2 sends it, is no impatience: the calls keep their time', async () => {
    await using lab = await Lab.open(
      { AJ_1: 'deaf' },
      { policy: { startMs: 1_500, beatMs: 100, shutdownBudgetMs: 600_000 } },
    );
    const keeper = lab.keeper();
    const deaf = await lab.opened(sessionIdOf('AJ_1'));
    keeper.process.kill('SIGINT');
    type Taken = { time: number; hurries: boolean };
    const taken = async (what: string, again: boolean) =>
      (await lab.until(
        what,
        (line) => line.msg === 'signal' && (line as { again?: boolean }).again === again,
      )) as unknown as Taken;
    const first = await taken('the first', false);
    keeper.process.kill('SIGINT');
    const second = await taken('the second', true);
    // A machine that took longer between the two has seen something else.
    if (second.time - first.time < ECHO_MS - 50) expect([second.hurries, await isGone(deaf)]).toEqual([false, false]);
    await sleep(ECHO_MS);
    keeper.process.kill('SIGINT');
    await lab.logged('the caller was released', 'AJ_1');
    expect(await keeper.ended).toBe(143);
  });
});

describe('the worker', () => {
  test('that throws on import ends the keeper with its code, and names the file', async () => {
    await using lab = await Lab.open({}, { worker: 'throws-on-import' });
    const keeper = lab.keeper();
    expect(await keeper.ended).toBe(1);
    const fatal = await lab.logged('keeper-fake.js ended with code 1');
    expect(JSON.stringify(fatal)).toContain('keeper-fake.js');
    expect(lab.errors).toContain('planted: the agent file throws');
    expect(lab.lines.filter(({ what }) => what === 'started')).toHaveLength(1);
  });

  test('that throws on import leaves what is unsealed to the next keeper, which seals and delivers it', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const first = lab.keeper();
    const job = await lab.opened(sessionIdOf('AJ_1'));
    const { pid: worker = 0 } = await lab.fake('ready');
    first.process.kill('SIGKILL');
    await first.ended;
    for (const pid of [job, worker]) signal(pid, 'SIGKILL');
    lab.scenario.worker = 'throws-on-import';
    expect(await lab.keeper().ended).toBe(1);
    expect(await lab.sealed(sessionIdOf('AJ_1'))).toBeUndefined(); // nobody knows where its report goes
    delete lab.scenario.worker;
    const from = lab.lines.length;
    const third = lab.keeper();
    await lab.logged('report delivered', 'AJ_1', from);
    await stopAndCheck(lab, third);
    expect((await lab.deliveredReport('AJ_1')).end.reason).toBe('process_crashed');
  });

  test('that ends without ever being a worker ends the keeper with 1', async () => {
    await using lab = await Lab.open({}, { worker: 'exits-quietly' });
    expect(await lab.keeper().ended).toBe(1);
    await lab.logged('does it call runWorker');
  });

  test('that is done ends the keeper with 0, when all is sealed and delivered', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' }, { worker: 'done' });
    const keeper = lab.keeper();
    await lab.opened(sessionIdOf('AJ_1'));
    expect(await keeper.ended).toBe(0);
    expect(await lab.delivered()).toEqual(['AJ_1.json']);
  });

  test('H3b T12 that was killed is started again, and its calls are told to end in time', async () => {
    await using lab = await Lab.open({ AJ_1: 'talks' });
    const keeper = lab.keeper();
    await lab.opened(sessionIdOf('AJ_1'));
    const { pid } = await lab.fake('ready');
    const from = lab.lines.length;
    signal(pid ?? 0, 'SIGKILL');
    expect((await lab.fake('told', 'AJ_1', from)).detail).toBe('worker_lost');
    await lab.fake('sealed', 'AJ_1', from);
    const again = await lab.fake('ready', undefined, from);
    expect(again.pid).not.toBe(pid);
    expect(await stopAndCheck(lab, keeper)).toBe(143);
  });
});
