/** Each list of the report, whole: what a receiver gets from entries that are complete, damaged, or of another version. */
import { stageOf } from '../../machines/index.ts';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { chaptersOf } from '../../src/report/chapters.ts';
import {
  applicationOf,
  latencyOf,
  participantsOf,
  peopleOf,
  providerSwitchesOf,
  toolsOf,
  transfersOf,
  usageOf,
} from '../../src/report/facts.ts';
import {
  countOf,
  durationOf,
  readableName,
  knownWord,
  recordOf,
  textMapOf,
  textsOf,
  timeOf,
} from '../../src/report/lenient.ts';
import { pathOf, stagesOf } from '../../src/report/path.ts';
import { at, chapter, entries } from '../contract/chapters.ts';

describe('the tools', () => {
  const started = { call: 'a', name: 'book', status: 'started', agent: 'Ada', args: { people: 2 } };
  const whole = { call: 'a', name: 'book', agent: 'Ada', args: { people: 2 }, background: false, startedAt: at(1) };

  test('what the end of a call does not say again is kept from its start; its time is measured where none is told', () => {
    expect(
      toolsOf([chapter(entries(['tool', started], ['tool', { call: 'a', status: 'settled', output: 12 }]))]),
    ).toEqual([{ ...whole, status: 'settled', output: 12, error: null, ms: 1000 }]);
    const failed = { call: 'a', status: 'failed', error: 'planted', ms: 7, name: 'other', agent: 'Bob', args: [] };
    expect(toolsOf([chapter(entries(['tool', started], ['tool', failed]))])).toEqual([
      { ...whole, name: 'other', agent: 'Bob', args: [], status: 'failed', output: null, error: 'planted', ms: 7 },
    ]);
    const later = toolsOf([
      chapter(
        entries(
          ['tool', started],
          ['tool', { ...failed, output: 'old' }],
          ['tool', { call: 'a', status: 'abandoned' }],
        ),
      ),
    ]);
    expect(later).toMatchObject([{ name: 'other', status: 'abandoned', output: 'old', error: 'planted', ms: 2000 }]);
  });

  test('one that went to the background says so, whatever became of it; its time runs from its start', () => {
    const background = { call: 'a', name: 'book', status: 'started', isBackground: true };
    const settled = { call: 'a', status: 'settled', output: 12 };
    expect(toolsOf([chapter(entries(['tool', started], ['tool', background], ['tool', settled]))])).toEqual([
      { ...whole, status: 'settled', output: 12, error: null, background: true, ms: 2000 },
    ]);
    expect(toolsOf([chapter(entries(['tool', started], ['tool', background]))])).toMatchObject([
      { status: 'unknown', background: true, args: { people: 2 } },
    ]);
  });

  test('one without an end is abandoned when its process closed the journal, else nobody knows', () => {
    const running = chapter(entries(['tool', started], ['event', { call: 'a', status: 'settled' }]));
    expect(toolsOf([{ ...running, isClosed: true }])).toEqual([
      { ...whole, status: 'abandoned', output: null, error: null, ms: null },
    ]);
    expect(toolsOf([running])).toMatchObject([{ status: 'unknown', startedAt: at(1) }]);
    expect(toolsOf([running, { ...running, epoch: 2 }])).toHaveLength(2);
  });

  test('a tool that is told of again after its end stays ended, and one without name or start is listed', () => {
    const settled = { call: 'a', status: 'settled' };
    expect(toolsOf([chapter(entries(['tool', settled], ['tool', { call: 'a', status: 'odd' }]))])).toEqual([
      {
        call: 'a',
        name: '',
        status: 'settled',
        agent: null,
        args: null,
        output: null,
        error: null,
        background: false,
        startedAt: null,
        ms: 1000,
      },
    ]);
    expect(toolsOf([chapter(entries(['tool', {}], ['tool', {}]))]).map(({ call }) => call)).toEqual(['1-1', '1-2']);
  });
});

test('the transfers: outcome and time of the last word, begun with the first; without a word they are unknown', () => {
  const jobs = [
    chapter(
      entries(
        ['transfer', { id: 't', how: 'warm', to: 'desk' }],
        ['tool', { id: 't', outcome: 'no transfer' }],
        ['transfer', { id: 't', how: 'warm', to: 'desk', outcome: 'declined', detail: 'busy', ms: 900 }],
        ['transfer', { how: 1, to: 2, ms: -1 }],
      ),
    ),
  ];
  expect(transfersOf(jobs)).toEqual([
    { how: 'warm', to: 'desk', outcome: 'declined', detail: 'busy', startedAt: at(1), ms: 900 },
    { how: '', to: '', outcome: 'unknown', detail: null, startedAt: at(4), ms: null },
  ]);
});

