/** A job that takes more and more memory: seen while it is near its limit, ended before the SDK kills it, true when it does. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { receptionist } from '../../../src/testing/index.ts';
import { deploy, until } from '../harness/index.ts';
import { asks, endedWell, GOODBYE, greeted, hears, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
/** A job that talks takes 220 MiB, so there is room for a warning. */
const jobMemoryWarnMB = 400;
const jobMemoryLimitMB = 600;
const APOLOGY = 'Sorry, something went wrong. Please call again in a moment.';
const HOARDED = 'I have written it all down.';
/** The tool `hoard` takes memory until the process has so much of it. */
const hoarding = (durations: Record<string, number> = {}, when?: string) => ({
  rules: [
    { when: { user: 'a little' }, answer: { tools: [{ name: 'hoard', arguments: { mb: 450 } }] } },
    { when: { user: 'a lot' }, answer: { tools: [{ name: 'hoard', arguments: { mb: 700 } }] } },
    { when: { user: 'everything' }, answer: { tools: [{ name: 'hoard', arguments: { mb: 450, when, more: 1000 } }] } },
    { when: { afterTool: 'hoard' }, answer: { say: HOARDED } },
    ...receptionist.rules,
  ],
  durations,
});
const overLimit = {
  reason: 'memory_limit',
  by: 'system',
  stage: 'conversing',
  fault: 'application',
  detail: /^\d+ MiB of memory in use, above the limit of 600 MiB$/,
} as const;

test('A11 a job near its memory limit is in the journal and talks on; above it the caller hears the apology and is let go, as memory_limit', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    apology: { say: APOLOGY },
    policy: patient,
    server: { jobMemoryWarnMB, jobMemoryLimitMB },
    calls: 1,
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  call.lab.play(hoarding());
  await caller.say(call.lab, 'Remember a little.');
  await deployment.entry(call.name, 'error', ({ data }) => data.component === 'memory', PATIENCE_MS);
  await hears(call, HOARDED);
  await asks(call);
  expect(caller.find('disconnected')).toBeUndefined();
  await caller.say(call.lab, 'Remember a lot.');
  expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
  expect(caller.line(call.lab, APOLOGY)[0]?.share).toBeGreaterThan(0.85);

  const report = await endedWell(server, deployment, call.name, { ...overLimit, goodbye: 'skipped', apology: 'live' });
  const ofMemory = report.errors.filter(({ component }) => component === 'memory');
  expect(ofMemory.map(({ recoverable, times }) => [recoverable, times])).toEqual([[false, 2]]);
  expect(report.completeness.noticed).toEqual([]);
});

test('A11 T13 a job that is killed for its memory in the middle of the apology: the keeper hangs up, and the reason is the true one', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    apology: { say: APOLOGY },
    policy: { ...patient, apologyMs: 20_000 },
    server: { jobMemoryWarnMB, jobMemoryLimitMB },
    calls: 1,
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const now = path.join(deployment.directory, 'now');
  call.lab.play(hoarding({ [APOLOGY]: 15_000 }, now)); // longer than the 5 s after which the SDK looks again
  await caller.say(call.lab, 'Remember everything.');
  const hasLooked = async () => (await deployment.log()).includes('memory usage is above the warning threshold');
  await until('the SDK to look: its next look is 5 s away then', hasLooked, PATIENCE_MS);
  const takenAt = Date.now();
  await writeFile(now, '');
  // Known by its time: of a line that is cut the lab may not have made every part.
  const apology = () => caller.utterances().filter(({ firstAt }) => firstAt > takenAt);
  await caller.until('the apology to begin', () => apology().length > 0, PATIENCE_MS);
  expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
  expect(apology().reduce((sum, { heardMs }) => sum + heardMs, 0)).toBeLessThan(9000);

  const report = await endedWell(server, deployment, call.name, {
    ...overLimit,
    goodbye: null,
    status: 'recovered',
  });
  expect(report.alsoTriggered).toMatchObject([{ reason: 'process_crashed' }]);
  expect(report.completeness.noticed).toMatchObject([{ what: 'died' }]);
  expect(report.hangUp?.by).toBe('recovery');
  expect(await deployment.log()).toContain('exceeded memory limit, killing it');
});
