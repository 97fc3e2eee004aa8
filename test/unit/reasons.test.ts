/** Why a call ended: the table, from what happens to what the backend reads. On a virtual clock, through run and fold. */
import * as fc from 'fast-check';
import { DisconnectReason } from '@livekit/rtc-node';
import { describe, expect, test } from 'vitest';
import { endOf, ends, type End, type SessionEvent } from '../../machines/index.ts';
import { departureOf, expulsionOf } from '../../src/livekit/observe/disconnect.ts';
import { expectEndedWell, type WellEnded } from '../contract/ended-well.ts';
import { hostileText, wellFormed } from '../contract/hostile.ts';
import { VirtualSession, type VirtualOptions } from '../contract/virtual-session.ts';

const never = () => new Promise<never>(() => {});
const agentEnded: SessionEvent = { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true };
const shutdown = (reason: 'worker_shutdown' | 'worker_lost'): SessionEvent => ({
  type: 'shutdown.requested',
  end: reason === 'worker_lost' ? endOf('system', reason, 'platform') : endOf('operator', reason),
  graceMs: 25_000,
});
const modelFailed: SessionEvent = {
  type: 'session.failed',
  end: endOf('system', 'model_failed', 'provider', 'llm: 401'),
};
const gone = (reason: DisconnectReason): SessionEvent => {
  const departure = departureOf(reason);
  return departure.kind === 'left' ? { type: 'caller.left', end: departure.end } : { type: 'caller.lost' };
};
const expelled = (reason: DisconnectReason): SessionEvent => ({
  type: 'caller.left',
  end: expulsionOf(reason) as End,
});

type Row = {
  what: string;
  options?: VirtualOptions;
  /** In the middle of the conversation; time alone brings the rest. */
  happens?: (session: VirtualSession) => void | Promise<void>;
  wanted: Omit<WellEnded, 'stage'> & { stage?: string };
};
const send =
  (...events: SessionEvent[]) =>
  (session: VirtualSession) => {
    for (const event of events) session.send(event);
  };

