import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deploy, type Deployment, roomsOf } from './harness/index.ts';

const server = inject('livekit');
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server);
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('the whole call: speech in, transcription, end_session, goodbye heard whole, room gone, one true report', async () => {
  const { name, lab, caller: made } = await deployment.call();
  await using caller = made;
  await caller.until('the greeting to be heard', () => caller.line(lab, 'Hello, this is Ada.')[0]?.share === 1, 10_000);
  await caller.say(lab, 'What are your opening hours?');
  await caller.until(
    'the answer',
    () => (caller.line(lab, 'We are open from nine to five, Monday to Friday.')[0]?.share ?? 0) > 0.98,
    15_000,
  );
  await caller.say(lab, 'Goodbye.');
  const { reason, at } = await caller.disconnected(15_000);

  const [goodbye, ...more] = caller.line(lab, 'Thank you for calling. Goodbye.');
  expect(more).toEqual([]);
  expect(goodbye?.share).toBeGreaterThanOrEqual(0.98);
  expect(goodbye?.times).toBe(1);
  expect(reason).toBe('ROOM_DELETED');
  expect(at - (goodbye?.lastAt ?? 0)).toBeLessThan(500);
  expect(await roomsOf(server).names()).not.toContain(name);

  const { report } = await deployment.reportOf(name, 10_000);
  console.log(JSON.stringify(report, null, 1));
  const heard = lab.log.filter((entry) => entry.kind === 'heard');
  expect(heard.map(({ text }) => text)).toEqual(['What are your opening hours?', 'Goodbye.']);
  console.log(heard);
});
