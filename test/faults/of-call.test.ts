/** What a definition says by functions of the call: a healthy one first, then each way in which one may fail. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import type { SessionDefinition } from '../../src/livekit/definition.ts';
import { phrases } from '../../src/livekit/phrases.ts';
import { place } from './harness.ts';
import { ToneTts } from './models.ts';
import { agent, answer, answered, errorsOf, fails, never, resting, startFailed, WithTools } from './plain.ts';

const later = <Value>(value: Value): Promise<Value> => new Promise((resolve) => setTimeout(resolve, 40, value));
type Metadata = { name: string; minutes: number; language: string };
const metadata = JSON.stringify({ name: 'Sam', minutes: 2, language: 'de-AT' });

test('O-G functions of the call say greeting, goodbye, language, limits and hang-up of this call, and it is as any other', async () => {
  await using placed = await place({
    agent,
    script: answer,
    metadata,
    greeting: (call) =>
      later({ say: `Hello ${(call.metadata as Metadata).name}, ${call.participant?.identity ?? 'you'}.` }),
    goodbye: () => ({ say: 'Goodbye, all of you.' }),
    language: (call) => (call.metadata as Metadata).language,
    filler: () => ({ say: 'Einen Augenblick.' }),
    policy: (call) => later({ maxDurationMs: (call.metadata as Metadata).minutes * 60_000, idleMs: 50_000 }),
    hangUp: () => ({ normal: 'leave' }),
  });
  await placed.hears('Hello Sam');
  await answered(placed);
  placed.call.end('done');
  const report = await placed.endedWell({});
  await placed.hears('Goodbye, all of you.');
  expect(report.errors).toEqual([]);
  expect(report.hangUp).toMatchObject({ strategy: 'leave' });
  const { definition } = placed.job;
  expect(definition.policy).toMatchObject({ maxDurationMs: 120_000, idleMs: 50_000 });
  expect(definition.nudge).toEqual({ say: phrases.de.nudge });
  // Whoever takes the call over, and whoever replays it, reads the same.
  expect(placed.of('event')).toContainEqual({
    type: 'lines.chosen',
    greeting: 'say',
    goodbye: true,
    language: 'de',
  });
});

test('O-G a single limit may be a function beside numbers', async () => {
  await using placed = await place({
    agent,
    script: answer,
    policy: { maxDurationMs: async () => 90_000, nudges: 1 },
  });
  await answered(placed);
  expect(placed.job.definition.policy).toMatchObject({ maxDurationMs: 90_000, nudges: 1 });
  expect(placed.of('error')).toEqual([]);
});

test.each([
  ['wait', 'the caller speaks first'],
  ['agent', 'its onEnter speaks'],
] as const)('O-G a greeting function may say %s: %s', async (greeting, _who) => {
  class Greets extends WithTools {
    override async onEnter(): Promise<void> {
      if (greeting === 'agent') this.session.say('I speak by myself.');
    }
  }
  await using placed = await place({ agent: () => new Greets(), script: answer, greeting: () => later(greeting) });
  if (greeting === 'agent') await placed.hears('I speak by myself.');
  await answered(placed);
  expect(placed.of('error')).toEqual([]);
});

describe('a greeting that cannot be had is a failed start, with the apology and the reason in words', () => {
  const failing: [string, NonNullable<SessionDefinition['greeting']>, RegExp][] = [
    [
      'throws',
      () => {
        throw new Error('no such caller');
      },
      /^no such caller$/,
    ],
    [
      'rejects',
      async () => {
        throw new Error('no such row');
      },
      /^no such row$/,
    ],
    ['hangs', never, /^greeting\(call\): it did not settle within \d+ ms$/],
    [
      'returns nothing',
      (() => undefined) as never,
      /^greeting\(call\): expected \{ say: '…' \} or \{ generate: '…' \}, 'agent' or 'wait', got nothing$/,
    ],
    ['returns a text', (() => 'Hello') as never, /^greeting\(call\): expected \{ say.*got "Hello"$/],
    ['returns an empty text', () => ({ say: '' }), /^greeting\(call\): expected \{ say/],
  ];
  test.each(failing)('it %s', async (_what, greeting, message) => {
    await using placed = await place({
      agent,
      greeting,
      apology: { say: 'We are sorry.' },
      policy: { connectMs: 1000 },
    });
    await placed.hears('We are sorry.'); // in the user's own words: session(call) gave a voice
    await placed.endedWell({ ...startFailed, apology: 'live' });
    expect(errorsOf(placed, 'greeting')).toEqual([expect.stringMatching(message)]);
  });
});

describe('what else cannot be had has its default: the call goes on, and the report says why', () => {
  const failing: [string, Partial<Omit<SessionDefinition, 'agent'>>, RegExp][] = [
    [
      'goodbye',
      {
        goodbye: () => {
          throw new Error('planted');
        },
      },
      /^planted$/,
    ],
    ['language', { language: () => 'it' }, /^language\(call\): expected one of en, de, es, fr, got "it"$/],
    ['language', { language: (() => 7) as never }, /^language\(call\): .*got 7$/],
    [
      'apology',
      { apology: () => ({ audio: new URL('file:///nowhere.wav') }) },
      /^apology\(call\)\.audio: expected a WAV/,
    ],
    ['filler', { filler: never }, /^filler\(call\): it did not settle/],
    ['nudge', { nudge: (() => ({})) as never }, /^nudge\(call\): expected \{ say/],
    ['hangUp', { hangUp: (() => ({ normal: 'vanish' })) as never }, /^hangUp\(call\)\.normal: expected one of/],
    ['hangUp', { hangUp: (() => undefined) as never }, /^hangUp\(call\): expected \{ normal.*got nothing$/],
    ['policy', { policy: (() => undefined) as never }, /^policy\(call\): expected limits.*got nothing$/],
    [
      'policy',
      { policy: () => ({ maxDurationMs: Number.NaN }) },
      /^policy\(call\): maxDurationMs: expected a number of milli.*got NaN$/,
    ],
    [
      'policy',
      { policy: (() => ({ maxDuration: 5 })) as never },
      /^policy\(call\): maxDuration: .*perhaps maxDurationMs/,
    ],
    [
      'policy',
      { policy: () => ({ maxDurationMs: 1000, windDownMs: 2000 }) },
      /^policy\(call\): windDownMs: expected less than/,
    ],
    ['policy', { policy: never }, /^policy\(call\): it did not settle within/],
    [
      'policy.idleMs',
      { policy: { idleMs: (() => undefined) as never } },
      /^policy\.idleMs\(call\): expected a number, got nothing$/,
    ],
    [
      'policy',
      { policy: (() => ({ startMs: 20_000 })) as never },
      /^policy\(call\)\.startMs: expected a limit of the call's own, got the keeper's/,
    ],
    [
      'policy',
      { policy: () => ({ goodbyeMs: 60_000 }) },
      /^policy\(call\): expected an end of at most \d+ ms, which is what the keeper waits for, got .* \d+ ms/,
    ],
  ];
  test.each(failing.map((each, index) => [index + 1, ...each] as const))(
    '%i: %s',
    async (_index, field, definition, message) => {
      await using placed = await place({ agent, script: answer, ...definition });
      await answered(placed);
      expect(errorsOf(placed, field)).toEqual([expect.stringMatching(message)]);
      const { policy } = placed.job.definition;
      if ('policy' in definition && typeof definition.policy === 'function') expect(policy).toEqual(defaultPolicy);
      placed.call.end('done');
      await placed.endedWell({ goodbye: field === 'goodbye' ? null : 'played' } as never);
    },
  );
});

test('functions are asked once a call, and none is asked for a line that is needed later', async () => {
  const asked: string[] = [];
  const one =
    <Value>(name: string, value: Value) =>
    () => {
      asked.push(name);
      return value;
    };
  await using placed = await place({
    agent,
    script: answer,
    greeting: one('greeting', { say: 'Hello there.' }),
    goodbye: one('goodbye', { say: 'Bye now.' }),
    apology: one('apology', { say: 'Sorry.' }),
    policy: one('policy', {}),
  });
  await placed.hears('Hello there.');
  await answered(placed);
  placed.call.end('done');
  await placed.endedWell({});
  expect(asked.toSorted()).toEqual(['apology', 'goodbye', 'greeting', 'policy']);
});

test('a goodbye function that says none: nothing is said, and nothing is waited for', async () => {
  await using placed = await place({ agent, script: answer, goodbye: () => 'none' });
  await answered(placed);
  placed.call.end('done');
  const report = await placed.report();
  expect(report.goodbye).toBeNull();
  expect(report.end.reason).toBe('done');
});

describe('the user’s own apology is spoken whenever their voice works', () => {
  const apology = { say: 'We are sorry indeed.' };
  test('agent() throws: by the TTS that session() gave', async () => {
    await using placed = await place({ agent: fails, apology });
    await placed.hears('We are sorry indeed.');
    await placed.endedWell({ ...startFailed, apology: 'live' });
  });
  test('prepare() throws: by the TTS of the session', async () => {
    await using placed = await place({ agent, prepare: fails, apology });
    await placed.hears('We are sorry indeed.');
    await placed.endedWell({ ...startFailed, apology: 'live' });
  });
  test('session() throws: by the voice that the apology names', async () => {
    const voice = new ToneTts();
    await using placed = await place({ agent, session: fails, apology: { ...apology, tts: async () => voice } });
    await placed.hears('We are sorry indeed.');
    await placed.endedWell({ ...startFailed, apology: 'live' });
    expect(voice.asked).toEqual(['We are sorry indeed.']);
  });
  test('session() throws, and the apology is a function of the call', async () => {
    const words = () => later({ ...apology, tts: () => new ToneTts() });
    await using placed = await place({ agent, session: fails, apology: words });
    await placed.hears('We are sorry indeed.');
    await placed.endedWell({ ...startFailed, apology: 'live' });
  });
  test.each([
    ['no voice', undefined, []],
    ['a voice that throws', fails, ['planted']],
    ['a voice that hangs', never, []],
    ['what is no voice', (() => ({})) as never, ['apology.tts(call): expected your TTS, got an object']],
  ])('session() throws, and there is %s: the recording', async (what, tts, messages) => {
    await using placed = await place({ agent, session: fails, apology: { ...apology, ...(tts && { tts }) } });
    await placed.endedWell({ ...startFailed, apology: 'bundled' });
    if (what !== 'a voice that hangs') expect(errorsOf(placed, 'apology.tts')).toEqual(messages);
  });
  test('an apology function that hangs is not waited for', async () => {
    await using placed = await place({ agent, session: fails, apology: never });
    await placed.endedWell({ ...startFailed, apology: 'bundled' });
  });
});

describe('a session that has no TTS', () => {
  const options = { tts: undefined as never };
  const audio = new URL('../../src/sound/assets/filler.en.wav', import.meta.url);
  test('a text is played from its audio: greeting and goodbye', async () => {
    await using placed = await place({
      agent,
      options,
      greeting: { say: 'Hello from a file.', audio },
      goodbye: { say: 'Goodbye from a file.', audio },
    });
    await placed.hears('recorded');
    await resting(placed);
    placed.call.end('done');
    const report = await placed.endedWell({});
    expect(report.greeting).toMatchObject({ outcome: 'played', text: 'Hello from a file.' });
    expect(placed.tts.asked).toEqual([]);
  });
  test('a text without audio is left out: nobody waits for it, and the report says why', async () => {
    const startedAt = Date.now();
    await using placed = await place({ agent, options, greeting: { say: 'Never heard.' } });
    await resting(placed);
    expect(Date.now() - startedAt).toBeLessThan(1500);
    placed.call.end('done');
    const report = await placed.endedWell({ goodbye: 'skipped' });
    const why = 'there is no TTS to speak with, and the line has no audio';
    expect(report.greeting).toMatchObject({ outcome: 'skipped', why });
    expect(report.goodbye).toMatchObject({ outcome: 'skipped', why });
    expect(report.errors).toEqual([]);
    expect(report.end.reason).toBe('done');
  });
});

test.each([Number.NaN, 0, -1, Infinity, '60' as never, undefined as never])(
  'call.giveTime(%s): no time is given, the report says so, and the call goes on',
  async (ms) => {
    await using placed = await place({ agent, script: answer });
    await resting(placed);
    placed.call.giveTime(ms);
    await answered(placed);
    expect(errorsOf(placed, 'application')).toEqual([
      expect.stringMatching(/^call\.giveTime: expected milliseconds, more than 0, got /),
    ]);
    expect(placed.of('event').filter(({ type }) => type === 'time.given')).toEqual([]);
  },
);

test('O-G who leaves while the words of the apology are looked up is spoken to no more, and the report says so', async () => {
  await using placed = await place({
    agent,
    session: fails,
    apology: () => new Promise((resolve) => setTimeout(resolve, 400, { say: 'We are sorry.' })),
  });
  await placed.until('the apology is asked for', () => placed.job.asked.has('apology'));
  placed.leaves();
  const { lines } = await placed.report();
  expect(placed.heard).toEqual([]);
  expect(lines).toContainEqual(expect.objectContaining({ line: 'apology', outcome: 'failed', heardMs: 0 }));
});