const rows: Row[] = [
  {
    what: 'the agent ends it',
    happens: send(agentEnded),
    wanted: { by: 'agent', reason: 'agent_ended', fault: 'none', goodbye: 'played' },
  },
  {
    what: 'the application ends it, with a word of its own',
    happens: send({ type: 'session.end', end: endOf('agent', 'order_placed'), drain: true }),
    wanted: { by: 'agent', reason: 'order_placed', fault: 'none', goodbye: 'played' },
  },
  {
    what: 'the caller hangs up',
    happens: (session) => session.leaves(),
    wanted: { by: 'caller', reason: 'caller_hung_up', fault: 'none', goodbye: null },
  },
  {
    what: 'the callee rejects the call',
    happens: send(gone(DisconnectReason.USER_REJECTED)),
    wanted: { by: 'caller', reason: 'caller_hung_up', fault: 'none', goodbye: null },
  },
  {
    what: 'the callee does not answer',
    happens: send(gone(DisconnectReason.USER_UNAVAILABLE)),
    wanted: { by: 'caller', reason: 'never_joined', fault: 'caller', goodbye: null },
  },
  {
    what: 'the line of the caller breaks, and they do not return',
    happens: send(gone(DisconnectReason.CONNECTION_TIMEOUT)),
    wanted: { by: 'limit', reason: 'caller_lost', fault: 'platform', goodbye: null },
  },
  {
    what: 'an operator deletes the room',
    happens: send(gone(DisconnectReason.ROOM_DELETED)),
    wanted: { by: 'operator', reason: 'room_deleted', fault: 'none', goodbye: null },
  },
  {
    what: 'an operator removes the caller',
    happens: send(gone(DisconnectReason.PARTICIPANT_REMOVED)),
    wanted: { by: 'operator', reason: 'removed', fault: 'none', goodbye: null },
  },
  {
    what: 'an operator removes the agent',
    happens: send(expelled(DisconnectReason.PARTICIPANT_REMOVED)),
    wanted: { by: 'operator', reason: 'removed', fault: 'none', goodbye: null, detail: /the agent was removed/ },
  },
  {
    what: 'the agent loses the room',
    happens: send(expelled(DisconnectReason.STATE_MISMATCH)),
    wanted: { by: 'system', reason: 'caller_lost', fault: 'platform', goodbye: null, detail: /STATE_MISMATCH/ },
  },
  {
    what: 'the worker is told to stop',
    happens: send(shutdown('worker_shutdown')),
    wanted: { by: 'operator', reason: 'worker_shutdown', fault: 'none', goodbye: 'played' },
  },
  {
    what: 'the worker is gone',
    happens: send(shutdown('worker_lost')),
    wanted: { by: 'system', reason: 'worker_lost', fault: 'platform', goodbye: 'played' },
  },
  {
    what: 'a model fails',
    happens: send(modelFailed),
    wanted: {
      by: 'system',
      reason: 'model_failed',
      fault: 'provider',
      goodbye: null,
      apology: 'live',
      detail: 'llm: 401',
    },
  },
  {
    what: 'a turn is never answered',
    happens: send({ type: 'caller.waits', awaits: 'llm', isTurn: true }),
    wanted: { by: 'system', reason: 'model_failed', fault: 'provider', goodbye: null, apology: 'live' },
  },
  {
    what: 'nobody speaks, also after the nudges',
    wanted: { by: 'limit', reason: 'idle', fault: 'caller', goodbye: 'played' },
  },
  {
    what: 'the longest duration is over',
    options: { policy: { maxDurationMs: 40_000, idleMs: 60_000 } },
    wanted: { by: 'limit', reason: 'max_duration', fault: 'none', goodbye: 'played' },
  },
  {
    what: 'nobody joins',
    options: { effects: () => ({ awaitCaller: never }), isThere: false },
    wanted: { by: 'limit', reason: 'never_joined', fault: 'caller', goodbye: null, stage: 'connecting' },
  },
  {
    what: 'the room cannot be joined',
    options: { effects: () => ({ connect: () => Promise.reject(new Error('refused')) }) },
    wanted: {
      by: 'system',
      reason: 'startup_failed',
      fault: 'application',
      goodbye: null,
      apology: 'live',
      stage: 'connecting',
    },
  },
  {
    what: 'the agent session does not start in time',
    options: { effects: () => ({ startSession: never }) },
    wanted: {
      by: 'system',
      reason: 'startup_failed',
      fault: 'application',
      goodbye: null,
      apology: 'live',
      stage: 'connecting',
    },
  },
  {
    what: 'the greeting is never heard',
    options: { isMute: (line) => line === 'greeting' },
    wanted: {
      by: 'system',
      reason: 'startup_failed',
      fault: 'provider',
      goodbye: null,
      apology: 'bundled',
      stage: 'greeting',
    },
  },
  {
    what: 'the machine itself fails',
    happens: send({ type: 'session.end', end: undefined as never, drain: true }),
    wanted: { by: 'system', reason: 'orchestrator_error', fault: 'application', goodbye: null },
  },
];

describe('F1 every end has a reason of its own, who ended it, and whose fault it was', () => {
  test.each(rows)('$what: $wanted.reason by $wanted.by, fault $wanted.fault', async ({ options, happens, wanted }) => {
    const session = new VirtualSession(options);
    await session.converse();
    await happens?.(session);
    const report = await session.report();
    expectEndedWell({ reports: [report] }, { stage: 'conversing', ...wanted });
    expect(report.end.reason).not.toBe('user_initiated');
    if (report.end.fault === 'provider' || report.end.fault === 'application')
      expect(report.end).toHaveProperty('detail');
  });
  test('no two different things read the same', () => {
    const told = rows.map(({ wanted }) => `${wanted.by} ${wanted.reason} ${wanted.fault}`);
    const alike = told.filter((each, index) => told.indexOf(each) !== index);
    expect([...new Set(alike)].sort()).toEqual([
      'caller caller_hung_up none', // hung up or rejected: a caller said no
      'operator removed none', // told apart by the detail
      'system model_failed provider', // a model failed, or gave nothing
      'system startup_failed application',
    ]);
  });
});

