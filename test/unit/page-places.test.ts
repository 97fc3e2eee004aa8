import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryRow, Lanes, Span } from '../../src/reads/answers.ts';
import { ancestorsOf, chartIdOf, movedPath } from '../../src/inspector/page/place/chart-ids.ts';
import {
  boxAround,
  fittedView,
  isWellWithin,
  transformTo,
  wholeView,
  zoomedView,
  type Box,
} from '../../src/inspector/page/place/fitted-view.ts';
import { parted, placedSpans } from '../../src/inspector/page/place/lane-rows.ts';
import { fittingLabel, lanesDrawing } from '../../src/inspector/page/place/lanes-drawing.ts';
import { limitBars } from '../../src/inspector/page/place/limit-bars.ts';
import { indexAfter, indexAt } from '../../src/inspector/page/place/steps-between.ts';
import { scrolledTo, visibleRows } from '../../src/inspector/page/place/visible-rows.ts';

const span = (from: number, to: number | null, more: Partial<Span> = {}): Span => ({
  from,
  to,
  label: 'span',
  ref: null,
  tone: 'plain',
  ...more,
});
const scale = { xOf: (at: number) => at };

describe('spans on a lane', () => {
  it('lie side by side in one row, below each other where they overlap', () => {
    const { spans, rows } = placedSpans([span(0, 10), span(5, 20), span(30, 40)], scale, 100, 5);
    expect(spans.map(({ row }) => row)).toEqual([0, 1, 0]);
    expect(rows).toBe(2);
  });

  it('never take more rows than the lane has', () => {
    const { spans, rows } = placedSpans([span(0, 50), span(1, 50), span(2, 50), span(3, 50)], scale, 100, 2);
    expect(rows).toBe(2);
    expect(Math.max(...spans.map(({ row }) => row))).toBe(1);
  });

  it('can be seen however short they are, and go on until now while they have no end', () => {
    const { spans } = placedSpans([span(10, 10), span(20, null)], scale, 100, 1);
    expect(spans.map(({ width }) => width)).toEqual([3, 80]);
  });
});

describe('a crowd of spans', () => {
  const lane = (spans: Span[], rowHeight = 16) => ({ rowHeight, spans: placedSpans(spans, scale, 100, 1).spans });
  const many = Array.from({ length: 500 }, (_, place) => span(place * 40, place * 40 + (place % 2 === 0 ? 5 : 30)));

  it('is what is too narrow for a word where there are many; wide ones stay what they are', () => {
    const { single, crowd } = parted(lane(many));
    expect(single.length).toBe(250);
    expect(crowd.length).toBe(250);
    expect(crowd.every(({ width }) => width < 25)).toBe(true);
    expect(parted(lane(many.slice(0, 100))).crowd).toEqual([]);
  });

  it('never takes in a silence that was too long, but on a lane too low for words nothing is told apart', () => {
    const withBad = [...many, span(20_000, 20_001, { tone: 'bad' })];
    expect(parted(lane(withBad)).single.filter(({ span: { tone } }) => tone === 'bad')).toHaveLength(1);
    expect(parted(lane(withBad, 7)).single).toEqual([]);
  });
});

describe('the drawing of the lanes', () => {
  const lanes: Lanes = {
    session: 'one',
    from: 0,
    to: 10_000,
    isOver: false,
    lanes: [
      { lane: 'caller', spans: [span(0, 2_000, { tone: 'caller' })] },
      { lane: 'silence', spans: [span(2_000, null, { tone: 'bad' })] },
      { lane: 'tools', spans: [] },
    ],
    deaths: [{ at: 5_000, label: 'epoch 1: died', ref: 'keeper:3' }],
    silenceBoundMs: 10_000,
    longestSilenceMs: 8_000,
  };
  const asked = { width: 1_000, now: 20_000, isCollapsed: false, marks: [] };

  it('goes on to now while the call does, and keeps voices and silence also when nobody spoke', () => {
    const drawing = lanesDrawing(lanes, asked);
    expect(drawing.lanes.map(({ lane }) => lane)).toEqual(['caller', 'agent', 'filler', 'apology', 'silence']);
    expect(drawing.scale.xOf(20_000)).toBeCloseTo(1_000);
    expect(lanesDrawing({ ...lanes, isOver: true }, asked).scale.xOf(10_000)).toBeCloseTo(1_000);
  });

  it('puts the death of a process where it happened, across the height of all lanes', () => {
    const { deaths, height, lanes: drawn } = lanesDrawing(lanes, asked);
    expect(deaths).toMatchObject([{ x: 250, label: 'epoch 1: died' }]);
    expect(Math.max(...drawn.map(({ top, height: own }) => top + own))).toBeLessThanOrEqual(height);
  });

  it('writes a label where it fits, cut where it almost fits, and none where nothing would be left of it', () => {
    expect(fittingLabel('greeting', 200)).toBe('greeting');
    expect(fittingLabel('a long name of a tool', 60)).toMatch(/^a long.*…$/);
    expect(fittingLabel('greeting', 12)).toBe('');
  });
});

