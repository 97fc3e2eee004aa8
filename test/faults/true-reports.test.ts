/** O-G, the report is true: what the real AgentSession, its models and its adapters bring about, as a backend gets it. */
import { APIConnectionError, llm, tokenize, tts, voice } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { Pace } from '../../src/testing/lab/pace.ts';
import { PacedTts } from '../ordinary/harness/voice.ts';
import { place, type Placed } from './harness.ts';
import { ScriptedLlm } from './models.ts';
import { agent, answer, answered, LONG, resting, toolNamed, WithTools } from './plain.ts';

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const pace = new Pace('instant', 1);
const GREETING = 'Hello, this is Ada.';
const ANSWER = 'It is nine.';
const GOODBYE = 'Goodbye now.';

/** The report of a healthy call: a greeting, a question and its answer, a goodbye. */
const spokenTo = async (given: Parameters<typeof place>[0]): Promise<Report> => {
  await using placed = await place({ greeting: { say: GREETING }, script: answer, ...given });
  await placed.hears(GREETING);
  await resting(placed);
  await answered(placed);
  await resting(placed);
  placed.call.end('done');
  return placed.report();
};

describe('O-G usage is told once', () => {
  class Own extends voice.Agent {
    constructor(own: tts.TTS) {
      super({ instructions: 'Answer.', tts: own });
    }
  }
  const made = (name: string, streaming: boolean, isDead = false) => new PacedTts(pace, { name, streaming, isDead });
  const charactersOf = ({ usage }: Report) =>
    Object.fromEntries(
      usage.filter(({ type }) => type === 'tts_usage').map(({ model, charactersCount }) => [model, charactersCount]),
    );
  const SAID = [GREETING, ANSWER, GOODBYE].join('').length;

  test.each<[string, () => tts.TTS, string]>([
    ['of a TTS that streams', () => made('streams', true), 'streams'],
    ['of one that does not, and that the SDK asks sentence by sentence', () => made('whole', false), 'whole'],
    [
      'of one that the user put into an adapter themselves',
      () => new tts.StreamAdapter(made('adapted', false), new tokenize.basic.SentenceTokenizer()),
      'adapted',
    ],
    [
      'of one that streams, and is asked sentence by sentence all the same',
      () => new tts.StreamAdapter(made('adapted', true), new tokenize.basic.SentenceTokenizer()),
      'adapted',
    ],
    [
      'of a fallback adapter of two that stream',
      () => new tts.FallbackAdapter({ ttsInstances: [made('first', true), made('second', true)] }),
      'first',
    ],
    [
      'of a fallback adapter of one that streams and one that does not',
      () => new tts.FallbackAdapter({ ttsInstances: [made('whole', false), made('streams', true)] }),
      'whole',
    ],
    [
      'of a fallback adapter of none that streams',
      () => new tts.FallbackAdapter({ ttsInstances: [made('first', false), made('second', false)] }),
      'first',
    ],
    [
      'of an adapter around a fallback adapter',
      () =>
        new tts.StreamAdapter(
          new tts.FallbackAdapter({ ttsInstances: [made('first', false), made('second', true)] }),
          new tokenize.basic.SentenceTokenizer(),
        ),
      'first',
    ],
  ])('%s', async (_, speaker, model) => {
    expect(charactersOf(await spokenTo({ agent, options: { tts: speaker() } }))).toEqual({ [model]: SAID });
  });

  test('of a fallback adapter whose first voice is dead: the second one’s, and nothing of the adapter’s', async () => {
    const dead = made('dead', true, true);
    const report = await spokenTo({
      agent,
      options: {
        tts: new tts.FallbackAdapter({ ttsInstances: [dead, made('healthy', false)], maxRetryPerTTS: 0 }),
      },
    });
    expect(charactersOf(report)['healthy']).toBe(SAID);
    expect(Object.keys(charactersOf(report)).filter((name) => name !== 'dead')).toEqual(['healthy']);
  });

  test.each([
    ['of an agent’s own voice that streams, in a session whose voice does not', true],
    ['of an agent’s own voice that does not stream, in a session whose voice does', false],
  ])('%s', async (_, isStreaming) => {
    const report = await spokenTo({
      agent: () => new Own(made('own', isStreaming)),
      options: { tts: made('unused', !isStreaming) },
    });
    expect(charactersOf(report)).toEqual({ own: SAID });
  });

  test('of a language model behind a fallback adapter: its tokens, under its own name', async () => {
    class Named extends ScriptedLlm {
      override get model(): string {
        return this.label();
      }
    }
    const script = () => ({ ...answer(), tokens: 7 });
    const report = await spokenTo({
      agent,
      options: { llm: new llm.FallbackAdapter({ llms: [new Named(script, 'first'), new Named(script, 'second')] }) },
    });
    expect(report.usage.filter(({ type }) => type === 'llm_usage')).toMatchObject([
      { model: 'first', inputTokens: 7, outputTokens: 7 },
    ]);
  });
});

