import { voice } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import { destination, file, slack } from '../../src/index.ts';
import { parseMetadata } from '../../src/livekit/call.ts';
import { checkDefinition, DefinitionError, type SessionDefinition } from '../../src/livekit/definition.ts';
import { isLoud } from '../../src/sound/loudness.ts';
import { phrases } from '../../src/livekit/phrases.ts';
import { bundledRecording, languages } from '../../src/sound/bundled.ts';
import { readWav } from '../../src/sound/wav.ts';

const right = { session: () => ({}), agent: () => new voice.Agent({ instructions: '' }) };
const problemsOf = (given: unknown): readonly string[] => {
  try {
    checkDefinition(given as SessionDefinition);
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems;
    throw error;
  }
  return [];
};

test('what is left out has a default', () => {
  const defined = checkDefinition(right);
  expect(defined).toMatchObject({
    greeting: 'wait',
    goodbye: 'none',
    hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
    participants: [],
    reports: [],
    alerts: [],
  });
  expect(defined.policy.firstAudioMs).toBe(3000);
});

test('lines, language, hang-up and limits of the call may be functions; until they are asked the defaults hold', () => {
  const say = () => ({ say: 'x' });
  const defined = checkDefinition({
    ...right,
    greeting: say,
    goodbye: say,
    language: () => 'de',
    apology: say,
    filler: say,
    hangUp: () => ({ normal: 'leave' }),
    policy: { maxDurationMs: () => 60_000, startMs: 20_000 },
  });
  expect(defined).toMatchObject({ greeting: 'wait', goodbye: 'none', language: 'en', isHangUpGiven: false });
  expect(defined.apology).toBeUndefined();
  expect(defined.policy).toMatchObject({ maxDurationMs: 1_800_000, startMs: 20_000 });
  expect(checkDefinition({ ...right, policy: () => ({ idleMs: 1 }) }).policy.idleMs).toBe(15_000);
});

test('a program’s limit by call leaves its defaults alone until it is asked', () => {
  const { policy, givenLimits, ofCall } = checkDefinition({ program: async () => {}, policy: { idleMs: () => 1_000 } });
  expect(policy.idleMs).toBe(policy.maxDurationMs);
  expect(givenLimits).toEqual({});
  expect(Object.keys(ofCall.limits)).toEqual(['idleMs']);
});

