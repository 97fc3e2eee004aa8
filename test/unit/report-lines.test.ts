/** What was said by us and how the caller was released, as entries that are complete, damaged or missing tell it. */
import { describe, expect, test } from 'vitest';
import { evidenceFor, reportedHangUp, spokenLines } from '../../src/report/lines.ts';
import { at, chapter, entries } from '../contract/chapters.ts';

type Given = [string, unknown];
const asked = (id: string, line: string, rung: string | null = 'live'): Given => [
  'effect',
  { id, name: 'speak', phase: 'requested', line, rung },
];
const failed = (id: string, line: string, error?: unknown): Given => [
  'effect',
  { id, phase: 'failed', line, rung: 'live', error },
];
const audible = (line: string | null, rung: string | null = 'live', type = 'line.audible'): Given => [
  'event',
  { type, line, rung },
];
const spoken = (data: object): Given => ['spoken', data];
const linesFrom = (...all: Given[]) => spokenLines([chapter(entries(...all))]);

describe('the lines', () => {
  const nothing = {
    text: null,
    startedAt: null,
    firstAudioMs: null,
    heardMs: null,
    plannedMs: null,
    interrupted: false,
    why: null,
  };

  test('a line that was asked for, heard and settled, with all that is known of it', () => {
    const data = {
      line: 'greeting',
      rung: 'live',
      text: 'Hello.',
      firstAudioMs: 80,
      heardMs: 900,
      plannedMs: 950,
      outcome: 'played',
    };
    expect(linesFrom(asked('s1', 'greeting'), audible('greeting'), spoken({ ...data, why: 'w' }))).toEqual([
      { ...data, startedAt: at(2), interrupted: false, why: 'w' },
    ]);
  });

  test('O-G nobody heard more of a line than there was of it', () => {
    const of = (heardMs: unknown, plannedMs: unknown) =>
      linesFrom(spoken({ line: 'goodbye', outcome: 'played', heardMs, plannedMs })).map((line) => line.heardMs)[0];
    expect([of(1200, 950), of(900, 950), of(900, null), of(900, -1), of(0, 950), of('x', 950)]).toEqual([
      950,
      900,
      900,
      900,
      0,
      null,
    ]);
  });

  test('only what was cut or failed after it had been heard counts as interrupted; an unknown outcome is unknown', () => {
    const outcomes = (outcome: string, heardMs: unknown) =>
      linesFrom(spoken({ line: 'goodbye', outcome, heardMs })).map(({ outcome: found, interrupted }) => [
        found,
        interrupted,
      ]);
    expect(outcomes('cut', 1)).toEqual([['cut', true]]);
    expect(outcomes('failed', 1)).toEqual([['failed', true]]);
    expect(outcomes('cut', 0)).toEqual([['cut', false]]);
    expect(outcomes('cut', 'x')).toEqual([['cut', false]]);
    for (const outcome of ['played', 'skipped', 'held-back']) expect(outcomes(outcome, 1)).toEqual([[outcome, false]]);
    expect(outcomes('sung', 1)).toEqual([['unknown', false]]);
  });

  test('one that was asked for and never told of again: unknown, failed when its effect failed, heard or not', () => {
    expect(linesFrom(asked('s1', 'apology', null))).toEqual([
      { ...nothing, line: 'apology', rung: null, outcome: 'unknown' },
    ]);
    expect(linesFrom(asked('s1', 'apology'), failed('s1', 'apology', 'planted'))).toEqual([
      { ...nothing, line: 'apology', rung: 'live', outcome: 'failed', heardMs: 0, why: 'planted' },
    ]);
    expect(linesFrom(asked('s1', 'apology'), failed('s1', 'apology'))[0]?.why).toBe('failed');
    expect(linesFrom(asked('s1', 'apology'), audible('apology'), failed('s1', 'apology', 'e'))).toEqual([
      { ...nothing, line: 'apology', rung: 'live', outcome: 'failed', startedAt: at(2), firstAudioMs: 1000, why: 'e' },
    ]);
    expect(linesFrom(asked('s1', 'apology'), audible('apology'))).toMatchObject([
      { outcome: 'unknown', startedAt: at(2), why: null },
    ]);
    expect(
      linesFrom(asked('s1', 'apology'), ['effect', { id: 's1', phase: 'settled', line: 'apology' }])[0]?.outcome,
    ).toBe('unknown');
    expect(linesFrom(asked('s1', 'apology'), failed('s2', 'apology', 'another'))[0]?.outcome).toBe('unknown');
    expect(
      linesFrom(
        ['effect', { phase: 'requested', line: 'apology' }],
        ['effect', { phase: 'failed', line: 'apology' }],
      )[0]?.outcome,
    ).toBe('failed');
  });

  test('the first sound belongs to the oldest of the same line and rung that has none yet; one without a line to the oldest', () => {
    const two = linesFrom(
      asked('s1', 'apology', 'live'),
      asked('s2', 'apology', 'bundled'),
      audible('apology', 'bundled'),
      audible('apology', 'bundled'),
      audible('goodbye', 'live'),
    );
    expect(two.map(({ rung, startedAt }) => [rung, startedAt])).toEqual([
      ['live', null],
      ['bundled', at(3)],
    ]);
    const apologist = linesFrom(
      asked('s1', 'apology', 'bundled'),
      audible(null, null, 'apologist.audible'),
      audible(null, null),
    );
    expect(apologist[0]?.startedAt).toBe(at(2));
    expect(linesFrom(asked('s1', 'apology'), audible('apology', 'live', 'agent.audible'))[0]?.startedAt).toBeNull();
    expect(
      linesFrom(asked('s1', 'apology'), ['log', { type: 'line.audible', line: 'apology', rung: 'live' }])[0]?.startedAt,
    ).toBeNull();
  });

  test('what is spoken settles the oldest of its line and rung, and leaves the others', () => {
    const found = linesFrom(
      asked('s1', 'filler', 'live'),
      audible('filler', 'live'),
      asked('s2', 'filler', 'live'),
      spoken({ line: 'filler', rung: 'live', outcome: 'played', heardMs: 5 }),
      ['log', { line: 'filler', rung: 'live', outcome: 'played' }],
      ['spoken', { outcome: 'played' }],
    );
    expect(found.map(({ outcome, startedAt }) => [outcome, startedAt])).toEqual([
      ['played', at(2)],
      ['unknown', null],
    ]);
    expect(linesFrom(spoken({ line: 'filler', outcome: 'played' }), asked('s1', 'nudge'))[0]?.startedAt).toBeNull();
    expect(linesFrom(['effect', { id: 'x', name: 'hangUp', phase: 'requested' }])).toEqual([]);
  });

  test('the lines of each process, one process after the other', () => {
    const one = chapter(entries(asked('s1', 'greeting')));
    const two = chapter(entries(spoken({ line: 'greeting', rung: 'live', outcome: 'played' })), { epoch: 2 });
    expect(spokenLines([one, two]).map(({ outcome }) => outcome)).toEqual(['unknown', 'played']);
  });

  test('the evidence is of the try that was heard most, among equals of the last', () => {
    const [few, most, last] = linesFrom(
      spoken({ line: 'apology', rung: 'a', heardMs: 1 }),
      spoken({ line: 'apology', rung: 'b', heardMs: 2 }),
      spoken({ line: 'apology', rung: 'c', heardMs: 2 }),
    );
    const of = (...lines: (typeof few)[]) => evidenceFor('apology', lines as never)?.rung;
    expect([of(few, most, last), of(most, few), of(few), of()]).toEqual(['c', 'b', 'a', undefined]);
    expect(evidenceFor('goodbye', [few] as never)).toBeNull();
    const unheard = linesFrom(spoken({ line: 'apology', rung: 'd' }), spoken({ line: 'apology', rung: 'e' }));
    expect(of(...unheard)).toBe('e');
  });
});