describe('O-G the lines and the times', () => {
  test('plannedMs of a live line; heardMs is no longer, and shorter where it was cut', async () => {
    await using placed = await place({ agent, greeting: { say: LONG }, script: answer });
    await placed.hears('This goes on');
    await later(300);
    placed.call.end('done', { drain: false });
    const { greeting, goodbye } = await placed.report();
    expect(greeting).toMatchObject({ outcome: 'cut', interrupted: true });
    expect(greeting?.plannedMs).toBeGreaterThan(3000);
    expect(greeting?.heardMs).toBeLessThan(2500);
    expect(goodbye).toMatchObject({ outcome: 'played', plannedMs: expect.any(Number) as number });
    expect(goodbye?.plannedMs).toBeGreaterThanOrEqual(90);
    expect(goodbye?.heardMs).toBeLessThanOrEqual(goodbye?.plannedMs ?? 0);
  });

  test('an agent that greets by itself has a latency of the greeting, from the caller’s coming on', async () => {
    class Greeter extends voice.Agent {
      constructor() {
        super({ instructions: 'Greet.' });
      }
      override async onEnter(): Promise<void> {
        await later(200);
        this.session.say(GREETING);
      }
    }
    await using placed = await place({ agent: () => new Greeter(), greeting: 'agent', script: answer });
    await placed.hears(GREETING);
    await resting(placed);
    placed.call.end('done');
    const { latency, times } = await placed.report();
    expect(latency.greetingMs).toBeGreaterThanOrEqual(190);
    expect(latency.greetingMs).toBe(Date.parse(times.firstAudioAt ?? '') - Date.parse(times.callerJoinedAt ?? ''));
  });

  test('whom we sent away has left, and why', async () => {
    const report = await spokenTo({ agent });
    expect(report.participants).toMatchObject([{ identity: 'caller', isCaller: true, leftReason: 'ROOM_DELETED' }]);
    expect(report.participants[0]?.leftAt).toBe(report.times.releasedAt);
  });
});

const said = ({ transcript }: Report) =>
  transcript.filter(({ role }) => role !== 'handoff').map(({ role, source, text }) => `${role} (${source}): ${text}`);

describe('O-G turns that no item of the conversation holds are in the transcript', () => {
  class Picky extends voice.Agent {
    constructor() {
      super({ instructions: 'Answer.' });
    }
    override async onUserTurnCompleted(_context: llm.ChatContext, message: llm.ChatMessage): Promise<void> {
      if (message.textContent === 'Note this.') throw new voice.StopResponse();
      if (message.textContent === 'My card is 1234.') message.content = ['My card is ****.'];
    }
  }

  test('StopResponse; and a turn that its hook changed is told as it was changed', async () => {
    await using placed = await place({ agent: () => new Picky(), script: answer });
    await resting(placed);
    placed.says('Note this.');
    await placed.until('the turn is over', () => placed.of('item').some(({ text }) => text === 'Note this.'));
    placed.says('My card is 1234.');
    await placed.hears(ANSWER);
    placed.call.end('done', { goodbye: false });
    expect(said(await placed.report())).toEqual([
      'user (item): Note this.',
      'user (item): My card is ****.',
      `assistant (item): ${ANSWER}`,
    ]);
  });

  test('turns that are cleared, and one that is never committed; typed text', async () => {
    const options = { turnHandling: { turnDetection: 'manual' } } as const;
    await using placed = await place({ agent, script: answer, options });
    await resting(placed);
    const session = placed.call.session as voice.AgentSession;
    const isRecognized = (text: string) =>
      placed.until(text, () => placed.of('transcript').some((one) => one.text === text));
    placed.says('No, wait.');
    await isRecognized('No, wait.');
    session.clearUserTurn();
    session.generateReply({ userInput: 'What time is it? (typed)' });
    await placed.hears(ANSWER);
    await resting(placed);
    placed.says('One more thing');
    await isRecognized('One more thing');
    placed.leaves();
    const told = said(await placed.report());
    expect(told.slice(0, 3)).toEqual([
      'user (recognition): No, wait.',
      'user (item): What time is it? (typed)',
      `assistant (item): ${ANSWER}`,
    ]);
    expect(told.slice(3).map((row) => row.replace(/\(.*\)/, ''))).toEqual(['user : One more thing']);
  });

  test('a turn whose model failed', async () => {
    const error = new APIConnectionError({ message: 'planted', options: { retryable: false } });
    await using placed = await place({ agent, script: () => ({ error }) });
    await resting(placed);
    placed.says('What time is it?');
    const report = await placed.report();
    expect(report.end).toMatchObject({ reason: 'model_failed', fault: 'provider' });
    expect(said(report)).toContain('user (item): What time is it?');
  });

  test('keys', async () => {
    await using placed = await place({ agent, script: answer });
    await resting(placed);
    for (const digit of ['4', '2', '#']) placed.job.recorder.append('key', { identity: 'caller', pii: { digit } });
    await answered(placed);
    placed.call.end('done', { goodbye: false });
    expect(said(await placed.report())).toEqual([
      'user (keys): 42#',
      'user (item): What time is it?',
      `assistant (item): ${ANSWER}`,
    ]);
  });
});

