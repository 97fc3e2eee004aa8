/** Why a session ended, where nobody could write it down in order. */
import { describe, expect, test } from 'vitest';
import { ends } from '../../machines/index.ts';
import type { Chapter } from '../../src/report/chapters.ts';
import { endIn, foundBy, recordedEnd, recordedIn } from '../../src/report/end.ts';
import { fold } from '../../src/report/fold.ts';
import { at, chapter, entries } from '../contract/chapters.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

type Given = [string, unknown];
const move = (from: string[], to: string[], more: object = {}): Given => [
  'transition',
  { machine: 'session', from, to, event: 'e', ...more },
];
const job = (...all: Given[]): Chapter[] => [chapter(entries(...all))];
const keeper = (...all: Given[]): Chapter => chapter(entries(...all), { epoch: 0 });
const LIVE = ['live.conversing.dialogue.active'];
const left = { by: 'caller', reason: 'caller_hung_up', fault: 'none' } as const;

test.each([
  [
    { by: 'agent', reason: 'done', fault: 'caller', detail: 'd' },
    { by: 'agent', reason: 'done', fault: 'caller', detail: 'd' },
  ],
  [
    { by: 'nobody', reason: 'done', fault: 'odd', detail: ' ' },
    { by: 'system', reason: 'done', fault: 'none' },
  ],
  [{ by: 'agent', reason: '', fault: 'none' }, undefined],
  ['done', undefined],
])('an end as an entry has it: %j', (given, end) => {
  expect(endIn(given)).toEqual(end);
  if (end)
    for (const by of ['caller', 'agent', 'operator', 'limit', 'system']) expect(endIn({ ...end, by })?.by).toBe(by);
  if (end)
    for (const fault of ['none', 'caller', 'application', 'provider', 'platform'])
      expect(endIn({ ...end, fault })?.fault).toBe(fault);
});

