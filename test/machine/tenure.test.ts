/** Every way through a job's tenure, as far as anything new happens in it. */
import { expect, test } from 'vitest';
import {
  CALLED_MS,
  CALM_MS,
  heldTenure,
  nextTenure,
  type Tenure,
  type TenureAct,
  type TenureEvent,
} from '../../machines/index.ts';

const LOOK_MS = CALM_MS / 4;
const both = [true, false];
const events: TenureEvent[] = [
  ...both.map((mayFollow) => ({ type: 'worker.lost' as const, mayFollow })),
  ...both.flatMap((mayFollow) => both.map((isTimed) => ({ type: 'worker.replaced' as const, mayFollow, isTimed }))),
  { type: 'session.lost' },
  { type: 'next.warm' },
  { type: 'next.taken' },
  { type: 'next.here' },
  { type: 'keeper.lost' },
  ...both.flatMap((isCalm) =>
    both.map((mayBeLeft) => ({ type: 'looked' as const, isCalm, mayBeLeft, passedMs: LOOK_MS })),
  ),
  ...both.map((mayBeLeft) => ({ type: 'late' as const, mayBeLeft })),
  { type: 'ended' },
];
type Step = { event: TenureEvent; act: TenureAct | undefined };
type Way = { tenure: Tenure; steps: Step[] };

/** The shortest way to each state, and every step that leaves one. */
function walked(): { from: Way; step: Step; to: Tenure }[] {
  const known = new Map<string, Way>([[JSON.stringify(heldTenure), { tenure: heldTenure, steps: [] }]]);
  const taken: { from: Way; step: Step; to: Tenure }[] = [];
  for (const from of known.values())
    for (const event of events) {
      const { tenure: to, act } = nextTenure(from.tenure, event);
      const step = { event, act };
      taken.push({ from, step, to });
      const name = JSON.stringify(to);
      if (!known.has(name)) known.set(name, { tenure: to, steps: [...from.steps, step] });
    }
  return taken;
}
const ways = walked();
const happened = ({ steps }: Way, type: TenureEvent['type']) => steps.some(({ event }) => event.type === type);
const isOver = ({ phase }: Tenure) => phase === 'left' || phase === 'ending';

test('H3b nobody is left before a process of the next worker is warm for the call, nor while it may not be left', () => {
  const leaving = ways.filter(({ step }) => step.act === 'leave.calm' || step.act === 'leave.late');
  expect(leaving.length).toBeGreaterThan(2);
  for (const { from, step } of leaving) {
    const promises = from.steps.filter(({ event }) => ['next.warm', 'next.taken', 'keeper.lost'].includes(event.type));
    expect(promises.at(-1)?.event.type).toBe('next.warm');
    expect(step.event).toMatchObject({ mayBeLeft: true });
    const causes = ['worker.lost', 'worker.replaced', 'session.lost'] as const;
    expect(causes.some((cause) => happened(from, cause))).toBe(true);
  }
});

test('H3b a calm leave comes after a whole second of calm', () => {
  for (const { from, step } of ways.filter(({ step: { act } }) => act === 'leave.calm')) {
    const looks = [...from.steps, step].filter(({ event }) => event.type === 'looked').slice(-CALM_MS / LOOK_MS);
    expect(looks).toHaveLength(CALM_MS / LOOK_MS);
    for (const { event } of looks) expect(event).toMatchObject({ isCalm: true, mayBeLeft: true });
  }
});

test('H3b the next job is called for in a calm moment only, and taken back unless it is left to, or the call is over', () => {
  const calls = ways.filter(({ step }) => step.act === 'call');
  expect(calls.length, 'after a death, and when it is replaced').toBe(2);
  for (const { step, to } of calls) {
    expect(step.event).toMatchObject({ isCalm: true, mayBeLeft: true });
    expect(to.phase).toBe('calling');
  }
  const uncalled = ways.filter(({ from, to }) => from.tenure.phase === 'calling' && to.phase !== 'calling');
  const known: (TenureEvent['type'] | TenureAct)[] = [
    'stay',
    'leave.calm',
    'leave.late',
    'next.taken',
    'keeper.lost',
    'ended',
    'late',
  ];
  for (const { step, to } of uncalled) {
    expect(known).toContain(step.act === 'end' ? 'late' : (step.act ?? step.event.type));
    if (!isOver(to)) expect(to.isNextHere, 'for the next moment nobody is called').toBeUndefined();
  }
});