describe('the participants', () => {
  const listOf = (...all: [string, unknown][]) => participantsOf(peopleOf(entries(...all)));
  const nobody = { kind: null, joinedAt: null, leftAt: null, leftReason: null, metadata: null };

  test('a caller who is lost, returns under another sid and leaves', () => {
    const who = { identity: 'c' };
    expect(
      listOf(
        [
          'participant',
          {
            ...who,
            change: 'joined',
            sid: 'PA_1',
            kind: 'sip',
            isCaller: true,
            attributes: { a: '1', b: 2 },
            metadata: 'm',
          },
        ],
        ['room', { ...who, change: 'left' }],
        ['participant', { ...who, change: 'lost', sid: 'PA_1', reason: 'SIGNAL_CLOSE' }],
        ['participant', { ...who, change: 'returned', sid: 'PA_2' }],
        ['participant', { ...who, change: 'attributes', attributes: { c: '3' } }],
        ['participant', { ...who, change: 'left', reason: 'CLIENT_INITIATED' }],
      ),
    ).toEqual([
      {
        identity: 'c',
        sids: ['PA_1', 'PA_2'],
        kind: 'sip',
        isCaller: true,
        joinedAt: at(1),
        leftAt: at(6),
        leftReason: 'CLIENT_INITIATED',
        timesLost: 1,
        attributes: { a: '1', c: '3' },
        metadata: 'm',
      },
    ]);
  });

  test('one who is back has not left; new attributes of a join stand in the place of the old', () => {
    const who = { identity: 'c' };
    const back = listOf(
      ['participant', { ...who, change: 'joined', attributes: { a: '1' } }],
      ['participant', { ...who, change: 'lost', reason: 'gone' }],
      ['participant', { ...who, change: 'lost' }],
      ['participant', { ...who, change: 'joined', attributes: { b: '2' } }],
    );
    expect(back).toEqual([
      { identity: 'c', sids: [], ...nobody, isCaller: false, joinedAt: at(1), timesLost: 2, attributes: { b: '2' } },
    ]);
  });

  test('one who returned and was met on the way in is there, whatever their going had been called', () => {
    const who = { identity: 'c' };
    const [person] = listOf(
      ['participant', { ...who, change: 'left', reason: 'CLIENT_INITIATED' }],
      ['participant', { ...who, change: 'returned' }],
    );
    expect(person).toMatchObject({ joinedAt: at(2), leftAt: null, leftReason: null });
    expect(listOf(['participant', { ...who, change: 'lost', reason: 'gone' }])[0]?.leftReason).toBe('gone');
  });

  describe('O-G whom we sent away ourselves no event tells of', () => {
    const there: [string, unknown][] = [
      ['participant', { identity: 'c', change: 'joined', isCaller: true, kind: 'standard' }],
      ['participant', { identity: 's', change: 'joined', kind: 'sip' }],
      ['participant', { identity: 'w', change: 'joined' }],
    ];
    const left = (...more: [string, unknown][]) =>
      listOf(...there, ...more).map(({ identity, leftAt, leftReason }) => [identity, leftAt, leftReason]);
    const hungUp = (strategy: string, verified = true): [string, unknown] => ['hangup', { strategy, verified }];
    const stays = (name: string) => [name, null, null];

    test('a deleted room is left by everybody, at that moment', () => {
      const all = ['c', 's', 'w'].map((name) => [name, at(4), 'ROOM_DELETED']);
      expect(left(hungUp('delete-room'))).toEqual(all);
      expect(left(['room', { change: 'disconnected', reason: 'ROOM_DELETED' }])).toEqual(all);
      expect(left(['room', { change: 'disconnected', reason: 'PARTICIPANT_REMOVED' }])).toEqual(
        ['c', 's', 'w'].map(stays),
      );
      expect(left(['log', { change: 'disconnected', reason: 'ROOM_DELETED' }])).toEqual(['c', 's', 'w'].map(stays));
      expect(left(['room', { change: 'reconnected', reason: 'ROOM_DELETED' }])).toEqual(['c', 's', 'w'].map(stays));
    });
    test('who was removed left, and the others stay', () => {
      expect(left(hungUp('remove-caller'))).toEqual([['c', at(4), 'PARTICIPANT_REMOVED'], stays('s'), stays('w')]);
      expect(left(hungUp('remove-sip'))).toEqual([stays('c'), ['s', at(4), 'PARTICIPANT_REMOVED'], stays('w')]);
      expect(left(hungUp('leave'))).toEqual(['c', 's', 'w'].map(stays));
      for (const strategy of ['delete-room', 'remove-caller', 'remove-sip']) {
        expect(left(hungUp(strategy, false))).toEqual(['c', 's', 'w'].map(stays));
        expect(left(['log', { strategy, verified: true }])).toEqual(['c', 's', 'w'].map(stays));
      }
    });
    test('who had left by then keeps their own reason', () => {
      const gone: [string, unknown] = ['participant', { identity: 'c', change: 'left', reason: 'CLIENT_INITIATED' }];
      expect(left(gone, hungUp('delete-room'))[0]).toEqual(['c', at(4), 'CLIENT_INITIATED']);
    });
  });

  test('nobody in particular is one, and a change without a name of its own changes nothing else', () => {
    expect(listOf(['participant', { change: 'metadata', metadata: 'm', kind: 4 }], ['participant', {}])).toEqual([
      { identity: '', sids: [], ...nobody, metadata: 'm', isCaller: false, timesLost: 0, attributes: {} },
    ]);
  });

  test('a telephone comes when it is picked up: whoever leaves or is lost as the caller has not come by that', () => {
    const [person] = peopleOf(
      entries(
        ['participant', { identity: 'c', change: 'joined' }],
        ['participant', { identity: 'c', change: 'lost', isCaller: true }],
        ['participant', { identity: 'c', change: 'left', isCaller: true }],
        ['participant', { identity: 'c', change: 'attributes', isCaller: true }],
        ['participant', { identity: 'c', change: 'attributes', isCaller: true }],
      ),
    );
    expect(person).toMatchObject({ joined: { at: 1000 }, came: { at: 4000 }, left: { at: 3000 }, isCaller: true });
  });
});

