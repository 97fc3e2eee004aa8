/** O-G, the errors: one entry for one cause, and none for what ended nothing. */
import { describe, expect, test } from 'vitest';
import { causesOf, withEnd } from '../../src/report/causes.ts';
import type { Report } from '../../src/report/schema.ts';
import { at, chapter, entries } from '../contract/chapters.ts';

type Given = [string, unknown];
const error = (component: string, message: string, recoverable: boolean, more: object = {}): Given => [
  'error',
  { component, message, recoverable, ...more },
];
const answered: Given = ['event', { type: 'agent.audible' }];
const words: Given = ['transcript', { text: 'yes' }];
const of = (fault: Report['end']['fault'], ...all: Given[]) => {
  const { errors, warnings } = causesOf([chapter(entries(...all))], fault);
  const short = ({ component, message, times }: Report['errors'][number]) => `${component}: ${message} ×${times}`;
  return { errors: errors.map(short), warnings: warnings.map(short) };
};

test('each process, with what is known of it', () => {
  const one = chapter(entries(error('tts', 'm', false, { code: '500', label: 'l' })));
  const two = chapter(entries(['log', {}], ['error', { recoverable: 'yes', code: 500 }]), { epoch: 2 });
  expect(causesOf([one, two], 'none')).toEqual({
    errors: [
      { component: 'tts', message: 'm', code: '500', label: 'l', recoverable: false, times: 1, at: at(1), epoch: 1 },
      { component: 'unknown', message: '', code: null, label: null, recoverable: false, times: 1, at: at(2), epoch: 2 },
    ],
    warnings: [],
  });
  expect(causesOf([one, { ...one, epoch: 2 }], 'none').errors).toHaveLength(2);
});

describe('O-G one cause', () => {
  test('a provider that failed, told at each try, by what looks after it, and by another watch: one entry, in its own words', () => {
    const { errors } = causesOf(
      [
        chapter(
          entries(
            error('llm', 'no connection', true, { label: 'openai.LLM' }),
            error('llm', '401 no such key', false, { label: 'openai.LLM', code: '401' }),
            error('llm', 'the model gave no text and no tool; asked again', true),
            error('llm', 'the model gave no text and no tool', false),
          ),
        ),
      ],
      'provider',
    );
    expect(errors).toEqual([
      {
        component: 'llm',
        message: '401 no such key',
        code: '401',
        label: 'openai.LLM',
        recoverable: false,
        times: 4,
        at: at(1),
        epoch: 1,
      },
    ]);
  });
  test('a guard that speaks first is told in the words of the provider that speaks later', () => {
    const { errors } = causesOf(
      [
        chapter(
          entries(
            error('tts', 'no sound', false),
            error('tts', 'busy', true, { label: 'a' }),
            error('tts', 'gone', false),
          ),
        ),
      ],
      'provider',
    );
    expect(errors).toMatchObject([{ message: 'busy', label: 'a', recoverable: false, times: 3 }]);
  });
  test('two that fail beside each other, and one that fails again after it had worked, are two', () => {
    const [a, b] = [{ label: 'a' }, { label: 'b' }];
    expect(
      of('none', error('tts', 'm', false, a), error('tts', 'm', false, b), error('llm', 'm', false)).errors,
    ).toHaveLength(3);
    expect(of('none', error('tts', 'm', false), answered, error('tts', 'm', false)).errors).toHaveLength(2);
    expect(of('none', error('tts', 'm', false), words, error('tts', 'm', false)).errors).toHaveLength(1);
    expect(of('none', error('stt', 'm', false), words, error('stt', 'm', false)).errors).toHaveLength(2);
    expect(of('none', error('stt', 'm', false), answered, error('stt', 'm', false)).errors).toHaveLength(1);
    expect(
      of(
        'none',
        error('llm', 'm', false),
        ['event', { type: 'line.audible' }],
        ['log', { type: 'agent.audible' }],
        error('llm', 'm', false),
      ).errors,
    ).toHaveLength(1);
  });
  test('the same message from elsewhere is the same cause: a rejection that nobody handled, a start that failed for it', () => {
    const [a, process] = [{ label: 'a' }, error('process', 'gone', true)];
    const llm = error('llm', 'gone', true, a);
    expect(of('none', llm, process, answered)).toEqual({ errors: [], warnings: ['llm: gone ×2'] });
    expect(of('none', process, llm, error('tts', 'gone', true, a), answered)).toEqual({
      errors: [],
      warnings: ['llm: gone ×2', 'tts: gone ×1'],
    });
    expect(of('none', llm, error('agent session', 'gone', false))).toEqual({ errors: ['llm: gone ×2'], warnings: [] });
    expect(of('none', llm, answered, error('process', 'other', true)).errors).toEqual(['process: other ×1']);
  });
  test('in the application’s code: what fails in the same words, however often', () => {
    const again = error('listener close', 'planted', true);
    expect(
      of(
        'none',
        again,
        answered,
        words,
        again,
        error('listener close', 'other', true),
        error('hook onExit', 'planted', true),
      ),
    ).toEqual({
      errors: ['listener close: planted ×2', 'listener close: other ×1', 'hook onExit: planted ×1'],
      warnings: [],
    });
  });
});