describe('rows of a long list', () => {
  it('draws no more of ten thousand rows than the window holds and a few around them', () => {
    const { first, end, offset, height } = visibleRows({
      count: 10_000,
      rowHeight: 40,
      scrollTop: 80_000,
      viewHeight: 800,
    });
    expect(first).toBeLessThanOrEqual(2_000);
    expect(end).toBeGreaterThanOrEqual(2_020);
    expect(end - first).toBeLessThan(60);
    expect(offset).toBe(first * 40);
    expect(height).toBe(400_000);
  });

  it('is not empty when the list became shorter than where it was scrolled to', () => {
    const { first, end } = visibleRows({ count: 5, rowHeight: 40, scrollTop: 80_000, viewHeight: 800 });
    expect([first, end]).toEqual([0, 5]);
  });

  it('scrolls as little as brings a row into view, and not at all where it is in view', () => {
    const view = { rowHeight: 20, scrollTop: 200, viewHeight: 200 };
    expect(scrolledTo(15, view)).toBe(200);
    expect(scrolledTo(5, view)).toBe(80);
    expect(scrolledTo(30, view)).toBe(440);
  });
});

describe('the view of a chart', () => {
  const chart: Box = { x: -20, y: -1_400, width: 7_000, height: 1_450 };
  const size = { width: 600, height: 400 };
  const anyBox = fc.record({
    x: fc.integer({ min: -20, max: 6_500 }),
    y: fc.integer({ min: -1_400, max: -200 }),
    width: fc.integer({ min: 20, max: 400 }),
    height: fc.integer({ min: 20, max: 150 }),
  });

  it('holds whatever is lit, in the shape of the window', () => {
    fc.assert(
      fc.property(fc.array(anyBox, { minLength: 1, maxLength: 6 }), (boxes) => {
        const lit = boxAround(boxes) as Box;
        const view = fittedView(lit, chart, size);
        expect(view.x).toBeLessThanOrEqual(lit.x + 0.01);
        expect(view.x + view.width).toBeGreaterThanOrEqual(lit.x + lit.width - 0.01);
        expect(view.y).toBeLessThanOrEqual(lit.y + 0.01);
        expect(view.y + view.height).toBeGreaterThanOrEqual(lit.y + lit.height - 0.01);
        expect(view.width / view.height).toBeCloseTo(1.5);
      }),
    );
  });

  it('is near enough to read one box, and not so near that it is all that one sees', () => {
    const view = fittedView({ x: 3_000, y: -700, width: 100, height: 40 }, chart, size);
    expect(view.width / size.width).toBeLessThan(1.01);
    expect(view.width).toBeGreaterThan(300);
  });

  it('stays where it is while the lit box stays well within', () => {
    const view = { x: 0, y: 0, width: 600, height: 400 };
    expect(isWellWithin({ x: 200, y: 100, width: 100, height: 40 }, view)).toBe(true);
    expect(isWellWithin({ x: 560, y: 100, width: 100, height: 40 }, view)).toBe(false);
  });

  it('shows all of it, and zooms around a point that stays where it is', () => {
    const whole = wholeView(chart, size);
    expect(whole.width).toBeCloseTo(7_000);
    const at = { x: 100, y: -300 };
    const nearer = zoomedView(whole, 0.5, at, chart);
    const share = (view: Box) => (at.x - view.x) / view.width;
    expect(nearer.width).toBeCloseTo(3_500);
    expect(share(nearer)).toBeCloseTo(share(whole));
  });

  it('moves and scales the whole drawing so that what is in view fills the window', () => {
    const seen = (view: Box) => {
      const [, x = NaN, y = NaN, scale = NaN] =
        /translate\((-?[\d.]+)px, (-?[\d.]+)px\) scale\(([\d.]+)\)/.exec(transformTo(view, chart, size))?.map(Number) ??
        [];
      return { left: chart.x - x / scale, top: chart.y - y / scale, width: size.width / scale };
    };
    const view = { x: 2_990, y: -900, width: 1_200, height: 800 };
    const { left, top, width } = seen(view);
    expect(left).toBeCloseTo(view.x, 0);
    expect(top).toBeCloseTo(view.y, 0);
    expect(width).toBeCloseTo(view.width, 0);
    expect(seen({ ...view, height: 1_600 }).width).toBeCloseTo(2_400, 0);
  });

  it('finds shapes by the path of a state, and draws an arrow from edge to edge', () => {
    expect(chartIdOf('live.conversing.dialogue')).toBe('live_conversing_dialogue');
    expect(ancestorsOf('live.conversing.dialogue')).toEqual(['live', 'live.conversing']);
    const { line } = movedPath({ x: 0, y: 0, width: 10, height: 10 }, { x: 100, y: 0, width: 10, height: 10 });
    const [, x = NaN] = /([\d.]+),[\d.]+$/.exec(line) ?? [];
    expect(Number(x)).toBeGreaterThan(95);
    expect(Number(x)).toBeLessThan(106);
  });
});