describe('the end that a process recorded', () => {
  const closed = (more: object = {}): Given => ['session.closed', { end: left, stage: 'conversing', ...more }];

  test('is the one it closed with, at the time of its first trigger', () => {
    expect(recordedIn(job(move(LIVE, ['exiting.hangingUp']), ['log', {}], closed()))).toEqual({
      end: left,
      at: 1000,
      stage: 'conversing',
    });
    expect(recordedIn(job(['log', {}], closed()))).toEqual({ end: left, at: 2000, stage: 'conversing' });
  });
  test('has the stage that it says, else that of the trigger, else none', () => {
    const other = { stage: undefined };
    expect(recordedIn(job(move([], ['live.greeting.speaking']), closed(other)))?.stage).toBeNull();
    expect(recordedIn(job(move(['live.greeting.speaking'], ['ending.draining']), closed(other)))?.stage).toBe(
      'greeting',
    );
    expect(recordedIn(job(closed({ stage: 7 })))?.stage).toBeNull();
  });
  test('is that of the trigger where it closed without one', () => {
    const end = { by: 'agent', reason: 'done', fault: 'none' };
    expect(recordedIn(job(move(LIVE, ['ending.draining'], { end }), ['session.closed', {}]))).toEqual({
      end,
      at: 1000,
      stage: 'conversing',
    });
    expect(recordedIn([...job(['log', {}]), ...job(closed())])?.end).toEqual(left);
    expect(recordedIn(job(['log', {}]))).toBeUndefined();
  });
  test('is an event that the machine has not answered yet, the first of them; without a move nobody knows the stage', () => {
    const told = (reason: string): Given => [
      'event',
      { type: 'session.end', end: { by: 'agent', reason, fault: 'none' } },
    ];
    expect(recordedIn(job(told('one'), told('two')))).toEqual({
      end: { by: 'agent', reason: 'one', fault: 'none' },
      at: 1000,
      stage: null,
    });
    expect(recordedIn(job(move([], LIVE), told('one')))).toMatchObject({ at: 2000, stage: 'conversing' });
    expect(recordedIn(job(told('one'), move(LIVE, ['ending.draining'])))).toMatchObject({
      end: { reason: 'one' },
      at: 2000,
    });
    expect(recordedIn(job(['log', { end: left }], move([], LIVE)))).toBeUndefined();
  });
  test('is no failure that is mended: a process that dies meanwhile, or later, has crashed', () => {
    const end = { by: 'system', reason: 'model_failed', fault: 'provider' };
    const failed: Given = ['event', { type: 'session.failed', end, isMendable: true }];
    expect(recordedIn(job(move([], LIVE), failed, move(LIVE, LIVE)))).toBeUndefined();
    expect(recordedIn(job(move([], LIVE), failed, move(LIVE, ['exiting.hangingUp'], { end })))?.end).toEqual(end);
  });
  test('is read off the move where none was written down', () => {
    const of = (event: unknown, to: string[]) => recordedIn(job(move(LIVE, to, { event })))?.end;
    expect(of('xstate.after.callerJoinMs.session.live', ['exiting.hangingUp'])).toEqual(ends.neverJoined);
    expect(of('xstate.after.callerGraceMs.session.live', ['exiting.hangingUp'])).toEqual(ends.callerLost);
    expect(of('xstate.after.idleMs.session.live', ['ending.draining'])).toEqual(ends.idle);
    expect(of('xstate.after.windDownMs.session.live', ['ending.draining'])).toEqual(ends.maxDuration);
    expect(of('xstate.after.firstAudioMs.session.live', ['exiting.hangingUp'])).toMatchObject({
      reason: 'model_failed',
      fault: 'provider',
    });
    expect(of('xstate.done.actor', ['runtimeFailed.live.unheard'])).toMatchObject({
      reason: 'model_failed',
      fault: 'provider',
    });
    expect(of('xstate.done.actor', ['startupFailed.live.unheard'])).toEqual(ends.startupFailed);
    expect(of('xstate.after.rungMs.session', ['startupFailed.live'])).toEqual(ends.startupFailed);
    expect(of('odd.after.idleMs.x', ['exiting.hangingUp'])).toEqual(ends.orchestratorError);
    expect(of(undefined, ['exiting.hangingUp'])).toEqual(ends.orchestratorError);
  });
  test('is none while the session lives, nor of another machine', () => {
    expect(recordedIn(job(move([], ['live']), move(['live'], ['live.greeting.speaking', 'other'])))).toBeUndefined();
    expect(recordedIn(job(move([], []), move([], LIVE)))).toBeUndefined();
    expect(recordedIn(job(['transition', { machine: 'recovery', from: [], to: ['probing'] }]))).toBeUndefined();
    expect(recordedIn(job(['log', { machine: 'session', from: LIVE, to: ['ending.draining'] }]))).toBeUndefined();
    expect(recordedIn(job(move([], ['lively'])))).toBeDefined();
    expect(recordedIn(job(move([], ['exiting.hangingUp', ...LIVE])))).toBeUndefined();
  });
  test('is what whoever takes over finishes', () => {
    const epochs = [{ epoch: 1, entries: entries(move(LIVE, ['ending.draining'], { end: left })), torn: false }];
    expect(recordedEnd({ session: sessionIdOf('s'), epochs, keeper: [] })).toEqual(left);
    expect(recordedEnd({ session: sessionIdOf('s'), epochs: [], keeper: [] })).toBeNull();
  });
});

