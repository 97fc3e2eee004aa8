/** The goodbye: heard whole by who is there, never waited for in vain, and the hang-up at once after it. */
import { voice } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import { endOf } from '../../machines/index.ts';
import { currentCall } from '../../src/livekit/current-call.ts';
import { BlockedOutput, DeadOutput } from './edges.ts';
import { place } from './harness.ts';
import { SilentRealtime } from './models.ts';
import {
  agent,
  answer,
  answered,
  effectsNamed,
  errorsOf,
  gate,
  LONG,
  never,
  resting,
  toolNamed,
  WithTools,
} from './plain.ts';

const words = ({ heard }: { heard: readonly { text: string }[] }) => heard.map(({ text }) => text);

describe('B1 B2 T46 the hang-up comes when the ear has heard the last word, not when the SDK says so', () => {
  test.each([
    ['in a room, 100 ms', false, 100],
    ['on a phone, 400 ms', true, 400],
  ])('%s', async (_, isSip, tailMs) => {
    await using placed = await place({ agent, script: answer, edges: { isSip } });
    await answered(placed);
    placed.call.end('done');
    const goodbye = await placed.hears('Goodbye now');
    await placed.endedWell({});
    expect(goodbye).toMatchObject({ isOver: true, isCut: false });
    const waitedMs = (placed.hangUp()?.at ?? 0) - (goodbye.overAt ?? Infinity);
    expect(waitedMs).toBeGreaterThanOrEqual(tailMs - 5);
    expect(waitedMs).toBeLessThan(tailMs + 300); // B19
  });
});

test('B3 the caller says "bye" in the middle of the goodbye: it is played whole, and no turn follows it', async () => {
  await using placed = await place({
    agent,
    script: answer,
    goodbye: { say: 'Thank you for your call. Goodbye now.' },
  });
  await answered(placed);
  placed.call.end('done');
  const goodbye = await placed.hears('Thank you');
  placed.says('Bye bye!');
  await placed.endedWell({});
  expect(goodbye).toMatchObject({ isOver: true, isCut: false });
  expect(words(placed)).toEqual(['It is nine.', 'Thank you for your call. Goodbye now.']);
});

test('B5 the worker is told to stop in the middle of a monologue: the budget cuts it, and the caller is let go in time', async () => {
  const policy = { hangUpMs: 1000, closeMs: 1000, reportMs: 1000, drainMs: 2000 };
  await using placed = await place({ agent, script: () => ({ say: LONG }), policy });
  placed.says('Talk.');
  await placed.hears('This goes on');
  const toldAt = Date.now();
  placed.run.send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 3300 });
  await placed.endedWell({ reason: 'worker_shutdown', by: 'operator', goodbye: 'skipped' });
  expect((placed.hangUp()?.at ?? Infinity) - toldAt).toBeLessThan(1000);
});

test('B6 T5 the output never says that it has played: the end, the hang-up and the close do not wait for it', async () => {
  await using placed = await place({
    agent,
    script: answer,
    edges: { output: DeadOutput },
    policy: { drainMs: 200, interruptMs: 200, rungMs: 300, goodbyeMs: 400, closeMs: 500 },
  });
  await answered(placed);
  const endedAt = Date.now();
  placed.call.end('done');
  await placed.endedWell({ goodbye: 'cut' }); // it said that it began
  expect((placed.hangUp()?.at ?? Infinity) - endedAt).toBeLessThan(1500);
});

test('B6 T5 the output takes no audio: the caller is let go, and the report says that the goodbye was not heard', async () => {
  await using placed = await place({
    agent,
    script: answer,
    edges: { output: BlockedOutput },
    policy: { drainMs: 200, interruptMs: 200, rungMs: 300, closeMs: 500 },
  });
  await resting(placed);
  placed.says('What time is it?');
  await placed.until('the answer is due', () => placed.job.speeches.size > 0);
  placed.call.end('done');
  const { goodbye } = await placed.endedWell({ goodbye: 'failed' });
  expect(goodbye).toMatchObject({ heardMs: 0, why: 'no audio came in time' });
});

test('B8 T22 onEnter closes the session while it starts, and waits for it: the call is over, not deaf', async () => {
  class Closing extends voice.Agent {
    override async onEnter(): Promise<void> {
      await this.session.close();
    }
  }
  await using placed = await place({
    agent: () => new Closing({ instructions: 'Answer.' }),
    policy: { closeMs: 900 },
  });
  await placed.endedWell({ reason: 'agent_ended' });
  expect(errorsOf(placed, 'hook onEnter')).toEqual([]); // it is not kept waiting
});

