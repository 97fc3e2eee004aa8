/** Lines that the model words itself (`generate`): heard when it does, and no silence when it does not. */
import { describe, expect, test } from 'vitest';
import { type Placed, place } from './harness.ts';
import type { Answer } from './models.ts';
import { agent, answer, answered } from './plain.ts';

const words = ({ heard }: Placed) => heard.map(({ text }) => text);
/** Answers the caller, and words our line as `line` says. */
const wording = (line: () => Answer) => (asked: string) => (asked === 'What time is it?' ? answer() : line());
const failing: [string, () => Answer][] = [
  ['fails', () => ({ error: new Error('planted') })],
  ['hangs', () => ({ isStuck: true })],
  ['says nothing', () => ({})],
  ['calls a tool instead', () => ({ calls: ['book'] })],
];

describe('G2 a nudge by the model', () => {
  const nudge = { generate: 'Ask whether they are still there.' };
  const policy = { idleMs: 400, nudges: 1, rungMs: 300 };
  const idle = { reason: 'idle', by: 'limit', fault: 'caller' } as const;

  test('is heard, worded by its instructions, and the end comes after a goodbye', async () => {
    await using placed = await place({ agent, script: wording(() => ({ say: 'Are you with me?' })), nudge, policy });
    await answered(placed);
    const { lines } = await placed.endedWell(idle);
    expect(words(placed)).toEqual(['It is nine.', 'Are you with me?', 'Goodbye now.']);
    expect(placed.llm.instructed.at(-1)).toContain(nudge.generate);
    expect(lines.find(({ line }) => line === 'nudge')).toMatchObject({ outcome: 'played', rung: 'live' });
  });

  test.concurrent.each(failing)('that %s: nobody is blamed, and the call ends with a goodbye', async (_, line) => {
    await using placed = await place({ agent, script: wording(line), nudge, policy });
    await answered(placed);
    const { lines } = await placed.endedWell(idle);
    expect(words(placed)).toEqual(['It is nine.', 'Goodbye now.']);
    expect(lines.find(({ line: name }) => name === 'nudge')).toMatchObject({ outcome: 'failed', heardMs: 0 });
  });
});

describe('G1 a wind-down by the model', () => {
  const windDown = { generate: 'Say that the time is nearly over.' };
  const policy = { maxDurationMs: 1600, windDownMs: 800, rungMs: 300 };
  const over = { reason: 'max_duration', by: 'limit', fault: 'none' } as const;

  test('is heard, worded by its instructions, and the end comes after a goodbye', async () => {
    await using placed = await place({ agent, script: wording(() => ({ say: 'One minute left.' })), windDown, policy });
    await answered(placed);
    await placed.endedWell(over);
    expect(words(placed)).toEqual(['It is nine.', 'One minute left.', 'Goodbye now.']);
    expect(placed.llm.instructed.at(-1)).toContain(windDown.generate);
  });

  test.concurrent.each(failing)('that %s: the call lasts as long, and ends with a goodbye', async (_, line) => {
    await using placed = await place({ agent, script: wording(line), windDown, policy });
    await answered(placed);
    const { lines } = await placed.endedWell(over);
    expect(words(placed)).toEqual(['It is nine.', 'Goodbye now.']);
    expect(lines.find(({ line: name }) => name === 'windDown')).toMatchObject({ outcome: 'failed', heardMs: 0 });
  });
});

describe('C10 a greeting by the model', () => {
  const greeting = { generate: 'Greet them.' };

  test('is heard, worded by its instructions, and the caller is answered', async () => {
    await using placed = await place({ agent, script: wording(() => ({ say: 'Good morning.' })), greeting });
    await placed.hears('Good morning');
    await placed.until('it was heard whole', () => placed.heard[0]?.isOver);
    expect(placed.llm.instructed).toEqual([expect.stringContaining(greeting.generate)]);
    await answered(placed);
    placed.call.end('done');
    expect((await placed.endedWell({})).greeting).toMatchObject({ outcome: 'played', rung: 'live' });
  });

  test.concurrent.each(failing)('that %s: the caller hears the apology', async (_, line) => {
    await using placed = await place({ agent, script: wording(line), greeting, policy: { firstAudioMs: 600 } });
    const report = await placed.endedWell({
      reason: 'startup_failed',
      by: 'system',
      stage: 'greeting',
      fault: 'provider',
      goodbye: 'skipped',
      apology: 'bundled', // a live rung was just seen to fail
    });
    expect(new Set(words(placed))).toEqual(new Set(['recorded'])); // fillers, then the apology
    expect(report.greeting).toMatchObject({ outcome: 'failed', heardMs: 0 });
  });
});
