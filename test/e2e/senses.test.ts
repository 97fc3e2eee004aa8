/** On the wire: what the client is told at the end, and tracks that nobody hears. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultPolicy, startBound } from '../../src/index.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { deploy, type Deployment, HEARD_WHOLE, roomsOf } from './harness/index.ts';
import { hears } from './processes/calls.ts';

const server = inject('livekit');
const GREETING = 'Hello, this is Ada.';
const GOODBYE = 'Thank you for calling. Goodbye.';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { calls: 3 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('F4 the client is told why before it is let go, by message and by attribute, and hears the goodbye whole', async () => {
  const { name, lab, caller: made } = await deployment.call();
  await using caller = made;
  lab.play({ rules: [], otherwise: { tools: [{ name: 'end_session' }] } });
  await hears({ name, lab, caller }, GREETING);
  await caller.say(lab, 'Goodbye.');
  const { at } = await caller.disconnected(20_000);

  const { report } = await deployment.reportOf(name, 10_000);
  expectEndedWell(
    { reports: [report], rooms: await roomsOf(server).names() },
    { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' },
  );
  const told = caller.events.filter((event) => event.kind === 'data' && event.topic === 'lastword.session');
  expect(told).toHaveLength(1);
  const [message] = told;
  expect(JSON.parse(message?.kind === 'data' ? message.text : '')).toEqual({
    type: 'session.ended',
    reason: 'agent_ended',
    by: 'agent',
    session: report.session,
  });
  const attributes = caller.events.flatMap((event) => (event.kind === 'attributes' ? [event.attributes] : []));
  expect(attributes).toContainEqual(expect.objectContaining({ 'lastword.end': 'agent_ended' }));
  const [goodbye] = caller.line(lab, GOODBYE);
  expect(goodbye?.share).toBeGreaterThan(HEARD_WHOLE);
  expect(at - (goodbye?.lastAt ?? 0)).toBeLessThan(defaultPolicy.hangUpMs);
});

test('T5 C11 T57 a client that subscribes to nothing: let go within startBound, and the platform is to blame', async () => {
  const { name, caller: made } = await deployment.call({}, { isDeaf: true });
  await using caller = made;
  const { at } = await caller.disconnected(startBound(defaultPolicy) + 5000);
  expect(at - caller.joinedAt).toBeLessThan(startBound(defaultPolicy));
  const { report } = await deployment.reportOf(name, 10_000);
  const message = 'the track of the agent is published, and nobody subscribed to it';
  const { errors } = expectEndedWell(
    { reports: [report], rooms: await roomsOf(server).names() },
    {
      reason: 'startup_failed',
      by: 'system',
      stage: 'greeting',
      fault: 'platform',
      detail: message,
      goodbye: 'skipped',
      apology: null,
    },
  );
  expect(errors).toContainEqual(expect.objectContaining({ component: 'track', message }));
});

test('G2 a caller without a microphone: the report says so, ten seconds after they came', async () => {
  const { name, caller: made } = await deployment.call({}, { microphone: 'none' });
  await using caller = made;
  await deployment.entry(name, 'error', ({ data }) => data.component === 'microphone', 20_000);
  await caller.leave();
  const { report } = await deployment.reportOf(name, 10_000);
  expect(report.end.reason).toBe('caller_hung_up');
  expect(report.errors).toEqual([]);
  expect(report.warnings).toMatchObject([
    { component: 'microphone', message: 'the caller has published no audio track', recoverable: true },
  ]);
});