test('H3b no call waits longer than two seconds for a job that nobody offers', () => {
  for (const { to } of ways) expect(to.calmMs).toBeLessThanOrEqual(CALM_MS + CALLED_MS);
  const silent = ways.filter(
    ({ from: { tenure }, step: { act } }) => act === 'leave.calm' && tenure.phase === 'calling' && !tenure.isNextHere,
  );
  expect(silent.length).toBeGreaterThan(0);
  for (const { to } of silent) expect(to.calmMs).toBe(CALM_MS + CALLED_MS);
});

test('H3b a keeper that goes away at the call may be an older one that does not know the word: it is not asked again', () => {
  const again = ways.filter(({ from, step: { act } }) => from.tenure.callsNobody && act === 'call');
  expect(again).toEqual([]);
  const left = ways.filter(({ from, step: { act } }) => from.tenure.callsNobody && act === 'leave.calm');
  expect(left.length).toBeGreaterThan(0);
  for (const { to } of left) expect(to.calmMs).toBe(CALM_MS);
});

test('H3b whoever has left or ends does nothing more', () => {
  for (const { from, step, to } of ways.filter(({ from: { tenure } }) => isOver(tenure))) {
    expect(to).toEqual(from.tenure);
    expect(step.act).toBeUndefined();
  }
});

test('H3b after a death each call ends or is left by its time, whatever else happens', () => {
  for (const { from, to } of ways.filter(({ from: { tenure } }) => tenure.fate === 'lost'))
    for (const mayBeLeft of both) {
      if (from.tenure.phase === 'held') throw new Error('a death leaves no call where it was');
      expect(isOver(to) || isOver(nextTenure(to, { type: 'late', mayBeLeft }).tenure)).toBe(true);
    }
});

test('a worker that is replaced and has all the time it wants ends none of its calls', () => {
  for (const { from, step } of ways)
    if (step.act === 'end')
      expect(
        step.event.type === 'late' || step.event.type === 'worker.lost',
        `${JSON.stringify(from.steps)} → ${JSON.stringify(step)}`,
      ).toBe(true);
  const untimed: TenureEvent = { type: 'worker.replaced', mayFollow: false, isTimed: false };
  expect(nextTenure(heldTenure, untimed)).toEqual({ tenure: heldTenure });
  const timed = nextTenure(heldTenure, { ...untimed, isTimed: true });
  expect([timed.act, nextTenure(timed.tenure, { type: 'late', mayBeLeft: true }).act]).toEqual([undefined, 'end']);
});

test('H3b a worker that dies while it is replaced is a worker that died: what was promised to its call holds', () => {
  const { tenure: waiting } = nextTenure(heldTenure, { type: 'worker.replaced', mayFollow: true, isTimed: false });
  const { tenure: leaving } = nextTenure(waiting, { type: 'next.warm' });
  expect(nextTenure(leaving, { type: 'worker.lost', mayFollow: true })).toEqual({
    tenure: { phase: 'leaving', fate: 'lost', calmMs: 0 },
  });
});

test('G7 whose own session is over leaves as soon as it may, and waits for no calm; its worker may die meanwhile', () => {
  const lost = nextTenure(heldTenure, { type: 'session.lost' });
  expect([lost.tenure.phase, lost.act]).toEqual(['awaiting', 'tell']);
  const orphaned = nextTenure(lost.tenure, { type: 'worker.lost', mayFollow: true }).tenure;
  for (const before of [lost.tenure, orphaned]) {
    const warm = nextTenure(before, { type: 'next.warm' });
    const look = (mayBeLeft: boolean) =>
      nextTenure(warm.tenure, { type: 'looked', isCalm: false, mayBeLeft, passedMs: LOOK_MS });
    expect([warm.act, look(false).act, look(true).act]).toEqual(['look', undefined, 'leave.late']);
  }
});