describe('the end that the keeper found', () => {
  const opened: Given = ['session.opened', {}];
  const noticed = (what?: string, more: object = {}): Given => ['keeper.noticed', { what, ...more }];
  const found = (jobs: Chapter[], ...notes: Given[]) => foundBy(jobs, keeper(...notes));

  test.each([
    ['died', ends.processCrashed, 'the process died'],
    ['frozen', ends.processCrashed, 'the process no longer answered'],
    ['gone', { by: 'system', reason: 'worker_lost', fault: 'platform' }, 'the host of this session is gone'],
    ['closed', ends.orchestratorError, 'the job closed its journal without an end'],
    ['unopened', ends.startupFailed, 'the job was accepted and never opened its journal'],
  ] as const)('%s', (what, end, detail) => {
    const jobs = job(
      opened,
      move([], LIVE),
      ['log', { machine: 'session', to: ['ending.x'] }],
      ['transition', { machine: 'recovery', to: ['probing'] }],
    );
    expect(found(jobs, ['log', {}], noticed(what))).toEqual({ end: { ...end, detail }, at: 2000, stage: 'conversing' });
    expect(found(jobs, noticed(what, { detail: 'told' })).end.detail).toBe('told');
    expect(found(jobs, noticed('odd'), noticed(what)).end.detail).toBe(detail);
  });
  test('a job that opened nothing did not start, whatever was noticed; nobody noticed: it died, when it was last heard of', () => {
    expect(found(job(['log', {}]), noticed('died'))).toMatchObject({ end: { reason: 'startup_failed' }, stage: null });
    expect(found(job(opened, ['log', {}]))).toMatchObject({ end: { reason: 'process_crashed' }, at: 2000 });
    expect(found([])).toMatchObject({ end: { reason: 'startup_failed' }, at: 0, stage: null });
  });
});

