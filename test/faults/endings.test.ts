/** How a call ends while something is in its way, and what a caller hears when the models fail. */
import { llm, tts } from '@livekit/agents';
import { expect, test } from 'vitest';
import { Pace } from '../../src/testing/lab/pace.ts';
import { PacedTts } from '../ordinary/harness/voice.ts';
import { place } from './harness.ts';
import { ScriptedLlm, ToneTts } from './models.ts';
import { agent, answer, answered, LONG, toolNamed, WithTools } from './plain.ts';

const modelFailed = { reason: 'model_failed', by: 'system', fault: 'provider', goodbye: 'skipped' } as const;

test('B1 T35 the goodbye after a forced interrupt is played whole: the cut is awaited first', async () => {
  await using placed = await place({ agent, script: () => ({ say: LONG }) });
  placed.says('Talk.');
  const speech = await placed.hears('This goes on');
  placed.call.end('enough', { drain: false });
  await placed.endedWell({ reason: 'enough' });
  expect(speech.isCut).toBe(true);
  const [, line, ...rest] = placed.heard;
  expect(line).toMatchObject({ text: 'Goodbye now.', isCut: false });
  expect(line?.heardMs).toBeGreaterThanOrEqual('Goodbye now.'.length * 8);
  expect(rest).toEqual([]);
});

test('B5 a drain lets a speech finish that fits into drainMs, and cuts one that does not; both hear the goodbye', async () => {
  for (const [said, isCut] of [
    ['Short enough.', false],
    [LONG, true],
  ] as const) {
    await using placed = await place({ agent, script: () => ({ say: said }), policy: { drainMs: 600 } });
    placed.says('Talk.');
    const speech = await placed.hears(said.slice(0, 10));
    placed.call.end('enough');
    await placed.endedWell({ reason: 'enough' });
    expect(speech.isCut).toBe(isCut);
  }
});

test('E1 A16 two end reasons in one tick: the first is the reason, the second is also recorded, one goodbye', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.call.end('first');
  placed.call.end('second');
  const { alsoTriggered } = await placed.endedWell({ reason: 'first' });
  expect(alsoTriggered.map(({ reason }) => reason)).toEqual(['second']);
  expect(placed.heard.filter(({ text }) => text === 'Goodbye now.')).toHaveLength(1);
});

test('E1 B4 the caller hangs up in the tick of the end: nothing is said to nobody, and the reason stays the first', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.call.end('first');
  placed.leaves();
  const { goodbye } = await placed.endedWell({ reason: 'first', goodbye: 'skipped' });
  expect(goodbye?.why).toBe('nobody was there');
  expect(placed.heard).toHaveLength(1);
});

test('B4 T24 the caller is gone and no event has said so: the goodbye is not spoken to an empty room', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.vanishes();
  placed.call.end('done');
  const { goodbye } = await placed.endedWell({ goodbye: 'skipped' });
  expect(goodbye).toMatchObject({ why: 'nobody is there', heardMs: 0 });
  expect(placed.heard).toHaveLength(1);
});

test('B4 the caller hangs up in the middle of the goodbye: it is cut there, and the report says how much was heard', async () => {
  await using placed = await place({ agent, script: answer, goodbye: { say: LONG } });
  await answered(placed);
  placed.call.end('first');
  await placed.hears('This goes on');
  const leftAt = Date.now();
  placed.leaves();
  const { goodbye } = await placed.endedWell({ reason: 'first', goodbye: 'cut' });
  expect(goodbye?.heardMs).toBeLessThan(LONG.length * 8);
  expect((placed.hangUp()?.at ?? Infinity) - leftAt).toBeLessThan(1000);
});

test('B17 T8 a model that throws synchronously: known to have failed, so the apology comes at once, and the call is over', async () => {
  const dies = () => {
    throw new Error('planted');
  };
  await using placed = await place({
    agent,
    script: dies,
    policy: { firstAudioMs: 400 },
    filler: { say: 'One moment.' },
    apology: { say: 'Sorry for that.' },
    goodbye: { say: 'Never said.' },
  });
  placed.says('What time is it?');
  const { goodbye } = await placed.endedWell({ ...modelFailed, apology: 'live' });
  expect(placed.heard.map(({ text }) => text)).toEqual(['Sorry for that.']);
  expect(goodbye?.why).toBe('the apology was the last word');
});

