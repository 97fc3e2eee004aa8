/** A report that every receiver takes: what is left out of a long one, in which order, and that it says so. */
import { describe, expect, test } from 'vitest';
import { REPORT_BYTES, withinCap } from '../../src/report/cap.ts';
import { fold, serializeReport } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { assertReport } from '../contract/check-report.ts';
import { wholeCall } from '../contract/sessions.ts';
import { flood, interview, KIB, Kept, MIB } from './strangers.ts';

const whole = fold(wholeCall());
const bytesOf = (report: Report) => Buffer.byteLength(serializeReport(report));
const partsOf = ({ completeness }: Report) => completeness.leftOut.map(({ part }) => part);
const capped = (report: Report, limit?: number): Report => {
  const short = withinCap(report, limit);
  assertReport(short);
  expect(bytesOf(short)).toBeLessThanOrEqual(limit ?? REPORT_BYTES);
  return short;
};

const long = 'x'.repeat(10 * KIB);
const many = <Element>(count: number, make: (index: number) => Element): Element[] =>
  Array.from({ length: count }, (_, index) => make(index));
const step = whole.path[0]!;
const row = whole.transcript[0]!;
const tool = whole.tools[0]!;
const person = whole.participants[0]!;
const told = { component: 'tool', code: null, label: null, recoverable: true, times: 1, at: null, epoch: 1 };

/** Each of these alone is more than fits. */
const swollen: Record<string, Partial<Report>> = {
  path: { path: many(30_000, (index) => ({ ...step, event: `event ${index}` })) },
  'participants.attributes': {
    participants: [
      person,
      ...many(1_000, (index) => ({ ...person, isCaller: false, identity: `${index}`, metadata: long })),
    ],
  },
  participants: {
    participants: many(20_000, (index) => {
      if (index === 10_000) return person;
      return { ...person, isCaller: false, identity: `${index}`, attributes: {}, metadata: null };
    }),
  },
  'tools.output': { tools: many(600, (index) => ({ ...tool, call: `${index}`, output: { long } })) },
  'tools.args': { tools: many(600, (index) => ({ ...tool, call: `${index}`, args: { long }, output: null })) },
  warnings: { warnings: many(1_000, (index) => ({ ...told, message: `${index} ${long}` })) },
  errors: { errors: many(1_000, (index) => ({ ...told, message: `${index} ${long}` })) },
  providerSwitches: {
    providerSwitches: many(60_000, () => ({
      component: 'llm',
      label: 'some label of some adapter that is long enough',
      provider: 'p',
      model: 'm',
      available: true,
      at: null,
    })),
  },
  'application.attachments': {
    application: { outcome: 'booked', attachments: Object.fromEntries(many(600, (index) => [`${index}`, long])) },
  },
  metadata: { metadata: long.repeat(500) },
  lines: { lines: many(60_000, () => ({ ...whole.lines[0]!, text: 'One moment, please.' })) },
  'transcript.text': { transcript: many(1_000, (index) => ({ ...row, id: `${index}`, text: long })) },
  transcript: { transcript: many(50_000, (index) => ({ ...row, id: `${index}` })) },
  tools: { tools: many(30_000, (index) => ({ ...tool, call: `${index}`, args: null, output: null })) },
  usage: { usage: many(600, () => ({ type: 't', provider: 'p', model: 'm', long })) },
  texts: { metadata: null, agentName: long.repeat(500) },
};

test.each(Object.entries(swollen))(
  '%s: is what is left out where it is what is too long, and it is said',
  (part, more) => {
    const report = capped({ ...whole, ...more });
    const { end, times, hangUp, goodbye, greeting, apology, stages, session, id } = report;
    const { completeness: _, ...before } = whole;
    expect(before).toMatchObject({ end, times, hangUp, goodbye, greeting, apology, stages, session, id });
    expect(partsOf(report)).toContain(part);
    const left = report.completeness.leftOut.find((each) => each.part === part)!;
    expect(left.entries).toBeGreaterThan(0);
    expect(left.bytes).toBeGreaterThan(0);
    // No more than it must, where one part is so long.
    if (part !== 'texts' && part !== 'metadata') expect(bytesOf(report)).toBeGreaterThan(REPORT_BYTES / 2);
  },
);

test('all of it at once still fits, with the caller and how the call went', () => {
  const report = capped(Object.assign({}, whole, ...Object.values(swollen)) as Report);
  expect(report.end).toEqual(whole.end);
  expect(report.times).toEqual(whole.times);
  expect(report.hangUp).toEqual(whole.hangUp);
  expect(report.goodbye).toEqual(whole.goodbye);
});

