import { describe, expect, it } from 'vitest';
import type { Entry, EntryData } from '../../src/journal/entry.ts';
import { isColoured, oneLine, paintWith, spellMs, table } from '../../src/show/paint.ts';
import { heardOf, stateName, timeline } from '../../src/reads/timeline.ts';
import { printed } from '../../src/show/printed.ts';
import { wholeCall } from '../contract/sessions.ts';

const entry = <Kind extends Entry['kind']>(kind: Kind, data: EntryData[Kind], at = 1_000): Entry =>
  ({ seq: 1, at, kind, data }) as Entry;
const conversing = (dialogue: string, work = 'none', duration = 'open') => [
  `live.conversing.dialogue.${dialogue}`,
  `live.conversing.work.${work}`,
  `live.conversing.duration.${duration}`,
];

describe('the name of a state', () => {
  it.each([
    [['live.connecting.joining.connectingRoom'], 'connecting: joining'],
    [conversing('active'), 'conversing'],
    [conversing('waiting.unanswered', 'running'), 'conversing: the caller waits, a tool runs'],
    [conversing('idle.nudging', 'none', 'windingDown.telling'), 'conversing: idle, winding down'],
    [conversing('suspended'), 'conversing: the caller is lost'],
    [['exiting.saying.playing'], 'exiting: saying'],
    [['closed'], 'closed'],
    [[], ''],
  ])('%j is "%s"', (leaves, name) => {
    expect(stateName(leaves)).toBe(name);
  });
});

describe('the timeline', () => {
  const moved = (to: string[], at: number) => entry('transition', { machine: 'session', from: [], to, event: 'x' }, at);

  it('says how long a state lasted when the next one begins, and nothing for a change that has no name', () => {
    const rowOf = timeline();
    expect(rowOf(moved(conversing('waiting.unanswered'), 1_000))).not.toHaveProperty('aside');
    expect(rowOf(moved(conversing('waiting.fillingLive.asked'), 2_000))).toBeUndefined();
    expect(rowOf(moved(conversing('active'), 3_400))).toMatchObject({
      text: 'conversing',
      aside: 'after 2.4 s of conversing: the caller waits',
    });
  });

  it('takes the control characters out of what models, callers and errors say', () => {
    const rowOf = timeline();
    const spoken = entry('item', {
      id: '1',
      role: 'assistant',
      text: 'a\u001B[2Jb\r\nc\u202E',
      interrupted: true,
      createdAt: 0,
    });
    expect(rowOf(spoken)?.text).toBe('a [2Jb c (interrupted)');
    expect(rowOf(entry('error', { component: 'llm', message: 'x\u0007y', recoverable: false }))?.text).toBe(
      'llm: x y (for good)',
    );
  });

  it('makes rows of a whole call without losing a tool, an item or the end', () => {
    const rowOf = timeline();
    const rows = wholeCall().epochs.flatMap(({ entries }) => entries.flatMap((each) => rowOf(each) ?? []));
    const all = wholeCall().epochs.flatMap(({ entries }) => entries);
    const spoken = all.filter(
      ({ kind, data }) => kind === 'item' && (data.role === 'user' || data.role === 'assistant'),
    );
    expect(rows.filter(({ what }) => what === 'caller' || what === 'agent')).toHaveLength(spoken.length);
    expect(rows.filter(({ what }) => what === 'tool')).toHaveLength(all.filter(({ kind }) => kind === 'tool').length);
    expect(rows.filter(({ what }) => what === 'end')).toHaveLength(1);
  });

  it('prints seconds since the beginning', () => {
    expect(printed({ at: 13_450, what: 'tool', text: 'x', tone: 'plain' }, 1_000, paintWith(false))).toBe(
      '  12.4  tool     x',
    );
  });
});

describe('how a line of ours went', () => {
  it.each([
    [{ outcome: 'played', heardMs: 1_980, plannedMs: 2_000 }, 'played, 1,980 of 2,000 ms heard'],
    [{ outcome: 'cut', heardMs: 400, plannedMs: null, why: 'the caller left' }, 'cut, 400 ms heard: the caller left'],
    [{ outcome: 'skipped', heardMs: 0, why: 'nobody is there' }, 'skipped: nobody is there'],
    [{ outcome: 'unknown', heardMs: null, plannedMs: null, why: null }, 'unknown'],
  ])('%j is "%s"', (spoken, text) => {
    expect(heardOf(spoken)).toBe(text);
  });
});

describe('paint', () => {
  it('is for terminals only, and NO_COLOR and dumb terminals are honoured', () => {
    expect(isColoured({ isTTY: true }, {})).toBe(true);
    expect(isColoured({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(isColoured({ isTTY: true }, { NO_COLOR: '0' })).toBe(false);
    expect(isColoured({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(isColoured({}, {})).toBe(false);
    expect(paintWith(false)('bad', 'x')).toBe('x');
    expect(paintWith(true)('bad', 'x')).toBe('\u001B[31mx\u001B[0m');
  });

  it('spells durations in the unit that fits', () => {
    expect([40, 59_940, 59_960, 185_000, 3_600_000].map(spellMs)).toEqual([
      '0.0 s',
      '59.9 s',
      '1 min 00 s',
      '3 min 05 s',
      '1 h 00 min',
    ]);
  });

  it('lays out columns', () => {
    expect(
      table([
        ['a', 'bb', ''],
        ['ccc', 'd', 'e'],
      ]),
    ).toBe('a    bb\nccc  d   e');
    expect(oneLine('a\n\nb')).toBe('a b');
  });
});