describe('O-G what nobody heard is marked so', () => {
  const heardOf = ({ transcript }: Report) =>
    transcript.filter(({ role }) => role === 'assistant').map(({ text, heard }) => [text, heard]);

  test('an answer, a goodbye: heard', async () => {
    expect(heardOf(await spokenTo({ agent }))).toEqual([
      [GREETING, true],
      [ANSWER, true],
      [GOODBYE, true],
    ]);
  });

  test('words to an output that is switched off, and to a caller whose line is away: not heard', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    await resting(placed);
    const session = placed.call.session as voice.AgentSession;
    session.output.setAudioEnabled(false);
    await session.say('On hold.').waitForPlayout();
    session.output.setAudioEnabled(true);
    await session.say('Back again.').waitForPlayout();
    placed.isLost();
    await session.say('Are you there?').waitForPlayout();
    placed.returns();
    await session.say('Welcome back.').waitForPlayout();
    placed.call.end('done', { goodbye: false });
    expect(heardOf(await placed.report())).toEqual([
      [ANSWER, true],
      ['On hold.', false],
      ['Back again.', true],
      ['Are you there?', false],
      ['Welcome back.', true],
    ]);
  });

  test('a voice that gives no sound: not heard', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    await resting(placed);
    placed.tts.murmurs = 0;
    await (placed.call.session as voice.AgentSession).say('Can you hear me?').waitForPlayout();
    placed.tts.murmurs = undefined;
    placed.call.end('done', { goodbye: false });
    const report = await placed.report();
    expect(heardOf(report)).toEqual([
      [ANSWER, true],
      ['Can you hear me?', false],
    ]);
  });
});

describe('O-G errors', () => {
  const short = (told: Report['errors']) => told.map(({ component, message, times }) => [component, message, times]);

  test('none in a healthy call, with tools', async () => {
    const report = await spokenTo({
      agent: () => new WithTools([toolNamed('clock', async () => 'nine')]),
      script: (asked) => (asked === 'nine' ? answer() : { calls: ['clock'] }),
    });
    expect([report.errors, report.warnings]).toEqual([[], []]);
    expect(report.tools).toMatchObject([{ name: 'clock', status: 'settled', output: 'nine' }]);
  });

  test('a try that was followed by a better one is a warning', async () => {
    const answers = [{ error: new APIConnectionError({ message: 'busy' }) }];
    const report = await spokenTo({
      agent,
      options: { connOptions: { llmConnOptions: { maxRetry: 2, retryIntervalMs: 50, timeoutMs: 2000 } } },
      script: () => Object.defineProperty(answer(), 'error', { get: () => answers.shift()?.error }),
    });
    expect(report.errors).toEqual([]);
    expect(short(report.warnings)).toEqual([['llm', 'busy', 1]]);
  });

  test('a provider that a fallback adapter replaced is a switch with its model’s name, and no error', async () => {
    const voices = [new PacedTts(pace, { name: 'dead', isDead: true }), new PacedTts(pace, { name: 'healthy' })];
    const report = await spokenTo({
      agent,
      options: { tts: new tts.FallbackAdapter({ ttsInstances: voices, maxRetryPerTTS: 0 }) },
    });
    expect(report.end.reason).toBe('done');
    expect(report.errors).toEqual([]);
    expect(report.providerSwitches).toMatchObject([
      { component: 'tts', label: 'dead', provider: 'humans', model: 'dead', available: false },
    ]);
  });

  test('a model that fails for good is one entry, in its own words, and the end says the same', async () => {
    const error = new APIConnectionError({ message: 'no such key', options: { retryable: false } });
    await using placed: Placed = await place({ agent, script: () => ({ error }) });
    await resting(placed);
    placed.says('What time is it?');
    const report = await placed.report();
    expect(report.errors).toMatchObject([{ component: 'llm', label: 'scripted', recoverable: false }]);
    expect(report.errors[0]?.message).toContain('no such key');
    expect(report.end.detail).toContain('no such key');
  });
});