test('B10 the goodbye is asked for while the session still speaks: nothing is closed before it was heard', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.call.end('done');
  await placed.endedWell({});
  const order = placed.entries.flatMap(({ kind, data }) =>
    kind === 'spoken' ? [data.line] : kind === 'effect' && data.phase === 'requested' ? [data.name] : [],
  );
  expect(order.slice(order.indexOf('goodbye'))).toEqual(['goodbye', 'hangUp', 'close', 'sendReport']);
});

test('B10 T1 the user’s code closes the session itself: the call is over, and the report says what became of the goodbye', async () => {
  for (const close of ['close', 'shutdown'] as const) {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    void placed.call.session?.[close]();
    await placed.endedWell({ reason: 'agent_ended', goodbye: 'played' });
  }
});

describe('B11 a goodbye by the model', () => {
  const goodbye = { generate: 'Say goodbye.' };

  test('that fails: the caller is let go after rungMs, and the report says that nothing was heard', async () => {
    await using placed = await place({
      agent,
      script: (asked) => (asked === 'What time is it?' ? answer() : { isStuck: true }),
      goodbye,
      policy: { rungMs: 300 },
    });
    await answered(placed);
    placed.call.end('done');
    await placed.endedWell({ goodbye: 'failed' });
  });

  test('that calls a tool instead: the tool does not run', async () => {
    let booked = 0;
    await using placed = await place({
      agent: () => new WithTools([toolNamed('book', async () => (booked += 1))]),
      script: (asked) => (asked === 'What time is it?' ? answer() : { calls: ['book'] }),
      goodbye,
      policy: { rungMs: 300 },
    });
    await answered(placed);
    placed.call.end('done');
    await placed.endedWell({ goodbye: 'failed' });
    expect(booked).toBe(0);
  });
});

test('B12 no TTS at all: the call is over, and the report says that the goodbye was left out', async () => {
  await using placed = await place({ agent, options: { tts: undefined as never } });
  await resting(placed);
  placed.call.end('done');
  await placed.endedWell({ goodbye: 'skipped' });
});

test('B13 a realtime model never answers the goodbye: the caller is let go after rungMs, not after a guess of 5 s', async () => {
  await using placed = await place({
    agent,
    options: { llm: new SilentRealtime() },
    goodbye: { generate: 'Say goodbye.' },
    policy: { rungMs: 300, closeMs: 500 },
  });
  await resting(placed);
  const endedAt = Date.now();
  placed.call.end('done');
  await placed.endedWell({ goodbye: 'failed' });
  expect((placed.hangUp()?.at ?? Infinity) - endedAt).toBeLessThan(1500);
});

test('B14 call.end 300 times, from everywhere: one end, one goodbye, one hang-up', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  for (let time = 0; time < 300; time += 1) currentCall().end(time === 0 ? 'done' : `again ${time}`);
  const { alsoTriggered } = await placed.endedWell({});
  expect(alsoTriggered).toHaveLength(299);
  expect(words(placed)).toEqual(['It is nine.', 'Goodbye now.']);
  expect(effectsNamed(placed, 'hangUp')).toHaveLength(1);
});

test('B17 a voice that answers with no audio: the goodbye counts as not heard, whatever the handle says', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.tts.isMute = true;
  placed.call.end('done');
  const { goodbye } = await placed.endedWell({ goodbye: 'failed' });
  expect(goodbye?.heardMs).toBe(0);
});

test('B18 fourteen seconds of speech are queued, and a tool hangs: the end overtakes them all', async () => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('hang', never)]),
    script: () => ({ calls: ['hang'] }),
    policy: { drainMs: 300 },
  });
  placed.says('Use the tool.');
  await placed.until('it runs', () => placed.of('tool').length > 0);
  for (let time = 0; time < 4; time += 1) placed.call.session?.say(LONG);
  await placed.until('the queue is there', () => placed.job.speeches.size >= 4);
  const endedAt = Date.now();
  placed.call.end('done');
  await placed.endedWell({});
  expect(words(placed).at(-1)).toBe('Goodbye now.');
  expect((placed.hangUp()?.at ?? Infinity) - endedAt).toBeLessThan(2000);
});

test('B19 close and report hang: the caller is let go as soon as the goodbye was heard', async () => {
  const { opened, open } = gate();
  await using placed = await place({
    agent,
    script: answer,
    sealing: never,
    edges: { venue: () => ({ close: () => opened }) },
    policy: { closeMs: 300, reportMs: 300 },
  });
  await answered(placed);
  placed.call.end('done');
  const goodbye = await placed.hears('Goodbye now');
  await placed.endedWell({});
  open();
  expect((placed.hangUp()?.at ?? Infinity) - (goodbye.overAt ?? 0)).toBeLessThan(400);
  for (const effect of ['close', 'sendReport']) expect(effectsNamed(placed, effect, 'aborted')).toHaveLength(1);
});