describe('O-G no error is', () => {
  test.each([
    ['llm', answered],
    ['tts', answered],
    ['track', answered],
    ['stt', words],
    ['interruption', words],
    ['microphone', words],
  ] as const)('a try of %s that was followed by a better one', (component, better) => {
    const failed = error(component, 'm', true);
    const good = { errors: [], warnings: [`${component}: m ×1`] };
    for (const fault of ['none', 'caller', 'application', 'provider', 'platform'] as const)
      expect(of(fault, failed, better)).toEqual(good);
    expect(of('none', failed)).toEqual(good);
    expect(of('none', failed, better, failed, better).warnings).toHaveLength(2);
    expect(of('none', error(component, 'm', false), better)).toEqual({ errors: [`${component}: m ×1`], warnings: [] });
  });

  test('one that the end blames was about to be tried again: it is the cause, and an error', () => {
    expect(of('provider', error('llm', 'm', true))).toEqual({ errors: ['llm: m ×1'], warnings: [] });
    expect(of('platform', error('track', 'm', true))).toEqual({ errors: ['track: m ×1'], warnings: [] });
    for (const fault of ['none', 'caller', 'application'] as const)
      expect(of(fault, error('llm', 'm', true)).errors).toEqual([]);
  });

  test('a memory that grows; it is one when it has grown too far', () => {
    const [grows, isFull] = [error('memory', 'half', true), error('memory', 'full', false)];
    expect(of('none', grows, answered, words)).toEqual({ errors: [], warnings: ['memory: half ×1'] });
    expect(of('none', grows, answered, words, isFull)).toEqual({ errors: ['memory: full ×2'], warnings: [] });
  });

  test('a provider that a fallback adapter replaced, however often it is tried again; the adapter’s own end is one', () => {
    const lost: Given = ['provider', { component: 'tts', label: 'a', available: false }];
    const fails = error('tts', 'm', false, { label: 'a' });
    expect(of('none', fails, lost, answered, fails, fails)).toEqual({ errors: [], warnings: ['tts: m ×3'] });
    expect(of('none', error('process', 'm', true), fails, lost, answered, fails)).toEqual({
      errors: [],
      warnings: ['tts: m ×3'],
    });
    expect(of('provider', fails, lost, error('tts', 'all failed', false, { label: 'both' }))).toEqual({
      errors: ['tts: all failed ×1'],
      warnings: ['tts: m ×1'],
    });
    for (const other of [
      ['provider', { component: 'llm', label: 'a', available: false }],
      ['provider', { component: 'tts', label: 'b', available: false }],
      ['provider', { component: 'tts', label: 'a', available: true }],
      ['log', { component: 'tts', label: 'a', available: false }],
    ] as Given[])
      expect(of('none', fails, other).errors).toHaveLength(1);
  });
});

describe('C4: an end that nobody else tells of is an error of its own', () => {
  const ended = (fault: Report['end']['fault'], by: Report['end']['by'] = 'system') => ({
    end: { by, reason: 'model_failed', fault, detail: 'the language model gave nothing within 20000 ms' },
    at: 1_700_000_000_000,
    stage: 'conversing',
  });
  const { errors: broken } = causesOf([chapter(entries(error('llm', 'm', false)))], 'provider');
  test('patience that is over', () => {
    expect(withEnd([], ended('provider'), 1)).toMatchObject([
      {
        component: 'session',
        message: 'the language model gave nothing within 20000 ms',
        recoverable: false,
        epoch: 1,
      },
    ]);
  });
  test('not where the model has said so itself, nor where nothing failed', () => {
    expect(withEnd(broken, ended('provider'), 1)).toBe(broken);
    expect(withEnd([], ended('none', 'limit'), 1)).toEqual([]);
    expect(withEnd([], ended('caller', 'limit'), 1)).toEqual([]);
  });
});
