/** A caller whose client sends far more than any call needs: the call goes on, and its report comes and is small. */
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { journalPath } from '../../../src/journal/folder.ts';
import { sessionIdOf } from '../../../src/journal/ids.ts';
import { REPORT_BYTES } from '../../../src/report/cap.ts';
import { deploy, type Deployment } from '../harness/index.ts';
import { asks, endedWell, GOODBYE, greeted, parted, partsWith, patient } from '../processes/calls.ts';

const server = inject('livekit');
const MIB = 1024 * 1024;
/** 3 MB/s for 15 s: 45 MB. */
const FLOOD = { characters: 60_000, everyMs: 20, times: 750 };
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('attributes at 3 MB/s: they are answered meanwhile, the journal stays small, the report says what is missing', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  const flooding = caller.flood(FLOOD);
  await asks(call, 0.5);
  await flooding;
  await partsWith(call);
  const report = await endedWell(server, deployment, call.name, parted);
  expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(REPORT_BYTES);
  expect(report.completeness).toMatchObject({
    status: 'closed',
    withheld: [{ part: 'caller', identity: 'caller' }],
    leftOut: [],
  });
  // LiveKit drops some of what comes so fast; the last of what it passed on is told.
  expect(report.participants.find(({ isCaller }) => isCaller)?.attributes['page']).toMatch(/^7\d\d x/);
  const { size } = await stat(journalPath(deployment.directory, sessionIdOf(report.session), 1));
  expect(size).toBeLessThan(3 * MIB);
});
