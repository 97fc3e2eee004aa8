/**
 * A provider dies at once or in the third turn: the best rung that is left speaks, and nobody sits in silence. Each
 * component, each way to fail and each moment once; `npm run bench:faults` plays more of them. Two calls at a time: what
 * is promised is seconds, and they mostly wait.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { defaultPolicy, releaseBound, silenceBound } from '../../src/index.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { silences } from './harness/caller.ts';
import { deploy, type Deployment, roomsOf } from './harness/index.ts';

const server = inject('livekit');
const GREETING = 'Hello, this is Ada.';
const APOLOGY = 'Sorry, something went wrong. Please try again later.';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { idleProcesses: 2, calls: planted.length + 1 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

const dead = { kind: 'status', status: 500 } as const;
const planted = [
  { name: 'T8 C14 the language model fails', component: 'llm', fault: dead, turn: 3 },
  { name: 'T56 B12 the TTS hangs', component: 'tts', fault: { kind: 'stall' }, turn: 3 },
  { name: 'T55 B12 the TTS fails', component: 'tts', fault: dead, turn: 1 },
  { name: 'C14 the recognition fails', component: 'stt', fault: dead, turn: 1 },
] as const;
describe('two at a time', () => {
  for (const { name: what, component, fault, turn } of planted) {
    const apology = component === 'tts' ? 'bundled' : 'live';
    test.concurrent(`${what} from turn ${turn} on: a ${apology} apology, release within releaseBound, silence within silenceBound`, async () => {
      const { name, lab, caller: made } = await deployment.call();
      await using caller = made;
      const isGreetingDead = component === 'tts' && turn === 1;
      if (turn === 1) lab.fail(component, fault);
      if (!isGreetingDead)
        await caller.until('the greeting', () => (caller.line(lab, GREETING)[0]?.share ?? 0) > 0.9, 10_000);
      for (let before = 1; before < turn; before += 1) {
        await caller.say(lab, `How are you, for the time number ${before}?`);
        const answers = () => caller.line(lab, 'Very well, thank you. And you?');
        await caller.until(`answer ${before}`, () => (answers()[before - 1]?.share ?? 0) > 0.95, 15_000);
      }
      if (turn > 1) lab.fail(component, fault);
      if (!isGreetingDead) await caller.say(lab, 'Can you still hear me?');
      const { at } = await caller.disconnected(45_000);

      const { report } = await deployment.reportOf(name, 10_000);
      const recordings = (await caller.recordings()).map((each) => each.name);
      const isLive = caller.line(lab, APOLOGY).some(({ share }) => share > 0.95);
      // The best rung left: live speech while the TTS lives, else the recording.
      const heard = JSON.stringify({
        live: caller.line(lab, APOLOGY),
        recordings,
        lines: report.lines,
        errors: report.errors,
      });
      expect(isLive, heard).toBe(component !== 'tts');
      expect(recordings.includes('apology'), heard).toBe(component === 'tts');

      const from = isGreetingDead ? caller.joinedAt : (caller.sounds()[0]?.to ?? 0);
      const spans = [
        ...caller.sounds(),
        ...caller.events
          .filter((event) => event.kind === 'said')
          .map(({ from: since, to }) => ({ from: since, to, codedMs: 0 })),
      ];
      const [longest] = silences(spans, from, at);
      expectEndedWell(
        { reports: [report], rooms: await roomsOf(server).names(), silenceMs: longest?.ms ?? 0 },
        {
          reason: isGreetingDead ? 'startup_failed' : 'model_failed',
          by: 'system',
          stage: isGreetingDead ? 'greeting' : 'conversing',
          fault: 'provider',
          goodbye: 'skipped',
          apology,
        },
        silenceBound(defaultPolicy),
      );
      // A provider that hangs says nothing: then it is the line that tells of it.
      const isSilent = report.lines.some(({ rung, outcome }) => rung === 'live' && outcome === 'failed');
      expect(report.errors.some((error) => error.component === component) || isSilent).toBe(true);
      const endedAt = Date.parse(report.times.endedAt ?? '');
      expect(at - endedAt).toBeLessThan(releaseBound(defaultPolicy));
    });
  }
});

/** As often as the SDK tries one answer with the options that users have. */
const ATTEMPTS = 4;

test('T8 the language model fails for good and comes back: the caller hears their answer, and the call goes on', async () => {
  const { name, lab, caller: made } = await deployment.call();
  await using caller = made;
  await caller.until('the greeting', () => (caller.line(lab, GREETING)[0]?.share ?? 0) > 0.9, 10_000);
  const answers = () => caller.line(lab, 'Very well, thank you. And you?').filter(({ share }) => share > 0.95).length;
  lab.fail('llm', dead, { times: ATTEMPTS });
  await caller.say(lab, 'How are you?');
  await caller.until('the answer that was owed', () => answers() === 1, 25_000);
  await caller.say(lab, 'How are you now?');
  await caller.until('the next answer', () => answers() === 2, 15_000);
  await caller.leave();
  const { report } = await deployment.reportOf(name, 10_000);
  expect(report.end.reason).toBe('caller_hung_up');
  expect(report.errors).toEqual([]);
  expect(report.warnings).toMatchObject([{ component: 'llm', recoverable: true }]);
  expect(caller.line(lab, APOLOGY)).toEqual([]);
});