test('the usage is that of the last entry, each model with its own numbers', () => {
  const models = [{ type: 'llm', provider: 'p', model: 'm', inputTokens: 3 }, 'rubbish'];
  expect(
    usageOf([chapter(entries(['usage', { models: [] }], ['usage', { models }], ['log', { models: [] }]))]),
  ).toEqual([
    { type: 'llm', provider: 'p', model: 'm', inputTokens: 3 },
    { type: '', provider: '', model: '' },
  ]);
  expect(usageOf([])).toEqual([]);
});

test('the usage of a session that was taken over is the sum of its processes, model by model', () => {
  const used = (epoch: number, ...models: object[]) => chapter(entries(['usage', { models }]), { epoch });
  const named = { type: 'tts', provider: 'p', model: 'm' };
  expect(
    usageOf([
      used(1, { ...named, ms: 3, note: 'a', once: 1, odd: 1 }, { ...named, model: 'n', ms: 1 }),
      used(2, { ...named, ms: 4, note: 'b', odd: 'x', late: 2 }, { ...named, provider: 'q', ms: 7 }),
    ]),
  ).toEqual([
    { ...named, ms: 7, note: 'b', once: 1, odd: 'x', late: 2 },
    { ...named, model: 'n', ms: 1 },
    { ...named, provider: 'q', ms: 7 },
  ]);
});

test('the latencies: the first greeting, and of the turns the ranks, in whatever order they came', () => {
  const turns = Array.from({ length: 100 }, (_, index): [string, unknown] => [
    'latency',
    { measure: 'turn', ms: 100 - index },
  ]);
  const rest: [string, unknown][] = [
    ['latency', { measure: 'greeting', ms: 707 }],
    ['latency', { measure: 'greeting', ms: 9 }],
    ['latency', { measure: 'turn', ms: -5 }],
    ['event', { measure: 'turn', ms: 5000 }],
  ];
  expect(latencyOf(entries(...turns, ...rest))).toEqual({
    greetingMs: 707,
    turns: { count: 100, minMs: 1, p50Ms: 50, p90Ms: 90, p95Ms: 95, p99Ms: 99, maxMs: 100 },
  });
  expect(latencyOf(entries(['latency', { measure: 'turn', ms: 4 }])).turns).toEqual({
    count: 1,
    minMs: 4,
    p50Ms: 4,
    p90Ms: 4,
    p95Ms: 4,
    p99Ms: 4,
    maxMs: 4,
  });
  expect(latencyOf([])).toEqual({ greetingMs: null, turns: null });
});