describe('F2 a reason is never empty', () => {
  test.each(['', ' ', '\n', '\t\u00A0', '\u2003'])('the blank reason %j, whoever gives it', async (reason) => {
    for (const event of [
      { type: 'session.end', end: { by: 'agent', reason, fault: 'none' }, drain: true },
      { type: 'caller.left', end: { by: 'caller', reason, fault: 'none' } },
      { type: 'session.failed', end: { by: 'system', reason, fault: 'application' } },
      { type: 'shutdown.requested', end: { by: 'operator', reason, fault: 'none' }, graceMs: 25_000 },
    ] satisfies SessionEvent[]) {
      const session = await new VirtualSession().converse();
      session.send(event);
      const { end } = await session.report();
      expect(end.reason, event.type).toBe('unspecified');
      expect(end.by).toBe(event.end.by);
    }
  });
  test('any text as a reason comes through, as it is or as "unspecified"', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(hostileText)), async (reason) => {
        const session = await new VirtualSession().converse();
        session.send({ type: 'session.end', end: { by: 'agent', reason, fault: 'none' }, drain: false });
        const { end } = await session.report();
        expect(end.reason).toBe(reason.trim() === '' ? 'unspecified' : wellFormed(reason));
      }),
      { seed: 8, numRuns: 60 },
    );
  });
});

describe('F3 who hung up is known, with the evidence', () => {
  test('both in one tick: the first is who ended it, the other stands beside it, and the hang-up says how', async () => {
    const left: SessionEvent = { type: 'caller.left', end: endOf('caller', 'caller_hung_up') };
    for (const [first, second] of [
      [agentEnded, left],
      [left, agentEnded],
    ] as const) {
      const session = await new VirtualSession().converse();
      session.isThere = false;
      send(first, second)(session);
      const report = await session.report();
      expect(report.end).toMatchObject({ by: (first as { end: End }).end.by });
      expect(report.alsoTriggered.map(({ by }) => by)).toEqual([(second as { end: End }).end.by]);
      expect(report.hangUp).toMatchObject({ outcome: 'verified', by: 'session', left: [] });
      expect(session.spoken.map(({ line }) => line)).toEqual(['greeting']);
    }
  });
  test('every way in which LiveKit says that somebody is gone says who it was', () => {
    const by = Object.fromEntries(
      Object.values(DisconnectReason)
        .filter((reason): reason is DisconnectReason => typeof reason === 'number')
        .flatMap((reason) => {
          const departure = departureOf(reason);
          return departure.kind === 'left' ? [[DisconnectReason[reason], departure.end.by]] : [];
        }),
    );
    expect(by).toEqual({
      CLIENT_INITIATED: 'caller',
      USER_REJECTED: 'caller',
      USER_UNAVAILABLE: 'caller',
      ROOM_DELETED: 'operator',
      ROOM_CLOSED: 'operator',
      PARTICIPANT_REMOVED: 'operator',
      SIP_TRUNK_FAILURE: 'system',
      AGENT_ERROR: 'system',
    });
  });
});

const permutations = <Value>(list: readonly Value[]): Value[][] =>
  list.length < 2
    ? [[...list]]
    : list.flatMap((first, index) => permutations(list.toSpliced(index, 1)).map((rest) => [first, ...rest]));

test('A16 E1 five end triggers in one instant, in each of 120 orders: the first is the reason, one report, one hang-up, nothing said to nobody', async () => {
  const triggers: Record<string, { end: End; pull: (session: VirtualSession) => void | Promise<void> }> = {
    limit: { end: ends.maxDuration, pull: (session) => session.clock.advance(1) }, // its timer, a millisecond ahead
    caller: { end: endOf('caller', 'caller_hung_up'), pull: (session) => session.leaves() },
    tool: { end: endOf('agent', 'agent_ended'), pull: send(agentEnded) },
    signal: { end: endOf('operator', 'worker_shutdown'), pull: send(shutdown('worker_shutdown')) },
    error: { end: modelFailed.end, pull: send(modelFailed) },
  };
  for (const order of permutations(Object.keys(triggers))) {
    const session = await new VirtualSession({ policy: { maxDurationMs: 40_000, idleMs: 60_000 } }).converse();
    const conversing = session.entries.find(
      ({ kind, data }) => kind === 'transition' && JSON.stringify(data).includes('conversing'),
    );
    const since = (conversing?.at ?? 0) - (session.entries[0]?.at ?? 0);
    await session.clock.advance(since + 40_000 - 1 - session.clock.now);
    expect(session.run.hasTag('live')).toBe(true);
    for (const name of order) await triggers[name]?.pull(session);
    const report = await session.report();
    const [first = ''] = order;
    expect(report.end, order.join()).toMatchObject({ ...triggers[first]?.end });
    const later = order.slice(1).filter((name) => name !== 'limit'); // a timer of the call is gone with the call
    expect(report.alsoTriggered.map(({ reason }) => reason)).toEqual(later.map((name) => triggers[name]?.end.reason));
    const asked = (name: string) => session.asked.filter((each) => each === name).length;
    expect([asked('hangUp'), asked('close'), asked('sendReport'), asked('goodbye')]).toEqual([1, 1, 1, 0]);
    expect(session.entries.filter(({ kind }) => kind === 'session.closed')).toHaveLength(1);
    expect(session.spoken.filter(({ heard }) => heard).map(({ line }) => line)).toEqual(['greeting', 'windDown']);
  }
});