describe('the hang-up', () => {
  const nobody = chapter([], { epoch: 0 });
  const wish: Given = ['effect', { name: 'hangUp', phase: 'requested' }];
  const done = (data: object): Given => ['hangup', data];
  const whole = { strategy: 'delete-room', attempts: 2, left: ['witness'], error: 'e', ms: 40 };

  test('asked for is unknown, told is what was told, verified stays', () => {
    expect(reportedHangUp([chapter(entries(['log', {}], wish, wish))], nobody)).toEqual({
      at: 2000,
      evidence: {
        strategy: null,
        outcome: 'unknown',
        attempts: 0,
        error: null,
        ms: null,
        left: [],
        by: 'session',
        at: at(2),
      },
    });
    const told = reportedHangUp([chapter(entries(wish, done({ ...whole, verified: 'yes' })))], nobody);
    expect(told).toEqual({ at: 2000, evidence: { ...whole, outcome: 'unverified', by: 'session', at: at(2) } });
    const later = chapter(entries(['log', {}], ['log', {}], done({ strategy: 'leave', verified: true })), { epoch: 0 });
    expect(reportedHangUp([chapter(entries(wish, done({ ...whole, verified: false })))], later)).toMatchObject({
      at: 3000,
      evidence: {
        strategy: 'leave',
        outcome: 'verified',
        attempts: 0,
        left: [],
        error: null,
        ms: null,
        by: 'recovery',
      },
    });
    const twice = reportedHangUp(
      [chapter(entries(done({ ...whole, verified: true }), done({ strategy: 'leave', verified: true }), wish))],
      later,
    );
    expect(twice).toMatchObject({
      at: 1000,
      evidence: { strategy: 'delete-room', outcome: 'verified', by: 'session' },
    });
  });

  test('other effects, other phases and other entries are none', () => {
    const others = entries(
      ['effect', { name: 'speak', phase: 'requested' }],
      ['effect', { name: 'hangUp', phase: 'settled' }],
      ['event', { name: 'hangUp', phase: 'requested' }],
    );
    expect(reportedHangUp([chapter(others)], nobody)).toBeNull();
  });
});