describe('O-G the latency of the greeting', () => {
  const stage = (name: string, machine = 'session'): [string, unknown] => [
    'transition',
    { machine, to: [`live.${name}.x`] },
  ];
  const sounds = (type: string, line?: string): [string, unknown] => ['event', { type, line }];
  const told: [string, unknown] = ['latency', { measure: 'greeting', ms: 7 }];
  const of = (cameAt: number | undefined, ...all: [string, unknown][]) =>
    latencyOf(entries(...all), cameAt === undefined ? cameAt : { at: cameAt }).greetingMs;

  test('runs from the caller’s coming to the first sound of it, whoever gives it', () => {
    expect(of(500, stage('greeting'), sounds('line.audible', 'greeting'), told)).toBe(1500);
    expect(of(500, stage('greeting'), sounds('line.audible', 'recovery'))).toBe(1500);
    expect(of(500, stage('greeting'), sounds('agent.audible'))).toBe(1500);
    expect(of(500, stage('greeting'), sounds('line.audible', 'filler'), sounds('agent.audible'))).toBe(2500);
    expect(of(500, stage('greeting'), stage('greeting', 'recovery'), sounds('agent.audible'))).toBe(2500);
  });
  test('is none of what is heard later, and what was measured where nobody knows when they came', () => {
    expect(of(500, stage('conversing'), sounds('agent.audible'))).toBeNull();
    expect(of(500, stage('greeting'), stage('conversing'), sounds('agent.audible'))).toBeNull();
    expect(of(500, stage('greeting'), ['log', { type: 'agent.audible' }])).toBeNull();
    expect(
      of(500, stage('greeting'), ['log', { machine: 'session', to: ['live.conversing'] }], sounds('agent.audible')),
    ).toBe(2500);
    expect(of(undefined, stage('greeting'), sounds('agent.audible'), told)).toBe(7);
    expect(of(9000, stage('greeting'), sounds('agent.audible'), told)).toBe(7);
  });
});

test('the switches of providers, and what the application attached', () => {
  const all = entries(
    ['provider', { component: 'llm', label: 'a', provider: 'p', model: 'm', available: true }],
    ['provider', { available: 'yes' }],
    ['attach', { key: 'outcome', value: 'booked' }],
    ['attach', { key: 'table', value: 12 }],
    ['attach', { key: 'table', value: 13 }],
    ['attach', { key: 5, value: 1 }],
    ['event', { key: 'event', value: 1 }],
  );
  expect(providerSwitchesOf(all)).toEqual([
    { component: 'llm', label: 'a', provider: 'p', model: 'm', available: true, at: at(1) },
    { component: '', label: '', provider: null, model: null, available: false, at: at(2) },
  ]);
  expect(applicationOf(all)).toEqual({ outcome: 'booked', attachments: { table: 13 } });
  expect(applicationOf([])).toEqual({ outcome: null, attachments: {} });
});

describe('the path', () => {
  const move = (to: unknown, more: object = {}): [string, unknown] => ['transition', { to, ...more }];

  test('a state lasts until the next of its machine; the last one as long as its process is known to have lived', () => {
    const job = chapter(
      entries(
        move(['live.connecting.a'], { event: 'xstate.init', machine: 'session' }),
        move(['live.connecting.b']),
        ['log', { to: ['no', 'move'] }],
        move([]),
        move(['live.greeting'], { event: 'e' }),
        ['log', {}],
      ),
    );
    const keeper = chapter(entries(['log', {}], move(['probing'], { machine: 'recovery' })), { epoch: 0 });
    const path = pathOf([job, keeper]);
    expect(path).toEqual([
      { machine: 'session', epoch: 1, states: ['live.connecting.a'], event: 'xstate.init', at: at(1), ms: 1000 },
      { machine: 'session', epoch: 1, states: ['live.connecting.b'], event: '', at: at(2), ms: 3000 },
      { machine: 'recovery', epoch: 0, states: ['probing'], event: '', at: at(2), ms: 0 },
      { machine: 'session', epoch: 1, states: ['live.greeting'], event: 'e', at: at(5), ms: 1000 },
    ]);
    expect(stagesOf(path)).toEqual([
      { stage: 'connecting', ms: 4000 },
      { stage: 'greeting', ms: 1000 },
    ]);
  });

  test.each([
    [['live.conversing.dialogue.active', 'live.x'], 'conversing'],
    [['exiting.hangingUp'], 'exiting'],
    [['closed'], 'closed'],
    [['live'], null],
    [[''], null],
    [[], null],
  ])('%j is the stage %s', (states, stage) => {
    expect(stageOf(states)).toBe(stage);
  });
});

