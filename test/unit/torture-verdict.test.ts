/** What a torture run counts as broken: each promise once, broken on purpose. */
import { expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { type Told, verdictOf } from '../torture/verdict.ts';

const told = (more: Partial<Told> = {}): Told => ({
  name: 'one',
  heardAgent: true,
  turns: 2,
  waitsMs: [900],
  ended: 'goodbye',
  ...more,
});
const report = (reason: string, deaths = 0, name = 'one') =>
  ({
    room: { name },
    end: { reason },
    completeness: { epochs: Array.from({ length: deaths + 1 }), noticed: Array.from({ length: deaths }) },
  }) as unknown as Report;

test('a call that lost its process twice and was ended by its caller is whole', () => {
  const verdict = verdictOf({ told: [told()], reports: [report('agent_ended', 2)], rooms: [] });
  expect(verdict).toMatchObject({ calls: 1, answeredTurns: 2, whole: 1, resumed: 1, letGo: {}, broken: [] });
});

const letGo = told({ ended: 'let go' });
const fine: [string, Told, Report[]][] = [
  ['a third death within a minute', letGo, [report('process_crashed', 3)]],
  ['a worker that nobody followed', letGo, [report('worker_lost')]],
  ['a caller to whom no agent came', told({ heardAgent: false, turns: 0, ended: 'unanswered' }), []],
];
test.each(fine)('%s is no promise broken', (_, one, reports) => {
  expect(verdictOf({ told: [one], reports, rooms: [] }).broken).toEqual([]);
});

const broken: [string, Parameters<typeof verdictOf>[0], RegExp][] = [
  ['no report', { told: [told()], reports: [], rooms: [] }, /no report/],
  [
    'T1 two reports',
    { told: [told()], reports: [report('agent_ended'), report('agent_ended')], rooms: [] },
    /2 reports/,
  ],
  ['left alone', { told: [told({ ended: 'silent' })], reports: [report('idle')], rooms: [] }, /left alone/],
  [
    'T3 let go after one death',
    { told: [letGo], reports: [report('process_crashed', 1)], rooms: [] },
    /after 1 deaths/,
  ],
  ['let go without any', { told: [letGo], reports: [report('idle')], rooms: [] }, /let go as idle/],
  ['a room is left', { told: [told()], reports: [report('agent_ended')], rooms: ['one'] }, /room is left/],
];
test.each(broken)('%s is', (_, accounts, line) => {
  expect(verdictOf(accounts).broken).toEqual([expect.stringMatching(line)]);
});
