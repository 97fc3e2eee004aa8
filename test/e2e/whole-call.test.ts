import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultPolicy } from '../../src/index.ts';
import { deploy, type Deployment, roomsOf } from './harness/index.ts';

const server = inject('livekit');
// Long enough that 2 % of it are more than one piece of 50 ms.
const GOODBYE = 'Thank you very much for calling us today. Goodbye, and have a nice day.';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { goodbye: { say: GOODBYE }, calls: 1 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('the whole call: speech in, transcription, end_session, goodbye heard whole, room gone, one true report', async () => {
  const { name, lab, caller: made } = await deployment.call();
  await using caller = made;
  await caller.until(
    'the greeting to be heard',
    () => (caller.line(lab, 'Hello, this is Ada.')[0]?.share ?? 0) > 0.9,
    10_000,
  );
  await caller.say(lab, 'What are your opening hours?');
  await caller.until(
    'the answer',
    () => (caller.line(lab, 'We are open from nine to five, Monday to Friday.')[0]?.share ?? 0) > 0.98,
    15_000,
  );
  await caller.say(lab, 'Goodbye.');
  const { reason, at } = await caller.disconnected(15_000);

  const [goodbye, ...more] = caller.line(lab, GOODBYE);
  expect(more).toEqual([]);
  expect(goodbye?.share).toBeGreaterThanOrEqual(0.98);
  expect(goodbye?.times).toBe(1);
  expect(reason).toBe('ROOM_DELETED');
  expect(at - (goodbye?.lastAt ?? 0)).toBeLessThan(defaultPolicy.hangUpMs);
  expect(await roomsOf(server).names()).not.toContain(name);

  const { report } = await deployment.reportOf(name, 10_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended', stage: 'conversing' });
  expect(report.goodbye).toMatchObject({ outcome: 'played', rung: 'live', interrupted: false });
  expect(report.hangUp).toMatchObject({ strategy: 'delete-room', outcome: 'verified' });
  expect(report.completeness.status).toBe('closed');
  expect(report.transcript.filter(({ role }) => role !== 'handoff').map(({ role, text }) => [role, text])).toEqual([
    ['assistant', 'Hello, this is Ada.'],
    ['user', 'What are your opening hours?'],
    ['assistant', 'We are open from nine to five, Monday to Friday.'],
    ['user', 'Goodbye.'],
    ['assistant', GOODBYE],
  ]);
  const heard = lab.log.filter((entry) => entry.kind === 'heard');
  expect(heard.map(({ text }) => text)).toEqual(['What are your opening hours?', 'Goodbye.']);
  // The lab got the speech that was spoken: as long, and as loud.
  for (const { audio, spoken } of heard) {
    expect(Math.abs(audio.speechMs - (spoken?.speechMs ?? 0))).toBeLessThan(400);
    expect(audio.level / (spoken?.level ?? 0)).toBeGreaterThan(0.5);
  }
});
