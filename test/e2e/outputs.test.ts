/** The ear decides, on the wire: an output of the user's own, as an avatar has, and one that is switched off for a while. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { expectEndedWell } from '../contract/ended-well.ts';
import { deploy, type Deployment, HEARD_WHOLE, roomsOf } from './harness/index.ts';
import { hears } from './processes/calls.ts';

const server = inject('livekit');
const GREETING = 'Hello, this is Ada.';
const ANSWER = 'We are open from nine to five on every day of the week, and on Sundays from ten.';
const GOODBYE = 'Thank you for calling. Goodbye.';
const ended = { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' } as const;
const toEnd = { when: { user: 'bye' }, answer: { tools: [{ name: 'end_session' }] } };

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { calls: 2 }, { pace: 'instant' }); // a slow answer would have its filler, and rightly
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('O-B6 an output put in place by prepare, which never says that it began: every line is heard whole, and no line of ours', async () => {
  const { name, lab, caller: made } = await deployment.call({ output: 'own' });
  await using caller = made;
  lab.play({ rules: [toEnd], otherwise: { say: ANSWER } });
  await hears({ name, lab, caller }, GREETING);
  await caller.say(lab, 'When do you open?');
  await hears({ name, lab, caller }, ANSWER);
  await caller.say(lab, 'Bye.');
  await caller.disconnected(20_000);
  expect(caller.line(lab, GOODBYE)[0]?.share).toBeGreaterThan(HEARD_WHOLE);
  expect(await caller.recordings()).toEqual([]);

  const { report } = await deployment.reportOf(name, 10_000);
  const { errors, lines } = expectEndedWell({ reports: [report], rooms: await roomsOf(server).names() }, ended);
  expect(errors).toEqual([]);
  expect(lines.map(({ line, outcome }) => `${line} ${outcome}`)).toEqual(['greeting played', 'goodbye played']);
});

test('O-B6 switched off, the agent writes and nothing of ours is heard; switched on again, it is heard', async () => {
  const { name, lab, caller: made } = await deployment.call();
  await using caller = made;
  const turn = (isOn: boolean) => [{ name: 'switch_voice', arguments: { isOn } }];
  lab.play({
    rules: [
      { when: { user: 'quiet' }, answer: { tools: turn(false) } },
      { when: { user: 'aloud' }, answer: { tools: turn(true) } },
      { when: { afterTool: 'switch_voice' }, answer: { say: ANSWER } },
      toEnd,
    ],
  });
  await hears({ name, lab, caller }, GREETING);
  const written = () => deployment.entry(name, 'item', ({ data }) => data.text === ANSWER, 15_000);
  await caller.say(lab, 'Be quiet, please.');
  await written();
  await new Promise((resolve) => setTimeout(resolve, 8000)); // filler and apology would both have come
  expect([caller.line(lab, ANSWER), await caller.recordings()]).toEqual([[], []]);
  await caller.say(lab, 'And now aloud.');
  await hears({ name, lab, caller }, ANSWER);
  await caller.say(lab, 'Bye.');
  await caller.disconnected(20_000);

  const { report } = await deployment.reportOf(name, 10_000);
  const { errors, lines } = expectEndedWell({ reports: [report], rooms: await roomsOf(server).names() }, ended);
  expect(errors).toEqual([]);
  expect(lines.map(({ line, outcome }) => `${line} ${outcome}`)).toEqual(['greeting played', 'goodbye played']);
});
