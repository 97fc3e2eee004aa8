import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IDLE_WIDTH, ticksOf, timeScale } from '../../src/inspector/page/place/time-scale.ts';

const second = 1_000;
const quietMiddle = { from: 0, to: 700 * second, marks: [0, 5 * second, 10 * second, 690 * second], width: 1_000 };

describe('a line of time', () => {
  it('has one scale where nothing is collapsed', () => {
    const { xOf, idle } = timeScale({ ...quietMiddle, isCollapsed: false });
    expect(idle).toEqual([]);
    expect(xOf(350 * second)).toBeCloseTo(500);
  });

  it('draws eleven idle minutes as narrow as any other idle stretch, and says their length', () => {
    const { xOf, idle } = timeScale({ ...quietMiddle, isCollapsed: true });
    const long = idle.find(({ from }) => from === 10 * second);
    expect(long).toMatchObject({ to: 690 * second });
    expect(xOf(690 * second) - xOf(10 * second)).toBeCloseTo(IDLE_WIDTH);
    expect(xOf(10 * second)).toBeGreaterThan(400); // what happened has the room
  });

  it('collapses nothing of a conversation without long pauses', () => {
    const marks = Array.from({ length: 60 }, (_, index) => index * 2 * second);
    expect(timeScale({ from: 0, to: 120 * second, marks, width: 900, isCollapsed: true }).idle).toEqual([]);
  });

  const asked = fc.record({
    from: fc.constant(1_000),
    to: fc.integer({ min: 1_001, max: 10_000_000 }),
    marks: fc.array(fc.integer({ min: 0, max: 10_000_000 }), { maxLength: 40 }),
    width: fc.integer({ min: 200, max: 60_000 }),
    isCollapsed: fc.boolean(),
  });

  it('never runs backwards, and ends where the width ends', () => {
    fc.assert(
      fc.property(asked, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (given, shares) => {
        const { xOf } = timeScale(given);
        const moments = shares.map((share) => given.from + share * (given.to - given.from)).sort((a, b) => a - b);
        const places = moments.map(xOf);
        for (const [index, x] of places.entries()) expect(x).toBeGreaterThanOrEqual((places[index - 1] ?? 0) - 1e-6);
        expect(xOf(given.from)).toBeCloseTo(0);
        expect(xOf(given.to)).toBeCloseTo(given.width);
      }),
    );
  });

  it('leads from a moment to its place and back to the same moment', () => {
    fc.assert(
      fc.property(asked, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
        const { xOf, timeOf } = timeScale(given);
        const at = given.from + share * (given.to - given.from);
        expect(Math.abs(timeOf(xOf(at)) - at)).toBeLessThan(0.5);
      }),
    );
  });

  it('names round moments only, apart from each other, and none within what is collapsed', () => {
    const scale = timeScale({ ...quietMiddle, isCollapsed: true });
    const ticks = ticksOf(scale, quietMiddle.from, quietMiddle.to);
    expect(ticks.length).toBeGreaterThan(3);
    for (const { at, x } of ticks) {
      expect(at % second).toBe(0);
      expect(scale.idle.some(({ left, right }) => x > left && x < right)).toBe(false);
    }
    expect(ticks.every(({ x }, index) => index === 0 || x - (ticks[index - 1]?.x ?? 0) >= 40)).toBe(true);
  });
});