type Deed = { what: string; ms: number };
const deeds: Record<string, (session: VirtualSession) => void> = {
  leaves: (session) => session.leaves(),
  lost: (session) => {
    session.isThere = false;
    session.send({ type: 'caller.lost' });
  },
  returned: (session) => {
    session.isThere = true;
    session.send({ type: 'caller.returned' });
  },
  'agent ends': (session) => session.send(agentEnded),
  'agent ends at once': (session) => session.send({ ...(agentEnded as object), drain: false } as SessionEvent),
  fails: (session) => session.send(modelFailed),
  shutdown: (session) => session.send(shutdown('worker_shutdown')),
  'budget spent': (session) => session.send({ type: 'budget.spent' }),
  waits: (session) => session.send({ type: 'caller.waits', awaits: 'llm', isTurn: true }),
  answered: (session) => session.send({ type: 'agent.audible' }),
  moved: (session) => session.send({ type: 'dialogue.moved' }),
  'tool starts': (session) => session.send({ type: 'tool.started' }),
  'tool ends': (session) => session.send({ type: 'tool.ended' }),
};

test('D3 the caller leaves at any instant, before the agent is ready or after the end began, among any other events: one report, one hang-up, no word to nobody', async () => {
  const deed = fc.record({
    what: fc.constantFrom(...Object.keys(deeds)),
    ms: fc.constantFrom(0, 0, 1, 20, 60, 100, 500, 3000),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { maxLength: 8 }),
      fc.nat({ max: 8 }),
      fc.constantFrom(0, 30, 80, 130, 205, 400, 2000),
      async (story: Deed[], at, startMs) => {
        const session = new VirtualSession({ policy: { maxDurationMs: 60_000, callerJoinMs: 5000 } });
        const leaving: Deed = { what: 'leaves', ms: 0 };
        await session.clock.advance(startMs);
        let leftAt = Infinity;
        let first: End | null = null;
        for (const { what, ms } of story.toSpliced(at, 0, leaving)) {
          // A caller who left for good does not come back, and is not lost.
          if (session.closedAt === undefined && !(leftAt < Infinity && (what === 'returned' || what === 'lost'))) {
            if (what === 'leaves') leftAt = Math.min(leftAt, session.clock.now);
            deeds[what]?.(session);
            first ??= session.run.context().end;
          }
          await session.clock.advance(ms);
          first ??= session.run.context().end;
        }
        const report = await session.report();
        expect(report.end.reason).toBe(first?.reason);
        const asked = (name: string) => session.asked.filter((each) => each === name).length;
        expect([asked('hangUp'), asked('close'), asked('sendReport')]).toEqual([1, 1, 1]);
        expect(asked('goodbye')).toBeLessThanOrEqual(1);
        expect(
          session.spoken.filter((spoken) => spoken.at > leftAt || (spoken.heard && spoken.at + 100 > leftAt + 100)),
        ).toEqual([]);
        const ending = (session.closedAt ?? Infinity) - leftAt;
        expect(ending).toBeLessThanOrEqual(20_000);
      },
    ),
    { seed: 12, numRuns: 400 },
  );
});