describe('the chapters', () => {
  const opened = (epoch: unknown, lastSeq: unknown): [string, unknown] => [
    'session.opened',
    { takenOver: { epoch, lastSeq } },
  ];
  const [one, two, three] = [
    entries(['session.opened', {}], ['log', {}], ['session.closed', {}]),
    entries(opened(1, 2)),
    entries(opened(1, 1), ['session.opened', { takenOver: { epoch: '2', lastSeq: 0 } }]),
  ];
  const epoch = (number: number, all: Entry[], torn = false) => ({ epoch: number, entries: all, torn });

  test('what was written after a successor took over does not count, and is counted', () => {
    const damaged = { ...epoch(2, two, true), lost: 3, passedOver: 4 };
    const { jobs } = chaptersOf({ session: sessionIdOf('s'), epochs: [damaged, epoch(1, one)], keeper: [] });
    const unread = { lost: 0, passedOver: 0 };
    expect(jobs).toEqual([
      { epoch: 1, entries: one.slice(0, 2), isClosed: false, isTorn: false, lastSeq: 2, ignored: 1, unread },
      {
        epoch: 2,
        entries: two,
        isClosed: false,
        isTorn: true,
        lastSeq: 1,
        ignored: 0,
        unread: { lost: 3, passedOver: 4 },
      },
    ]);
  });

  test('of two who took over the same, the earlier one decides; whose epoch cannot be read takes nothing', () => {
    const { jobs } = chaptersOf({
      session: sessionIdOf('s'),
      epochs: [epoch(1, one), epoch(2, two), epoch(3, three)],
      keeper: [],
    });
    expect(jobs.map(({ lastSeq, ignored }) => [lastSeq, ignored])).toEqual([
      [1, 2],
      [1, 0],
      [2, 0],
    ]);
  });

  test('the seal is no part of what is sealed', () => {
    const keeper = entries(['session.accepted', {}], ['keeper.sealed', {}]);
    const { jobs, keeper: notes } = chaptersOf({ session: sessionIdOf('s'), epochs: [], keeper });
    expect(jobs).toEqual([]);
    expect(notes).toMatchObject({ epoch: 0, entries: keeper.slice(0, 1), isClosed: false, isTorn: false, lastSeq: 1 });
    expect(notes.ignored).toBe(0);
    expect(chaptersOf({ session: sessionIdOf('s'), epochs: [epoch(1, one)], keeper: [] }).jobs[0]?.isClosed).toBe(true);
    expect(chaptersOf({ session: sessionIdOf('s'), epochs: [epoch(1, [])], keeper: [] }).jobs[0]?.lastSeq).toBe(0);
  });
});

test('what is read leniently: each door lets its own through, and nothing else', () => {
  const odd = [
    undefined,
    null,
    NaN,
    Infinity,
    -1,
    1.5,
    2 ** 53,
    '',
    ' ',
    'a',
    [],
    ['a', 1],
    {},
    { a: 'b', c: 1 },
    0,
    true,
  ];
  expect(odd.map(countOf)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect([countOf(3), countOf(0)]).toEqual([3, 0]);
  expect(odd.map(durationOf).filter((ms) => ms !== null)).toEqual([1.5, 2 ** 53, 0]);
  expect(odd.map(readableName).filter((name) => name !== null)).toEqual(['a']);
  expect(odd.map(textsOf).filter((texts) => texts.length > 0)).toEqual([['a']]);
  expect(odd.map(textMapOf).filter((map) => Object.keys(map).length > 0)).toEqual([{ a: 'b' }]);
  expect(odd.map(recordOf).filter((record) => Object.keys(record).length > 0)).toEqual([{ a: 'b', c: 1 }]);
  expect([knownWord(['a', 'b'], 'b'), knownWord(['a'], 'c'), knownWord(['1'], 1)]).toEqual(['b', null, null]);
  expect([timeOf(0), timeOf(-1), timeOf(undefined), timeOf(null), timeOf(NaN)]).toEqual([
    at(0),
    null,
    null,
    null,
    null,
  ]);
  expect([timeOf(253_402_300_799_999), timeOf(253_402_300_800_000)]).toEqual(['9999-12-31T23:59:59.999Z', null]);
});
