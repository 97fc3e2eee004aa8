/**
 * `kill -9` in `npm start`: what a newcomer sees when the process of a call, the worker above it or the keeper above all
 * dies in the middle of it. Real processes; a stand-in for LiveKit dispatches.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStart } from './npm-start.ts';

const QUESTION = 'what are your opening hours';
const SORRY = 'Sorry, I lost you for a moment.';
const GREETED = /line +greeting [^\n]*\n/;
/** Two processes start in each of these calls, one of them for nothing but the next death. */
const LONGEST_MS = 80_000;
const RESUMED = /the call goes on: epoch 2 is heard/;

let here: Awaited<ReturnType<typeof openStart>>;
beforeAll(async () => {
  here = await openStart();
});
afterAll(() => here?.remove());

it('/kill job in the middle of an answer: another process excuses itself, has the history, and answers again; one report tells of both', async () => {
  const { code, output } = await here.start({
    longestMs: LONGEST_MS,
    typed: [
      { sees: GREETED, send: '' },
      { sees: /A spare process is warm/, send: QUESTION },
      { sees: /look_up_opening_hours →[^]*?state +conversing(?!:)/, send: '/kill job' },
      { sees: /kill -9 \d+: the process of the call is gone/, send: '' },
      { sees: /LiveKit's stand-in dispatches \(AD_1\)/, send: '' },
      { sees: RESUMED, send: '' },
      { sees: /agent +[^\n]*We are open/, send: 'bye' },
    ],
  });
  expect(output).toContain('delivered, signature verified');
  expect(output).toMatch(/silence +heard nothing for .*: the process died; heard again by .*epoch 2/);
  expect(code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness).toMatchObject({
    status: 'closed',
    epochs: [{ epoch: 1 }, { epoch: 2, closed: true }],
    gaps: [{ toEpoch: 2, cause: 'died' }],
  });
  const said = report.transcript.map(({ role, text }) => `${role}: ${text}`);
  expect(said.filter((line) => line === `user: ${QUESTION}`)).toHaveLength(1);
  expect(said.findIndex((line) => line.includes(SORRY))).toBeGreaterThan(said.indexOf(`user: ${QUESTION}`));
  expect(report.tools.map(({ name, status }) => [name, status])).toEqual([
    ['look_up_opening_hours', 'settled'],
    ['end_session', 'settled'],
  ]);
  expect(await here.deliveriesOf(report.session)).toEqual(['delivered', 'delivered']);
  await here.expectNothingRuns(report);
});

it('/kill keeper: the call goes on, the next keeper takes it up, and its report comes once', async () => {
  const { code, output } = await here.start({
    longestMs: LONGEST_MS,
    typed: [
      { sees: GREETED, send: '/kill keeper' },
      { sees: /kill -9 \d+: the keeper is gone/, send: QUESTION },
      { sees: /agent +We are open/, send: 'bye' },
    ],
  });
  expect(output).toMatch(/the next keeper runs \(process \d+\)/);
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness).toMatchObject({ status: 'closed', epochs: [{ epoch: 1, closed: true }], gaps: [] });
  expect(await here.deliveriesOf(report.session)).toEqual(['delivered', 'delivered']);
  await here.expectNothingRuns(report);
});

it('/kill worker: its job talks on and leaves the call to a job of the next worker, of which the caller hears nothing', async () => {
  const { code, output } = await here.start({
    longestMs: LONGEST_MS,
    typed: [
      { sees: GREETED, send: '/kill worker' },
      { sees: /kill -9 \d+: the worker is gone/, send: QUESTION },
      { sees: /agent +We are open/, send: '' },
      {
        sees: /its worker is gone: left to the next job[^]*takes the call over, as epoch 2[^]*state +conversing(?!:)/,
        send: 'how are you',
      },
      { sees: /agent +Very well/, send: 'bye' },
    ],
  });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness).toMatchObject({
    status: 'closed',
    epochs: [{ epoch: 1 }, { epoch: 2, closed: true }],
    gaps: [],
  });
  expect(report.transcript.map(({ text }) => text).join('\n')).not.toContain(SORRY);
  expect(await here.deliveriesOf(report.session)).toEqual(['delivered', 'delivered']);
  await here.expectNothingRuns(report);
});

it('a keeper that is killed while it ends, and with it the last to know of the report, is followed by one that delivers it', async () => {
  const { code, output } = await here.start({
    longestMs: LONGEST_MS,
    typed: [
      { sees: GREETED, send: 'SIGTERM' },
      { sees: /exiting: saying/, send: '/kill keeper' },
    ],
  });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ by: 'operator', reason: 'worker_shutdown' });
  expect(await here.deliveriesOf(report.session)).toEqual(['delivered', 'delivered']);
  await here.expectNothingRuns(report);
});