describe('from entry to entry', () => {
  const row = (index: number, kind: string, what = kind): EntryRow => ({
    index,
    ref: `1:${index + 1}`,
    at: index * 100,
    kind,
    what,
    text: '',
    tone: 'plain',
  });
  const all = [
    row(0, 'room'),
    row(1, 'transition'),
    row(2, 'item', 'caller'),
    row(3, 'usage'),
    row(4, 'transition'),
    row(5, 'item', 'agent'),
  ];
  const shown = all.filter(({ kind }) => kind !== 'usage');

  it('goes to the next row that is shown, the next transition, the next turn, and no further than the end', () => {
    expect(indexAfter('entry-on', 2, all, shown)).toBe(4);
    expect(indexAfter('entry-back', 4, all, shown)).toBe(2);
    expect(indexAfter('transition-on', 1, all, shown)).toBe(4);
    expect(indexAfter('transition-back', 1, all, shown)).toBeUndefined();
    expect(indexAfter('turn-on', 2, all, shown)).toBe(5);
    expect(indexAfter('turn-back', 5, all, shown)).toBe(2);
    expect(indexAfter('last', 0, all, shown)).toBe(5);
    expect(indexAfter('entry-on', 5, all, shown)).toBeUndefined();
  });

  it('stands at the last entry that was written by a moment', () => {
    expect(indexAt(all, 250)).toBe(2);
    expect(indexAt(all, -1)).toBe(0);
    expect(indexAt(all, 9_999)).toBe(5);
  });
});

describe('limits that run down', () => {
  const limit = { machine: 'session', limit: 'replyMs', state: 'live', ms: 8_000, armedAt: 1_000, dueAt: 9_000 };
  const lanesWith = (spans: Span[]): Lanes => ({
    session: 'one',
    from: 0,
    to: 20_000,
    isOver: true,
    lanes: [{ lane: 'limits', spans }],
    deaths: [],
    silenceBoundMs: null,
    longestSilenceMs: 0,
  });

  it('say how much is left, and in the past how it went', () => {
    const left = span(1_000, 4_000, { label: 'replyMs: 5.0 s left' });
    expect(limitBars([limit], 3_000, lanesWith([left]))).toMatchObject([
      { share: 0.25, leftMs: 6_000, went: { marginMs: 5_000, isPassed: false } },
    ]);
    const passed = span(1_000, 9_000, { label: 'replyMs: passed' });
    expect(limitBars([limit], 3_000, lanesWith([passed]))[0]?.went).toEqual({ marginMs: 0, isPassed: true });
    expect(limitBars([limit], 3_000, undefined)[0]?.went).toBeUndefined();
  });

  it('have what is due first at the top', () => {
    const sooner = { ...limit, limit: 'firstAudioMs', dueAt: 5_000, ms: 4_000 };
    expect(limitBars([limit, sooner], 2_000, undefined).map((bar) => bar.limit.limit)).toEqual([
      'firstAudioMs',
      'replyMs',
    ]);
  });
});
