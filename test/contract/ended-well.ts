/**
 * "This session ended well", for every lane: in this process, in processes of its own, on the wire. What is asked is
 * what a caller and a backend get, never how it was done.
 *
 *   W1  One report, which fits its schema, with a reason that is true and not empty, and whose fault it was.
 *   W2  The caller was let go, and that is known: verified by the server, or they had left by themselves.
 *   W3  A goodbye at most once, never after an apology, and what was heard of it is said.
 *   W4  Nothing that was asked for is left without an answer: no tool, no line, no effect.
 */
import { expect } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { assertReport } from './check-report.ts';

type Outcome = NonNullable<Report['goodbye']>['outcome'];

export type WellEnded = {
  reason: string;
  by: Report['end']['by'];
  stage: string;
  fault: Report['end']['fault'];
  /** Part of `end.detail`, where it tells two faults apart. */
  detail?: string | RegExp;
  /** What became of the goodbye; null: none was asked for. */
  goodbye: Outcome | null;
  /** The rung of the apology that was played; null: there was none. */
  apology?: 'live' | 'bundled' | null;
  /** Default `verified`; null: no hang-up was tried, for there was nobody and no room. */
  hangUp?: 'verified' | 'unverified' | 'unknown' | null;
  strategy?: string;
  /** Who was left in the room, in any order: the server has none. Default: nobody. */
  left?: readonly string[];
  /** Default `closed`. */
  status?: Report['completeness']['status'];
};

/** What was seen of a call by somebody else than ourselves. */
export type Seen = {
  /** All reports that arrived about this session. */
  reports: readonly Report[];
  /** Longest time without a sound for a caller who waited, as the caller measured it. */
  silenceMs?: number;
  /** Rooms that the server still lists. */
  rooms?: readonly string[];
};

/** @returns the one report. Fails with all that is wrong about this session's end. */
export function expectEndedWell(
  { reports, silenceMs, rooms }: Seen,
  wanted: WellEnded,
  silenceBoundMs = 10_000,
): Report {
  expect(
    reports.map(({ id }) => id),
    'one report',
  ).toHaveLength(1);
  const report = reports[0] as Report;
  assertReport(report); // W1
  const { reason, by, stage, fault, detail } = wanted;
  expect(report.end).toMatchObject({ reason, by, stage, fault });
  if (detail !== undefined) expect(report.end.detail).toMatch(detail);
  expect(report.completeness.status).toBe(wanted.status ?? 'closed');

  const hangUp = wanted.hangUp === undefined ? 'verified' : wanted.hangUp;
  expect(report.hangUp?.outcome ?? null, 'the hang-up').toBe(hangUp); // W2
  if (wanted.strategy !== undefined) expect(report.hangUp?.strategy).toBe(wanted.strategy);
  if (report.hangUp) expect(report.hangUp.left.toSorted()).toEqual((wanted.left ?? []).toSorted());
  if (rooms && report.room && report.hangUp?.strategy === 'delete-room') expect(rooms).not.toContain(report.room.name);

  expect(report.goodbye?.outcome ?? null, 'the goodbye').toBe(wanted.goodbye); // W3
  const played = report.lines.filter(({ outcome }) => outcome === 'played' || outcome === 'cut');
  expect(played.filter(({ line }) => line === 'goodbye').length).toBeLessThanOrEqual(1);
  expect(played.filter(({ line }) => line === 'apology').length).toBeLessThanOrEqual(1);
  if (wanted.apology !== undefined) {
    const heard =
      report.apology?.outcome === 'played' || report.apology?.outcome === 'cut' ? report.apology.rung : null;
    expect(heard, 'the apology').toBe(wanted.apology);
  }
  if (report.goodbye?.outcome === 'played') expect(report.goodbye.heardMs).toBeGreaterThan(0);
  if (report.goodbye?.outcome === 'skipped') expect(report.goodbye.why).toBeTruthy();

  const isDead = report.completeness.status === 'recovered';
  for (const { name, status } of report.tools) if (!isDead) expect(status, `tool ${name}`).not.toBe('unknown'); // W4
  for (const { line, outcome } of report.lines) if (!isDead) expect(outcome, line).not.toBe('unknown');
  if (silenceMs !== undefined) expect(silenceMs, 'the longest silence').toBeLessThanOrEqual(silenceBoundMs);
  return report;
}
