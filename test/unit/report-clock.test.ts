/** Durations do not depend on a clock that somebody sets; times are shown as it said. */
import { describe, expect, test } from 'vitest';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { saidAt, settingsOf, withSteadyTime } from '../../src/report/clock.ts';
import { fold } from '../../src/report/fold.ts';
import { assertReport } from '../contract/check-report.ts';
import { owner } from '../contract/sessions.ts';

const BEGAN = Date.UTC(2026, 10, 29, 9);
const DAY = 86_400_000;
const iso = (at: number) => new Date(at).toISOString();

type Given = [ms: number, kind: string, data: unknown];
/** `jump`: by how much the wall clock is off from `after` on. */
type Clock = { jump?: number; after?: number; boot?: string; upAtBegin?: number; isEarlier?: boolean };

const file = (given: readonly Given[], clock: Clock = {}): Entry[] => {
  const { jump = 0, after = 0, boot, upAtBegin = 5_000_000, isEarlier = false } = clock;
  return given.map(([ms, kind, data], index) => {
    const at = BEGAN + ms + (ms >= after ? jump : 0);
    const steady = isEarlier ? {} : { up: upAtBegin + ms, ...(index === 0 && boot !== undefined && { boot }) };
    return { seq: index + 1, at, ...steady, kind, data } as Entry;
  });
};
const to = (state: string) => ({ machine: 'session', from: [], to: [state], event: 'e' });
const end = { by: 'caller', reason: 'caller_hung_up', fault: 'none' };

/** A call of half a minute: everything in it that a report gives a duration of. */
const call: Given[] = [
  [0, 'session.opened', { session: 's', epoch: 1, job: 's', owner }],
  [100, 'transition', to('live.connecting')],
  [1_000, 'participant', { change: 'joined', identity: 'c', isCaller: true }],
  [1_100, 'transition', to('live.greeting')],
  [1_200, 'effect', { id: 'say#1', name: 'say', phase: 'requested', line: 'greeting', rung: 'live' }],
  [1_700, 'event', { type: 'line.audible', line: 'greeting', rung: 'live' }],
  [4_000, 'transition', to('live.conversing')],
  [5_000, 'item', { id: 'one', role: 'user', text: 'Hello', createdAt: BEGAN + 4_500 }],
  [6_000, 'fact', { fact: 'agent.heard' }],
  [9_000, 'tool', { call: 't', name: 'book', status: 'started' }],
  [12_000, 'transcript', { text: 'and one more thing' }],
  [14_000, 'tool', { call: 't', name: 'book', status: 'settled' }],
  [15_000, 'fact', { fact: 'agent.quiet' }],
  [16_000, 'item', { id: 'two', role: 'assistant', text: 'Booked.', createdAt: BEGAN + 6_030 }],
  [28_000, 'participant', { change: 'left', identity: 'c' }],
  [28_100, 'transition', { ...to('ending'), end }],
  [30_000, 'session.closed', { end, stage: 'conversing', alsoTriggered: [] }],
];

/** SDK times are the machine's clock too. */
const withClock = (given: readonly Given[], { jump = 0, after = Infinity }: Clock): Given[] =>
  given.map(([ms, kind, data]) => {
    const { createdAt } = data as { createdAt?: number };
    const isAfter = createdAt !== undefined && createdAt - BEGAN >= after;
    return [ms, kind, isAfter ? { ...(data as object), createdAt: createdAt + jump } : data];
  });
const reportOf = (journal: Partial<SessionJournal> & { one?: Entry[] }) => {
  const { one = [], ...more } = journal;
  const report = fold({
    session: sessionIdOf('s'),
    epochs: [{ epoch: 1, entries: one, torn: false }],
    keeper: [],
    ...more,
  });
  assertReport(report);
  return report;
};
/** All that is a duration or an order, and no time of day. */
const measured = ({ times, stages, path, lines, tools, latency, transcript }: ReturnType<typeof fold>) => ({
  callMs: times.callMs,
  totalMs: times.totalMs,
  stages,
  path: path.map(({ states, ms }) => [states[0], ms]),
  lines: lines.map(({ line, firstAudioMs }) => [line, firstAudioMs]),
  tools: tools.map(({ call: id, ms }) => [id, ms]),
  latency,
  transcript: transcript.map(({ id, heard }) => [id, heard]),
});

const quiet = reportOf({ one: file(call) });

