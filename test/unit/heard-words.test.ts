/** The words of a reply as they are played: told from the sound, each once, and never more than was heard. */
import type { llm, voice } from '@livekit/agents';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { EntryData } from '../../src/journal/entry.ts';
import { HeardWords } from '../../src/livekit/observe/heard-words.ts';
import { Segment } from '../../src/livekit/observe/segment.ts';

const TEXT = 'One two three four five six seven eight nine ten.';
const handleOf = (id: string, items: unknown[] = []) => ({ id, chatItems: items }) as unknown as voice.SpeechHandle;
const message = (textContent: string) => ({ textContent }) as llm.ChatMessage;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  return () => vi.useRealTimers();
});

function speaking(first = handleOf('one')) {
  const told: EntryData['audible'][] = [];
  const now = { handle: first as voice.SpeechHandle | undefined, agent: 'Ada' };
  const words = new HeardWords({ append: (_kind, data) => told.push(data as EntryData['audible']) }, () => now);
  const reads = (...pieces: string[]) => {
    const text = words.begins();
    for (const piece of pieces) text.read(piece);
    return text;
  };
  /** A playback of the one who speaks now, heard from this instant on. */
  const plays = (ms: number) => {
    const segment = new Segment(1);
    segment.handle = now.handle;
    segment.push(ms, performance.now());
    segment.begin('confirmed', performance.now());
    segment.isAudible = true;
    words.sounding(segment, true);
    return segment;
  };
  const ends = (segment: Segment, isInterrupted = false) => {
    segment.ended = { heardMs: segment.positionMs(performance.now()), isInterrupted };
    words.sounding(segment, false);
  };
  return { told, now, words, reads, plays, ends, said: () => told.map(({ pii }) => pii?.text ?? '').join('') };
}

describe('a reply of which all sound is made', () => {
  test('goes on each second by as much as was heard of it, in whole words', () => {
    const { told, reads, plays, ends, said } = speaking();
    reads('One two three four five', ' six seven eight nine ten.').over();
    const segment = plays(5_000);
    segment.isWhole = true;
    vi.advanceTimersByTime(1_000);
    expect(said()).toBe('One two');
    vi.advanceTimersByTime(2_000);
    expect(said()).toBe('One two three four five six');
    vi.advanceTimersByTime(1_999);
    ends(segment);
    expect(said()).toBe(TEXT);
    expect(told.map(({ change }) => change)).toEqual(['begins', 'goes-on', 'goes-on', 'goes-on', 'goes-on', 'ends']);
    expect(told[0]).toEqual({ who: 'agent', change: 'begins', speech: 'one', agent: 'Ada' });
    expect(told.at(-1)).toMatchObject({ speech: 'one', heardMs: 4_999, isWhole: true });
    vi.advanceTimersByTime(60_000);
    expect(told).toHaveLength(6);
  });

  test('that is cut ends where it was cut', () => {
    const { told, reads, plays, ends, said } = speaking();
    reads(TEXT).over();
    const segment = plays(5_000);
    segment.isWhole = true;
    vi.advanceTimersByTime(2_500);
    ends(segment, true);
    expect(said()).toBe('One two three four five');
    expect(told.at(-1)).not.toHaveProperty('isWhole');
  });

  test('that is paused does not go on meanwhile, and what is quiet writes nothing', () => {
    const { told, words, reads, plays, said } = speaking();
    reads(TEXT).over();
    const segment = plays(5_000);
    segment.isWhole = true;
    vi.advanceTimersByTime(1_000);
    segment.pause(performance.now());
    words.sounding(segment, false);
    vi.advanceTimersByTime(30_000);
    expect(said()).toBe('One two');
    segment.resume(performance.now());
    words.sounding(segment, true);
    vi.advanceTimersByTime(1_000);
    expect(said()).toBe('One two three four');
    expect(told.map(({ change }) => change)).toEqual(['begins', 'goes-on', 'ends', 'begins', 'goes-on']);
  });
});

test('while sound is still made, no more is said than a quick speaker says in that time', () => {
  const { reads, plays, said } = speaking();
  const text = reads(TEXT);
  const segment = plays(1_100);
  vi.advanceTimersByTime(1_000);
  expect(said()).toBe('One two three four'); // 20 characters
  segment.push(4_000, performance.now());
  segment.isWhole = true;
  text.over();
  vi.advanceTimersByTime(1_000);
  expect(said()).toBe('One two three four'); // 40 % are fewer
  vi.advanceTimersByTime(1_000);
  expect(said()).toBe('One two three four five six');
});

test('languages without spaces are cut anywhere, but in no character', () => {
  const { reads, plays, said } = speaking();
  reads('😀'.repeat(50)).over();
  const segment = plays(5_000);
  segment.isWhole = true;
  vi.advanceTimersByTime(1_010);
  expect(said()).not.toMatch(/\p{Surrogate}/u);
  expect(said().length).toBeGreaterThanOrEqual(18);
});

describe('which reply an item was', () => {
  test('that of the speech that holds it; else the one with its words; else the one that speaks', () => {
    const item = message('Hello.');
    const { now, words, reads } = speaking(handleOf('one', [item]));
    reads('Hello. How are you?').over();
    now.handle = handleOf('two');
    reads(TEXT).over();
    now.handle = handleOf('three');
    reads('And now').over();
    expect(words.committed(message('One two three'))).toBe('two');
    expect(words.committed(item)).toBe('one');
    expect(words.committed(message('of no reply'))).toBe('three');
    expect(words.committed(message('of no reply'))).toBeUndefined();
  });

  test('the second reply of one speech is not the first one once more', () => {
    const { told, words, reads, plays, ends } = speaking();
    for (const text of ['Let me see.', 'It is nine.']) {
      reads(text).over();
      const segment = plays(1_000);
      segment.isWhole = true;
      vi.advanceTimersByTime(999);
      ends(segment);
      expect(words.committed(message(text))).toBe('one');
    }
    expect(told.flatMap(({ change, pii }) => (change === 'ends' ? [pii?.text] : []))).toEqual([
      'Let me see.',
      'It is nine.',
    ]);
  });

  test('replies that nobody commits do not pile up', () => {
    const { words, now, reads } = speaking();
    for (let each = 0; each < 1_000; each += 1) {
      now.handle = handleOf(String(each));
      reads(`words ${each}.`).over();
    }
    expect(words.committed(message('words 3.'))).toBe('999');
    expect(words.committed(message('words 990.'))).toBe('990');
  });
});
