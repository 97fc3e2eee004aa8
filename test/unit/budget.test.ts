/** A request to shut down has a budget: speech is what it cuts, and never the hang-up, the close or the report. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy, endOf } from '../../machines/index.ts';
import { expectEndedWell, type WellEnded } from '../contract/ended-well.ts';
import { type VirtualOptions, VirtualSession } from '../contract/virtual-session.ts';

const { hangUpMs, closeMs, reportMs, drainMs } = defaultPolicy;
/** What is never shortened. */
const RELEASE_MS = hangUpMs + closeMs + reportMs;
const never = () => new Promise<never>(() => {});
const toldToStop = {
  by: 'operator',
  reason: 'worker_shutdown',
  fault: 'none',
  stage: 'conversing',
} as const satisfies Partial<WellEnded>;

/** Told to stop in the middle of the conversation, with so much time for speech. */
async function told(speechMs: number, effects: VirtualOptions['effects']) {
  const session = await new VirtualSession(effects && { effects }).converse();
  await session.clock.advance(5000); // the greeting is over
  const askedAt = session.clock.now;
  const graceMs = RELEASE_MS + speechMs;
  session.send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs });
  return { session, askedAt, graceMs };
}

describe('the budget', () => {
  test('H1 H2 that suffices changes nothing: the goodbye is heard', async () => {
    const { session } = await told(5000, undefined);
    expectEndedWell({ reports: [await session.report()] }, { ...toldToStop, goodbye: 'played' });
  });

  test('H2 spent while something still runs: no goodbye is begun, and the caller is let go at once', async () => {
    const { session, askedAt } = await told(1000, () => ({ drain: never }));
    const report = await session.report();
    expectEndedWell({ reports: [report] }, { ...toldToStop, goodbye: null });
    expect(session.asked).not.toContain('goodbye');
    expect((session.hungUpAt ?? Infinity) - askedAt).toBeLessThan(1000 + 100);
    expect(1000).toBeLessThan(drainMs); // or the drain would have ended by itself
  });

  test('H2 spent while the goodbye plays: it is cut, and the report says how much was heard', async () => {
    const { session, askedAt } = await told(500, undefined);
    const report = await session.report();
    expectEndedWell({ reports: [report] }, { ...toldToStop, goodbye: 'cut' });
    expect(report.goodbye?.heardMs).toBeGreaterThan(300);
    expect(report.goodbye?.heardMs).toBeLessThan(500);
    expect((session.hungUpAt ?? Infinity) - askedAt).toBeLessThan(500 + 100);
  });

  test('H2 spent before it began: hang-up, close and report get all their time, and end with the budget', async () => {
    const { session, askedAt, graceMs } = await told(0, () => ({ hangUp: never, close: never, sendReport: never }));
    while (session.closedAt === undefined && (await session.clock.next()));
    expect(session.asked.filter((name) => ['hangUp', 'close', 'sendReport'].includes(name))).toEqual([
      'hangUp',
      'close',
      'sendReport',
    ]);
    const tookMs = (session.closedAt ?? Infinity) - askedAt;
    expect(tookMs).toBeGreaterThanOrEqual(RELEASE_MS);
    expect(tookMs).toBeLessThanOrEqual(graceMs + 10);
  });

  test('H4 T40 asked twice, the second time with less time: the first reason stays, and the shorter budget counts', async () => {
    const { session, askedAt } = await told(10_000, () => ({ drain: never }));
    session.send({
      type: 'shutdown.requested',
      end: endOf('system', 'worker_lost', 'platform'),
      graceMs: RELEASE_MS + 300,
    });
    const report = await session.report();
    expectEndedWell({ reports: [report] }, { ...toldToStop, goodbye: null });
    expect(report.alsoTriggered).toMatchObject([{ reason: 'worker_lost' }]);
    expect((session.hungUpAt ?? Infinity) - askedAt).toBeLessThan(300 + 100);
  });
});