describe('what is wrong is refused with the field, what was expected and what came', () => {
  const wrong: [string, object, RegExp][] = [
    ['an unknown field', { ...right, greting: 'x' }, /^greting: expected one of .*greeting.*got an unknown field$/],
    ['no session', { agent: right.agent }, /^session: expected a function/],
    [
      'a session that is no function',
      { ...right, session: {} },
      /^session: expected a function that returns options .*, got an object$/,
    ],
    [
      'an apology that is not there',
      { ...right, apology: { audio: new URL('file:///nowhere/sorry.wav') } },
      /^apology\.audio: expected a WAV that can be played, got ENOENT.*sorry\.wav/,
    ],
    [
      'a filler that is no WAV',
      { ...right, filler: { audio: new URL(import.meta.url) } },
      /^filler\.audio: expected a WAV that can be played, got .*expected a WAV file/,
    ],
    ['a greeting with two ways', { ...right, greeting: { say: 'a', generate: 'b' } }, /^greeting: expected \{ say/],
    ['an empty greeting', { ...right, greeting: { say: ' ' } }, /^greeting: expected/],
    ['a goodbye that is a text', { ...right, goodbye: 'Bye' }, /^goodbye: expected .*'none', got "Bye"$/],
    ['an unknown language', { ...right, language: 'en-US' }, /^language: expected one of en, de, es, fr, got "en-US"$/],
    ['a language that is an object’s', { ...right, language: 'toString' }, /^language: expected one of/],
    ['an unknown strategy', { ...right, hangUp: { normal: 'vanish' } }, /^hangUp\.normal: expected one of delete-room/],
    [
      'a strategy for nothing',
      { ...right, hangUp: { sometimes: 'leave' } },
      /^hangUp\.sometimes: expected one of normal/,
    ],
    [
      'audio from the web',
      { ...right, apology: { audio: new URL('https://example.com/a.wav') } },
      /^apology\.audio: expected a file URL/,
    ],
    [
      'a function as a destination',
      { ...right, reports: [() => {}] },
      /^reports\[0\]: expected webhook.*cannot cross to the keeper/,
    ],
    [
      'Slack for reports',
      { ...right, reports: [slack({ url: 'https://hooks.slack.com/x' })] },
      /^reports\[0\]: .*belongs in `alerts`/,
    ],
    [
      'a resume that is no count',
      { ...right, onCrash: { resume: NaN } },
      /^onCrash\.resume: expected a whole number from 0 to 10, got NaN$/,
    ],
    [
      'a resume below 0',
      { ...right, onCrash: { resume: -1 } },
      /^onCrash\.resume: expected a whole number from 0 to 10, got -1$/,
    ],
    [
      'an apology after a crash that is no yes or no',
      { ...right, onCrash: { apologize: 'de' } },
      /^onCrash\.apologize: expected true or false, got/,
    ],
    [
      'words after a crash that are none',
      { ...right, onCrash: { say: ' ' } },
      /^onCrash\.say: expected a text, or a function of the call, got/,
    ],
    [
      'agents that are no functions',
      { ...right, agents: { billing: 'me' } },
      /^agents\.billing: expected a function of the call/,
    ],
    ['a snapshot that is none', { ...right, snapshot: {} }, /^snapshot: expected a function, got/],
    [
      'a program with a session',
      { ...right, program: async () => {} },
      /^agent: expected nothing: a program stands alone/,
    ],
    [
      'a program with something to prepare',
      { program: async () => {}, prepare: () => {} },
      /^prepare: expected nothing/,
    ],
    ['a preparation that is none', { ...right, prepare: {} }, /^prepare: expected a function/],
    ['a program with a greeting', { program: async () => {}, greeting: { say: 'Hi' } }, /^greeting: expected nothing/],
    ['entrypoints that are none', { ...right, participants: 'x' }, /^participants: expected a list of functions/],
    [
      'an entrypoint for no kind',
      { ...right, participants: [{ kind: 'phone', run: () => {} }] },
      /^participants\[0\]: .*\{ kind, run \} with a kind of standard, .*sip/,
    ],
    [
      'an entrypoint that does nothing',
      { ...right, participants: [{ kind: 'sip' }] },
      /^participants\[0\]: expected a function/,
    ],
    [
      'a limit of the keeper’s by call',
      { ...right, policy: { startMs: () => 1 } },
      /^policy\.startMs: expected a number: it is the keeper’s, and holds for all calls, got the function startMs$/,
    ],
    [
      'a greeting whose recording is not there',
      { ...right, greeting: { say: 'Hi', audio: new URL('file:///nowhere/hi.wav') } },
      /^greeting\.audio: expected a WAV that can be played, got ENOENT/,
    ],
    ['a recording of what the model says', { ...right, goodbye: { generate: 'x', audio: 'y' } }, /^goodbye\.audio: /],
    ['an apology by what is no voice', { ...right, apology: { tts: {} } }, /^apology\.tts: expected a function that/],
    ['an apology with a field too many', { ...right, apology: { text: 'x' } }, /^apology\.text: expected one of say/],
    [
      'a program with a greeting by call',
      { program: async () => {}, greeting: () => 'wait' },
      /^greeting: expected nothing/,
    ],
    ['a connection that is no function', { ...right, connect: {} }, /^connect: expected a function, got an object$/],
  ];
  for (const [what, given, message] of wrong) {
    test(what, () => expect(problemsOf(given)).toContainEqual(expect.stringMatching(message)));
  }
  test('a policy field, by the policy', () => {
    expect(() => checkDefinition({ ...right, policy: { drainMs: Number.NaN } })).toThrow(/drainMs.*NaN/);
  });
  test('everything at once, in one error', () => {
    expect(problemsOf({ greeting: 1, goodbye: 2, foo: 3 })).toHaveLength(5);
    expect(problemsOf(null)).toHaveLength(1);
  });
});

test.each(languages)(
  'in %s the words of ours are there, and the recordings are short and at full level',
  (language) => {
    const { nudge, windDown, ...rest } = checkDefinition({ ...right, language });
    expect(rest.language).toBe(language);
    expect([nudge, windDown]).toEqual([{ say: phrases[language].nudge }, { say: phrases[language].windDown }]);
    for (const [line, longestMs] of [
      ['apology', rest.policy.apologyMs - 2000],
      ['filler', 1500],
    ] as const) {
      const { sampleRate, samples } = readWav(bundledRecording(line, language));
      expect(sampleRate).toBe(24_000);
      expect((samples.length * 1000) / sampleRate).toBeLessThan(longestMs);
      expect(isLoud(samples)).toBe(true);
    }
  },
);

test('destinations of every kind are taken', () => {
  expect(problemsOf({ ...right, reports: [file({ dir: 'x' }), destination(new URL(import.meta.url))] })).toEqual([]);
});

test('metadata is parsed where it is JSON, stays text where it is none, and reaches no prototype', () => {
  expect(parseMetadata('{"a":1}')).toEqual({ a: 1 });
  expect(parseMetadata('hello there')).toBe('hello there');
  expect(parseMetadata('')).toBe('');
  const parsed = parseMetadata('{"__proto__":{"polluted":true},"b":2}') as Record<string, unknown>;
  expect(parsed).toEqual({ b: 2 });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
