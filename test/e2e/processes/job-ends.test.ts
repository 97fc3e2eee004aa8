/** What goes on in a job around its end: a process that does not go, one that is killed on its way, a throw out of nowhere. */
import { expect, inject, test } from 'vitest';
import { receptionist } from '../../../src/testing/index.ts';
import { deploy, until } from '../harness/index.ts';
import { endedWell, GOODBYE, greeted, parted, partsWith, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
/** D3 in job.ts: 10 s after the session is closed. */
const GONE_MS = 13_000;

test('C17 the process of a call is gone after a good end, also when a shutdown callback of the SDK never settles', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  const call = await greeted(deployment, { callback: 'hangs' });
  await using caller = call.caller;
  const pid = await deployment.jobPid(call.name);
  await partsWith(call);
  expect(caller.find('disconnected')?.reason).toBe('ROOM_DELETED');
  await endedWell(server, deployment, call.name, parted);
  await until('the process to be gone', async () => !(await deployment.processes()).includes(pid), GONE_MS);
});

test('A10 killed while it closes what the application opened: the caller was let go long before, and the report has the true end', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    policy: { ...patient, closeMs: 20_000 },
    calls: 1,
  });
  const call = await greeted(deployment, { release: 'hangs' });
  await using caller = call.caller;
  const pid = await deployment.jobPid(call.name);
  await partsWith(call);
  await until('the hook to run', async () => (await deployment.log()).includes(`releasing: ${pid}`), PATIENCE_MS);
  expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED'); // the hook hangs, and nobody waits for it
  await deployment.entry(call.name, 'hangup', () => true, PATIENCE_MS); // on the disk, or the keeper could not know of it
  process.kill(pid, 'SIGKILL');
  const report = await endedWell(server, deployment, call.name, { ...parted, status: 'recovered' });
  expect(report.hangUp?.by).toBe('session');
  expect(report.alsoTriggered).toMatchObject([{ reason: 'process_crashed' }]);
});

test('T13 T28 an exception out of a timer: the caller hears the apology and is let go, and the process is gone', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const pid = await deployment.jobPid(call.name);
  call.lab.play({
    rules: [
      { when: { afterTool: 'throw_later' }, answer: { say: 'One moment, I am looking it up for you right now.' } },
      { when: { user: 'break' }, answer: { tools: [{ name: 'throw_later' }] } },
      ...receptionist.rules,
    ],
  });
  const { to } = await caller.say(call.lab, 'Please break.');
  const { at, reason } = await caller.disconnected(PATIENCE_MS);
  expect(reason).toBe('ROOM_DELETED');
  expect(at - to).toBeLessThan(10_000); // the bare SDK: a ghost for 21 s
  const report = await endedWell(server, deployment, call.name, {
    reason: 'process_crashed',
    by: 'system',
    stage: 'conversing',
    fault: 'application',
    detail: 'uncaught: planted: out of a timer',
    goodbye: 'skipped',
    apology: 'live',
  });
  expect(report.errors).toContainEqual(
    expect.objectContaining({ component: 'process', message: 'planted: out of a timer', recoverable: false }),
  );
  await until('the process to be gone', async () => !(await deployment.processes()).includes(pid), GONE_MS);
  expect(caller.line(call.lab, GOODBYE)).toEqual([]);
});
