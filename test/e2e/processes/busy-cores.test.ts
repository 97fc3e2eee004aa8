/** A machine that has other things to do while a call comes in. It would take the cores from a test beside it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { expect, inject, test } from 'vitest';
import { defaultPolicy, startBound } from '../../../src/index.ts';
import { deploy, until } from '../harness/index.ts';
import { asks, endedWell, GOODBYE, greeted, GREETING, parted, partsWith, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');

const runSeconds = async ({ pid }: ChildProcess): Promise<number> =>
  Number((await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[0]) / 1e9;

test('T36 every core is busy with other work while a call comes in: it is answered', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  await deployment.warm(1, PATIENCE_MS);
  const busy: ChildProcess[] = [];
  try {
    for (let core = 0; core < availableParallelism(); core += 1)
      busy.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    // Who samples the CPU reports one sample every 2.5 s: the second one was taken with every core busy.
    const hasReported = async () => (await Promise.all(busy.map(runSeconds))).every((seconds) => seconds > 5.5);
    await until('two samples of a busy CPU', hasReported, 2 * PATIENCE_MS);
    // The listener's own process starves as well, and loses packets: half of a line is enough to be answered.
    const call = await greeted(deployment);
    await using caller = call.caller;
    expect((caller.line(call.lab, GREETING)[0]?.firstAt ?? Infinity) - caller.joinedAt).toBeLessThan(
      startBound(defaultPolicy),
    );
    await asks(call, 0.5);
    for (const child of busy.splice(0)) child.kill('SIGKILL');
    await partsWith(call);
    const report = await endedWell(server, deployment, call.name, parted);
    expect(report.completeness.noticed).toEqual([]);
  } finally {
    for (const child of busy) child.kill('SIGKILL');
  }
});