describe('the report', () => {
  const opened = {
    job: 'J',
    agentName: 'ada',
    room: { name: 'r', sid: '' },
    policyHash: 'p',
    machineHash: 'm',
    versions: { node: '20', odd: 1 },
    metadata: 'text',
  };
  const accepted = { job: 'K', agentName: 'bob', room: { name: 'q', sid: 'RM_0' }, metadata: '{"a":1}' };
  const report = (jobs: Given[], notes: Given[] = []) =>
    fold({
      session: sessionIdOf('s'),
      epochs: jobs.length === 0 ? [] : [{ epoch: 1, entries: entries(...jobs), torn: false }],
      keeper: entries(...notes),
    });

  test('knows the job by its own word, else by the keeper', () => {
    const own = {
      job: 'J',
      agentName: 'ada',
      room: { name: 'r', sid: 'RM_1' },
      policyHash: 'p',
      machineHash: 'm',
      versions: { node: '20' },
    };
    const rooms: Given[] = [
      ['room', { change: 'metadata' }],
      ['log', { sid: 'RM_9' }],
      ['room', { change: 'connected', sid: 'RM_1' }],
    ];
    expect(report([['session.opened', opened], ...rooms])).toMatchObject({ ...own, metadata: 'text' });
    expect(
      report(
        [],
        [
          ['log', accepted],
          ['session.accepted', accepted],
        ],
      ),
    ).toMatchObject({
      job: 'K',
      agentName: 'bob',
      room: { name: 'q', sid: 'RM_0' },
      policyHash: null,
      machineHash: null,
      versions: {},
      metadata: { a: 1 },
    });
    expect(report([['session.opened', opened]], [['session.accepted', accepted]])).toMatchObject({
      job: 'J',
      metadata: { a: 1 },
    });
    expect(report([])).toMatchObject({
      id: 'rep_s',
      type: 'session.report',
      version: 1,
      job: null,
      room: null,
      metadata: null,
      timestamp: null,
    });
  });

  test('has the times, each of the first entry that tells it', () => {
    const jobs: Given[] = [
      ['session.opened', opened],
      ['log', { change: 'connected', type: 'line.audible' }],
      ['room', { change: 'metadata' }],
      ['room', { change: 'connected' }],
      ['participant', { change: 'joined', identity: 'w' }],
      ['participant', { change: 'joined', identity: 'c', isCaller: true }],
      ['event', { type: 'dialogue.moved' }],
      ['event', { type: 'line.audible' }],
      ['event', { type: 'agent.audible' }],
      ['participant', { change: 'left', identity: 'c' }],
      move(LIVE, ['exiting.hangingUp'], { end: left }),
      ['hangup', { verified: true }],
      ['session.closed', { end: left, stage: 'conversing' }],
    ];
    expect(
      report(jobs, [
        ['log', {}],
        ['session.accepted', accepted],
      ]).times,
    ).toEqual({
      acceptedAt: at(2),
      openedAt: at(1),
      connectedAt: at(4),
      callerJoinedAt: at(6),
      firstAudioAt: at(8),
      endedAt: at(11),
      releasedAt: at(10),
      closedAt: at(13),
      callMs: 4000,
      totalMs: 12_000,
    });
    const stayed = jobs.filter(([, data]) => (data as { change?: string }).change !== 'left');
    expect(report(stayed).times).toMatchObject({ releasedAt: at(11), callMs: 5000 });
    expect(report(stayed.filter(([kind]) => kind !== 'hangup')).times).toMatchObject({
      releasedAt: null,
      callMs: 5000,
    });
    expect(
      report([
        ['session.opened', opened],
        ['event', { type: 'apologist.audible' }],
      ]).times,
    ).toMatchObject({ firstAudioAt: at(2), callMs: null });
    expect(report([]).times).toMatchObject({ endedAt: null, totalMs: 0 });
  });

  test('an end that blames somebody without saying for what is told by the last failure for good', () => {
    const error = (message: string, recoverable: boolean): Given => ['error', { component: 'x', message, recoverable }];
    const of = (fault: string, detail?: string) =>
      report([
        error('first', false),
        error('last', false),
        error('again', true),
        ['session.closed', { end: { by: 'system', reason: 'r', fault, detail } }],
      ]).end.detail;
    expect([of('application'), of('provider'), of('platform'), of('none'), of('provider', 'own')]).toEqual([
      'last',
      'last',
      null,
      null,
      'own',
    ]);
    expect(
      report([['session.closed', { end: { by: 'system', reason: 'r', fault: 'provider' } }]]).end.detail,
    ).toBeNull();
  });

  test('what came after the first end, and the crash of a process that was ending', () => {
    const closed: Given = [
      'session.closed',
      { end: left, alsoTriggered: [{ by: 'agent', reason: 'b', fault: 'none', detail: 'd' }, {}, { reason: 'c' }] },
    ];
    expect(report([closed]).alsoTriggered).toEqual([
      { by: 'agent', reason: 'b', fault: 'none', detail: 'd' },
      { by: 'system', reason: 'c', fault: 'none', detail: null },
    ]);
    const ending = move(LIVE, ['ending.draining'], { end: left });
    for (const what of ['died', 'frozen', 'gone'])
      expect(report([['session.opened', opened], ending], [['keeper.noticed', { what }]]).alsoTriggered).toHaveLength(
        1,
      );
    expect(
      report([['session.opened', opened], ending], [['keeper.noticed', { what: 'closed' }]]).alsoTriggered,
    ).toEqual([]);
    expect(report([['session.opened', opened], ending], [['log', { what: 'died' }]]).alsoTriggered).toEqual([]);
    expect(report([['session.opened', opened]], [['keeper.noticed', { what: 'died' }]]).alsoTriggered).toEqual([]);
  });

  test('how whole it is', () => {
    const notes: Given[] = [
      ['keeper.noticed', { what: 'died', epoch: 1, detail: 'd' }],
      ['log', {}],
      ['keeper.noticed', { epoch: 'x' }],
    ];
    expect(
      report(
        [
          ['session.opened', opened],
          ['log', {}],
        ],
        notes,
      ).completeness,
    ).toEqual({
      status: 'recovered',
      noticed: [
        { what: 'died', epoch: 1, detail: 'd', at: at(1) },
        { what: 'unknown', epoch: 0, detail: null, at: at(3) },
      ],
      epochs: [
        {
          epoch: 1,
          job: 'J',
          lastSeq: 2,
          entries: 2,
          ignored: 0,
          opened: true,
          closed: false,
          torn: false,
          lost: 0,
          passedOver: 0,
        },
      ],
      gaps: [],
      keeperSeq: 3,
      keeperLost: 0,
      keeperPassedOver: 0,
      clockMovedMs: null,
      withheld: [],
      leftOut: [],
    });
    expect(
      report([
        ['log', {}],
        ['session.closed', {}],
      ]).completeness,
    ).toMatchObject({ status: 'closed', epochs: [{ opened: false, closed: true }] });
  });
});
