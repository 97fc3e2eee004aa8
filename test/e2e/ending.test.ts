/** How a call ends while the agent speaks, how long greetings are let be, and what happens at the longest duration. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { deploy, type Deployment, startCaller } from './harness/index.ts';

const server = inject('livekit');
const GREETING = 'Hello, this is Ada.';
// Long enough that 2 % of it are more than one piece of 50 ms.
const GOODBYE = 'Thank you very much for calling us today. Goodbye, and have a nice day.';
const SPEECH = 'This is a speech of ten seconds that nobody wants to hear to its end.';
const DRAIN_MS = 2000;

describe('the session is ended while the agent speaks', () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await deploy(server, {
      goodbye: { say: GOODBYE },
      policy: { drainMs: DRAIN_MS },
      idleProcesses: 2,
      calls: 2,
    });
    await deployment.warm(2, 30_000);
  });
  afterAll(() => deployment?.[Symbol.asyncDispose]());

  for (const drain of [false, true]) {
    const title = drain
      ? 'drain: true cuts a speech of 10 s after drainMs, and the goodbye is heard whole and once'
      : 'drain: false stops the speech, and the goodbye is heard whole and once';
    test.concurrent(title, async () => {
      const {
        name,
        lab,
        caller: made,
      } = await deployment.call({ endWhileSpeaking: { speech: 2, afterMs: 1000, drain } });
      await using caller = made;
      lab.play({ rules: [], otherwise: { say: SPEECH }, durations: { [SPEECH]: 10_000 } });
      await caller.until('the greeting', () => (caller.line(lab, GREETING)[0]?.share ?? 0) > 0.9, 10_000);
      await caller.say(lab, 'Tell me something long.');
      await caller.disconnected(30_000);

      const [speech] = caller.line(lab, SPEECH);
      const cutAfterMs = (drain ? DRAIN_MS : 0) + 1000;
      expect(speech?.heardMs).toBeGreaterThan(cutAfterMs - 500);
      expect(speech?.heardMs).toBeLessThan(cutAfterMs + 1500);
      const goodbyes = caller.line(lab, GOODBYE);
      expect(goodbyes).toHaveLength(1);
      expect(goodbyes[0]).toMatchObject({ times: 1 });
      expect(goodbyes[0]?.share).toBeGreaterThanOrEqual(0.98);

      const { report } = await deployment.reportOf(name, 10_000);
      expect(report.end).toMatchObject({ by: 'agent', reason: 'planted_end', stage: 'conversing' });
      expect(report.goodbye).toMatchObject({ outcome: 'played', interrupted: false });
      const cut = report.transcript.find(({ role, interrupted }) => role === 'assistant' && interrupted);
      expect(SPEECH).toContain(cut?.text.slice(0, 8) ?? 'nothing was marked as interrupted');
    });
  }
});

describe('with a policy of its own', () => {
  const LONG = 'Welcome. This greeting takes twelve seconds, and whoever calls may hear it to the end.';
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await deploy(server, {
      calls: 1,
      greeting: { say: LONG },
      goodbye: { say: GOODBYE },
      policy: { maxDurationMs: 20_000, windDownMs: 5000, idleMs: 60_000 },
    });
  });
  afterAll(() => deployment?.[Symbol.asyncDispose]());

  test('a greeting of 12 s is heard whole, and at the longest duration the caller is told, then hears the goodbye', async () => {
    const { name, lab } = await deployment.room();
    lab.play({ rules: [], durations: { [LONG]: 12_000 } });
    await using caller = await startCaller({ server, room: name });
    const { at } = await caller.disconnected(45_000);

    const [greeting] = caller.line(lab, LONG);
    expect(greeting?.share).toBeGreaterThanOrEqual(0.98);
    expect(greeting?.heardMs).toBeGreaterThan(11_500);
    const [windDown] = caller.line(lab, 'We have to come to an end soon.');
    expect(windDown?.share).toBeGreaterThanOrEqual(0.98);
    const [goodbye] = caller.line(lab, GOODBYE);
    expect(goodbye?.share).toBeGreaterThanOrEqual(0.98);
    expect(
      (greeting?.lastAt ?? 0) < (windDown?.firstAt ?? 0) && (windDown?.lastAt ?? 0) < (goodbye?.firstAt ?? 0),
    ).toBe(true);
    expect(at - caller.joinedAt).toBeGreaterThan(20_000);

    const { report } = await deployment.reportOf(name, 10_000);
    expect(report.end).toMatchObject({ by: 'limit', reason: 'max_duration' });
    expect(report.errors).toEqual([]);
  });
});