test('B12 T8 a model and a voice that both fail: filler and apology come from the package', async () => {
  await using placed = await place({ agent, script: () => ({ isStuck: true }), policy: { firstAudioMs: 400 } });
  placed.tts.isMute = true;
  placed.says('What time is it?');
  await placed.endedWell({ ...modelFailed, apology: 'bundled' });
  expect(placed.heard.map(({ text }) => text)).toEqual(['recorded', 'recorded']);
});

test('a fallback adapter for the model: the switch is in the journal and the report, the reply is heard', async () => {
  const first = new ScriptedLlm(() => ({ error: new Error('planted') }), 'first');
  const second = new ScriptedLlm(answer, 'second');
  await using placed = await place({
    agent,
    options: { llm: new llm.FallbackAdapter({ llms: [first, second], attemptTimeout: 1 }) },
  });
  await answered(placed);
  placed.call.end('done');
  const { end, providerSwitches } = await placed.report();
  expect(end.reason).toBe('done');
  expect(placed.of('provider')).toContainEqual({ component: 'llm', label: 'first', available: false });
  expect(providerSwitches).toHaveLength(1);
});

test('T8 B12 a voice that fails for good while the greeting waits for it: the greeting failed, and nobody spoke first', async () => {
  const dead = new PacedTts(new Pace('instant'), { coldMs: 15_000, streaming: true });
  await using placed = await place({
    agent,
    greeting: { say: 'Hello, this is Ada.' },
    options: { tts: dead, connOptions: { maxUnrecoverableErrors: 0 } },
  });
  await placed.until('the greeting', () => placed.run.leaves().some((leaf) => leaf.includes('greeting')));
  const error = new Error('planted: dead');
  // As a fallback adapter tells of the last of its voices; the session closes by this, and interrupts the greeting.
  dead.emit('error', { type: 'tts_error', timestamp: Date.now(), label: 'dead', error, recoverable: false });
  const { greeting } = await placed.endedWell({
    reason: 'startup_failed',
    by: 'system',
    stage: 'greeting',
    fault: 'provider',
    detail: 'tts: planted: dead',
    goodbye: 'skipped',
    apology: 'bundled',
  });
  expect(greeting).toMatchObject({ outcome: 'failed', heardMs: 0 });
});

test('a fallback adapter for the voice: the switch is in the journal, the reply is heard', async () => {
  const [first, second] = [new ToneTts('first', true), new ToneTts('second', true)];
  first.isMute = true;
  await using placed = await place({
    agent,
    script: answer,
    options: { tts: new tts.FallbackAdapter({ ttsInstances: [first, second], maxRetryPerTTS: 0 }) },
  });
  await answered(placed);
  placed.call.end('done');
  expect((await placed.report()).end.reason).toBe('done');
  expect(placed.of('provider')).toContainEqual({ component: 'tts', label: 'first', available: false });
});

test("a fallback adapter of the agent's own: its switch is in the journal too", async () => {
  const first = new ScriptedLlm(() => ({ error: new Error('planted') }), 'first of the agent');
  const second = new ScriptedLlm(answer, 'second of the agent');
  await using placed = await place({
    agent: () => new WithTools([], new llm.FallbackAdapter({ llms: [first, second], attemptTimeout: 1 })),
  });
  await answered(placed);
  expect(placed.of('provider')).toContainEqual({ component: 'llm', label: 'first of the agent', available: false });
});

test('preemptive generation: the turn is answered once, with a tool in it that ends the call', async () => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('look_up', async () => 'nine')]),
    script: (asked) => (asked === 'nine' ? { say: 'It is nine.' } : { calls: ['look_up'] }),
    options: {
      turnHandling: { turnDetection: 'stt', endpointing: { minDelay: 200 }, preemptiveGeneration: { enabled: true } },
    },
  });
  await answered(placed);
  placed.call.end('done');
  const { transcript } = await placed.report();
  expect(placed.heard.map(({ text }) => text)).toEqual(['It is nine.', 'Goodbye now.']);
  expect(transcript.filter(({ role }) => role === 'user')).toHaveLength(1);
  expect(placed.of('tool').map(({ status }) => status)).toEqual(['started', 'settled']);
});