test('what fits is not touched, byte for byte', () => {
  expect(withinCap(whole)).toBe(whole);
  expect(withinCap(whole, bytesOf(whole))).toBe(whole);
  expect(whole.completeness.leftOut).toEqual([]);
});

test('at any limit above the least it fits, and less room leaves out no less', () => {
  const kept = new Kept();
  interview(kept);
  const report = fold(kept.closes().session());
  let before = 0;
  for (const limit of [REPORT_BYTES, MIB, 512 * KIB, 256 * KIB, 128 * KIB]) {
    const out = capped(report, limit).completeness.leftOut.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(out).toBeGreaterThanOrEqual(before);
    before = out;
  }
});

describe('what is left out of a long list', () => {
  test('of the transcript its middle, when tools and details were not enough', () => {
    const transcript = many(50_000, (index) => ({ ...row, id: `${index}` }));
    const report = capped({ ...whole, transcript });
    const ids = report.transcript.map(({ id }) => Number(id));
    expect([ids[0], ids.at(-1)]).toEqual([0, 49_999]);
    const gaps = ids.filter((id, index) => index > 0 && id !== ids[index - 1]! + 1);
    expect(gaps).toHaveLength(1);
    const left = report.completeness.leftOut.find(({ part }) => part === 'transcript');
    expect(left?.entries).toBe(50_000 - ids.length);
  });

  test('of tools the longest results first; each call stays', () => {
    const tools = many(500, (index) => ({
      ...tool,
      call: `${index}`,
      output: index % 2 === 0 ? long + long : 'short',
    }));
    const report = capped({ ...whole, tools });
    expect(report.tools).toHaveLength(500);
    expect(report.tools.filter(({ output }) => output === 'short')).toHaveLength(250);
    expect(report.tools.filter(({ output }) => output === null).length).toBeGreaterThan(30);
  });

  test('of participants never the caller', () => {
    const report = capped({ ...whole, ...swollen['participants'] });
    expect(report.participants.filter(({ isCaller }) => isCaller)).toEqual([person]);
  });
});

test('the report of a flooded journal fits, and says what is missing', () => {
  const kept = new Kept();
  interview(kept);
  flood(kept, 20);
  for (let turn = 0; turn < 200; turn += 1) {
    kept.joins(`stranger ${turn}`, { metadata: long });
    kept.add('tool', { call: `t${turn}`, name: 'search', status: 'settled', output: long.repeat(5) });
  }
  kept.add('effect', { machine: 'session', id: 'hangUp#1', name: 'hangUp', phase: 'requested' });
  kept.add('hangup', { strategy: 'delete-room', attempts: 1, verified: true, ms: 40 });
  const report = fold(kept.closes().session());
  assertReport(report);
  expect(bytesOf(report)).toBeLessThanOrEqual(REPORT_BYTES);
  expect(report.completeness.withheld).toMatchObject([{ part: 'caller', identity: 'caller' }, { part: 'tools' }]);
  expect(partsOf(report)).toContain('tools.output');
  expect(report.end.reason).toBe('caller_hung_up');
  expect(report.hangUp).toMatchObject({ outcome: 'verified' });
  expect(report.transcript).toHaveLength(1_800);
});

test('a journal of hostile bytes has a report that fits', () => {
  const kept = new Kept();
  const bytes = String.fromCodePoint(1).repeat(MIB); // six bytes each in JSON
  const entries = kept.session().epochs[0]!.entries;
  const add = (kind: string, data: object) => entries.push({ seq: entries.length + 1, at: 1, kind, data } as never);
  for (let turn = 0; turn < 3; turn += 1) {
    add('hangup', { strategy: bytes, verified: true, left: [bytes, bytes], error: bytes });
    add('session.closed', { end: { reason: bytes, detail: bytes }, alsoTriggered: [{ reason: bytes }] });
    add('withheld', { part: bytes, identity: bytes, entries: 1, bytes: 1 });
    add('usage', { models: [{ ...Object.fromEntries(many(50, (index) => [`m${index}`, long])), type: bytes }] });
    add('spoken', { line: 'goodbye', text: bytes, why: bytes, outcome: 'played', heardMs: 5 });
    add('transfer', { id: String(turn), to: bytes, how: bytes });
  }
  const report = fold(kept.session());
  assertReport(report);
  expect(bytesOf(report)).toBeLessThanOrEqual(REPORT_BYTES);
  expect(report.hangUp?.outcome).toBe('verified');
  expect(report.goodbye).toMatchObject({ outcome: 'played', heardMs: 5 });
});