describe('a clock that is set in the middle of a call', () => {
  test('nobody touches the clock: the report has the durations of the call, and says that it was not moved', () => {
    expect(measured(quiet)).toMatchObject({
      callMs: 27_000,
      totalMs: 30_000,
      lines: [['greeting', 500]],
      tools: [['t', 5_000]],
      latency: { greetingMs: 700 },
      transcript: [
        ['one', null],
        ['two', true],
        [expect.stringMatching('words'), null],
      ],
    });
    expect(quiet.completeness.clockMovedMs).toBe(0);
  });

  const afters = [50, 1_050, 1_500, 4_700, 5_500, 10_000, 15_500, 28_050];
  const jumps = [30 * DAY, -30 * DAY, 3_600_000, -3_600_000, 10_000, -10_000, 2_500];
  test.each(afters)(
    'after %i ms: every duration and the order are as if nobody had, whatever it is set to',
    (after) => {
      for (const jump of jumps) {
        const report = reportOf({ one: file(withClock(call, { jump, after }), { jump, after }) });
        expect(measured(report), `set by ${jump}`).toEqual(measured(quiet));
        expect(report.completeness.clockMovedMs).toBe(jump);
      }
    },
  );

  test('times of day stay as the clock said them', () => {
    const jump = 30 * DAY;
    const report = reportOf({ one: file(withClock(call, { jump, after: 10_000 }), { jump, after: 10_000 }) });
    expect(report.times.openedAt).toBe(iso(BEGAN));
    expect(report.times.closedAt).toBe(iso(BEGAN + 30_000 + jump));
    expect(report.timestamp).toBe(iso(BEGAN + 30_000 + jump));
    expect(report.tools[0]?.startedAt).toBe(iso(BEGAN + 9_000));
  });

  test('the keeper’s notes and the job’s are on one line of time, for they are of one boot', () => {
    const jump = -3_600_000;
    const keeper = file(
      [
        [-200, 'session.accepted', { job: 's' }],
        [29_000, 'keeper.noticed', { what: 'died', epoch: 1 }],
        [29_100, 'transition', { machine: 'recovery', to: ['probing'], event: 'e' }],
        [29_600, 'transition', { machine: 'recovery', to: ['hangingUp'], event: 'e' }],
        [30_600, 'hangup', { strategy: 'delete-room', attempts: 1, verified: true, ms: 900 }],
      ],
      { jump, after: 20_000, boot: owner.bootId },
    );
    const died = call.filter(([ms]) => ms < 28_000);
    const { times, path } = reportOf({ one: file(died, { jump, after: 20_000 }), keeper });
    expect(times).toMatchObject({ callMs: 29_600, totalMs: 30_800 });
    expect(path.at(-2)).toMatchObject({ machine: 'recovery', states: ['probing'], ms: 500 });
  });
});

describe('what a steady clock does not say', () => {
  test('a journal of an earlier version has the durations of its times, and nobody knows whether the clock was set', () => {
    const report = reportOf({ one: file(call, { isEarlier: true }) });
    expect(measured(report)).toEqual(measured(quiet));
    expect(report.completeness.clockMovedMs).toBeNull();
    const set = reportOf({ one: file(call, { isEarlier: true, jump: -30 * DAY, after: 20_000 }) });
    expect(set.times.callMs).toBe(0); // never negative
  });

  test('another boot counts anew: its clock says nothing of the one before', () => {
    const keeper = [
      ...file([[0, 'session.accepted', { job: 's' }]], { boot: 'one' }),
      ...file([[60_000, 'keeper.noticed', { what: 'died', epoch: 1 }]], { boot: 'two', upAtBegin: 90_000_000 }),
    ].map((entry, index) => ({ ...entry, seq: index + 1 }));
    const report = reportOf({ epochs: [], keeper });
    expect(report.times.totalMs).toBe(60_000);
    expect(report.completeness.clockMovedMs).toBe(0);
  });

  test('also where no boot has a name: a steady clock that goes back is another one', () => {
    const keeper = [
      ...file([[0, 'session.accepted', { job: 's' }]]),
      ...file([[60_000, 'keeper.noticed', { what: 'died', epoch: 1 }]], { upAtBegin: -50_000 }),
    ];
    expect(reportOf({ epochs: [], keeper }).times.totalMs).toBe(60_000);
  });

  test('rubbish for a steady time is none', () => {
    const rubbish = [Number.NaN, -1, 'x', {}, null, 1e308].map(
      (up, index) => ({ seq: index + 1, at: BEGAN + index * 1_000, up, boot: up, kind: 'log', data: {} }) as never,
    );
    const { journal } = withSteadyTime({ session: sessionIdOf('s'), epochs: [], keeper: rubbish });
    expect(journal.keeper.map(({ at }) => at)).toHaveLength(6);
    expect(reportOf({ one: rubbish }).times.totalMs).toBe(5_000);
  });
});

test('a time that an entry carries is read by the clock of then', () => {
  const [before, gap, after] = [
    { at: BEGAN },
    { at: BEGAN + 4_000 },
    { at: BEGAN + DAY + 9_000, steady: BEGAN + 9_000 },
  ];
  const settings = settingsOf([before, gap, after]);
  expect(saidAt(BEGAN - 700, after, settings)).toBe(BEGAN - 700); // before there was a journal
  expect(saidAt(BEGAN + 4_500, after, settings)).toBe(BEGAN + 4_500); // before the clock was set
  expect(saidAt(BEGAN + DAY + 8_500, after, settings)).toBe(BEGAN + 8_500); // after
  expect(saidAt(BEGAN + 2 * DAY, after, settings)).toBe(BEGAN + 9_000); // impossible: no later than the entry
  expect(saidAt(BEGAN + 5, before, settingsOf([before, gap]))).toBe(BEGAN + 5);
  const restless = Array.from({ length: 5_000 }, (_, index) => ({ at: BEGAN + (index % 2) * DAY, steady: BEGAN }));
  expect(settingsOf(restless).length).toBeLessThanOrEqual(100);
});
