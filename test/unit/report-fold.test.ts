import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry, EntryData, SessionJournal } from '../../src/journal/entry.ts';
import { parseJournal } from '../../src/journal/parse.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { recordedEnd } from '../../src/report/end.ts';
import { fold, reportId, serializeReport } from '../../src/report/fold.ts';
import { anyEntries } from '../contract/any-journal.ts';
import { assertReport } from '../contract/check-report.ts';
import { accepted, crashedCall, facts, opened, Script, textOf, unopenedCall, wholeCall } from '../contract/sessions.ts';

const checked = (journal: SessionJournal) => {
  const report = fold(journal);
  assertReport(report);
  return report;
};
const only = (script: Script, keeper: Script = accepted()): SessionJournal => ({
  session: sessionIdOf('one'),
  epochs: [{ epoch: 1, entries: script.entries, torn: false }],
  keeper: keeper.entries,
});
const closing: EntryData['session.closed'] = {
  end: { by: 'caller', reason: 'caller_hung_up', fault: 'none' },
  alsoTriggered: [],
  stage: 'conversing',
};

describe('the report of a call that ended well', () => {
  const report = checked(wholeCall());

  it('has the recorded end, with the stage of its first trigger', () => {
    expect(report.end).toEqual({
      by: 'agent',
      reason: 'agent_ended',
      fault: 'none',
      detail: null,
      stage: 'conversing',
    });
    expect(report.alsoTriggered).toMatchObject([{ reason: 'caller_hung_up' }]);
    expect(report.completeness).toMatchObject({
      status: 'closed',
      epochs: [{ epoch: 1, opened: true, closed: true, torn: false }],
    });
  });

  it('has the stages in order, and their durations add up to the session', () => {
    expect(report.stages.map(({ stage }) => stage)).toEqual([
      'connecting',
      'greeting',
      'conversing',
      'ending',
      'exiting',
      'reporting',
    ]);
    const total = report.stages.reduce((sum, { ms }) => sum + ms, 0);
    expect(total).toBe(Date.parse(report.times.closedAt!) - Date.parse(report.path[0]!.at!));
  });

  it('says how much of greeting and goodbye was heard, and since when', () => {
    expect(report.greeting).toMatchObject({
      outcome: 'played',
      heardMs: 1_840,
      plannedMs: 1_840,
      interrupted: false,
      startedAt: report.times.firstAudioAt,
    });
    expect(report.goodbye).toMatchObject({ outcome: 'played', heardMs: 1_460, rung: 'live' });
    expect(report.goodbye!.startedAt! > report.times.endedAt!).toBe(true);
    expect(report.apology).toBeNull();
  });

  it('has what was said, done, used and measured', () => {
    expect(report.transcript.map(({ text, interrupted }) => [text, interrupted])).toEqual([
      ['Hello, this is Ada.', false],
      ['A table for two at seven, please.', false],
      ['Table twelve is yours at', true],
      ['Great, thanks, bye!', false],
    ]);
    expect(report.tools).toMatchObject([
      { name: 'book_table', status: 'settled', args: { people: 2, time: '19:00' }, output: { table: 12 }, ms: 381 },
    ]);
    expect(report.usage).toMatchObject([
      { model: 'gpt-4o-mini', inputTokens: 412 },
      { model: 'sonic-2', characters: 61 },
    ]);
    expect(report.latency).toMatchObject({ greetingMs: 323, turns: { count: 1, p50Ms: 1_143, p99Ms: 1_143 } });
    expect(report.metadata).toEqual({ customer: '4711', language: 'en' });
    expect(report.application).toEqual({ outcome: 'booked', attachments: { table: 12 } });
    expect(report.hangUp).toMatchObject({ outcome: 'verified', strategy: 'delete-room', by: 'session' });
    expect(report.participants).toMatchObject([
      {
        identity: 'caller',
        isCaller: true,
        kind: 'sip',
        leftReason: 'ROOM_DELETED',
        attributes: { 'sip.phoneNumber': '+4930901820', mood: 'glad' }, // a change names only what changed
      },
    ]);
  });

  it('stays the same, byte for byte, when it is folded again after the seal', () => {
    const again = wholeCall();
    again.keeper.push({
      seq: again.keeper.length + 1,
      at: Date.UTC(2027, 0, 1),
      kind: 'keeper.sealed',
      data: { report: 'x', bytes: 1 },
    });
    expect(serializeReport(fold(again))).toBe(serializeReport(report));
  });
});

describe('the report of a call that broke', () => {
  it('a killed process is process_crashed, with the transcript so far and a tool that nobody knows about', () => {
    const report = checked(crashedCall());
    expect(report.end).toMatchObject({
      by: 'system',
      reason: 'process_crashed',
      stage: 'conversing',
      detail: 'killed by SIGKILL',
    });
    expect(report.transcript).toHaveLength(2);
    expect(report.tools).toMatchObject([{ name: 'book_table', status: 'unknown' }]);
    expect(report.apology).toMatchObject({ outcome: 'played', rung: 'bundled', heardMs: 2_050, interrupted: false });
    expect(report.apology?.startedAt).not.toBeNull();
    expect(report.hangUp).toMatchObject({ by: 'recovery', outcome: 'verified' });
    expect(report.completeness).toMatchObject({
      status: 'recovered',
      noticed: [{ what: 'died' }],
      epochs: [{ torn: true, closed: false }],
    });
    expect(report.path.filter(({ machine }) => machine === 'recovery').map(({ states }) => states[0])).toContain(
      'apologizing.playing',
    );
  });

  it('a job that never opened its journal is startup_failed', () => {
    const report = checked(unopenedCall());
    expect(report).toMatchObject({
      job: 'AJ_7Qd2',
      end: { reason: 'startup_failed', stage: 'connecting' },
      completeness: { status: 'recovered', epochs: [] },
    });
    expect(report.room?.name).toBe('table-booking-41');
  });

  it('an end that was recorded wins over the crash that came after it', () => {
    const journal = crashedCall();
    const script = new Script();
    script.entries.push(...journal.epochs[0]!.entries);
    script
      .add(1, 'event', {
        type: 'caller.left',
        end: { by: 'caller', reason: 'caller_hung_up', fault: 'none', detail: 'CLIENT_INITIATED' },
      })
      .to(1, ['exiting.hangingUp'], 'caller.left')
      .add(1, 'effect', { machine: 'session', id: 'hangUp#1', name: 'hangUp', phase: 'requested' });
    journal.epochs[0]!.entries = script.entries;
    const report = checked(journal);
    expect(report.end).toEqual({
      by: 'caller',
      reason: 'caller_hung_up',
      fault: 'none',
      detail: 'CLIENT_INITIATED',
      stage: 'conversing',
    });
    expect(report.alsoTriggered).toMatchObject([{ reason: 'process_crashed' }]);
    expect(recordedEnd(journal)?.reason).toBe('caller_hung_up');
  });

  it.each([
    ['xstate.after.idleMs.session.live', ['ending.draining'], 'idle'],
    ['xstate.after.callerJoinMs.session.live', ['exiting.hangingUp'], 'never_joined'],
    ['xstate.after.callerGraceMs.session.live', ['exiting.hangingUp'], 'caller_lost'],
    ['xstate.after.windDownMs.session.live', ['ending.draining'], 'max_duration'],
    ['xstate.after.connectMs.session.live', ['startupFailed.live.unheard'], 'startup_failed'],
    ['xstate.error.actor.0', ['runtimeFailed.live.unheard'], 'model_failed'],
  ])('an end by %s is known without its own record', (event, to, reason) => {
    const script = opened(sessionIdOf('one')).to(1, ['live.conversing.dialogue.idle'], 'x').to(1, to, event);
    expect(checked(only(script)).end.reason).toBe(reason);
    const told = opened(sessionIdOf('one')).to(1, ['live.conversing.dialogue.idle'], 'x').to(1, to, event);
    const last = told.entries.at(-1);
    if (last?.kind === 'transition') last.data.end = { by: 'agent', reason: 'sold', fault: 'none' };
    expect(checked(only(told)).end.reason).toBe('sold');
  });

  it('a tool that still ran when the session closed is abandoned', () => {
    const script = opened(sessionIdOf('one'))
      .add(1, 'tool', { call: 'a', name: 'slow', status: 'started' })
      .add(1, 'session.closed', closing);
    expect(checked(only(script)).tools).toMatchObject([{ status: 'abandoned' }]);
  });

  it('a goodbye that was asked for, with no word of how it went, is unknown', () => {
    const script = opened(sessionIdOf('one')).add(1, 'effect', {
      machine: 'session',
      id: 'speak#1',
      name: 'speak',
      phase: 'requested',
      line: 'goodbye',
      rung: 'live',
    });
    expect(checked(only(script)).goodbye).toMatchObject({ outcome: 'unknown', heardMs: null });
  });

  it('of several rungs, the one that was heard is the evidence', () => {
    const script = opened(sessionIdOf('one'))
      .add(1, 'spoken', { line: 'apology', rung: 'live', heardMs: 0, outcome: 'failed', why: '401' })
      .add(1, 'spoken', { line: 'apology', rung: 'bundled', heardMs: 900, outcome: 'cut', why: 'caller.left' });
    const report = checked(only(script));
    expect(report.apology).toMatchObject({ rung: 'bundled', interrupted: true });
    expect(report.lines).toHaveLength(2);
  });

  it('a failure names its last fatal error', () => {
    const script = opened(sessionIdOf('one'))
      .add(1, 'error', { component: 'llm', message: '401 Unauthorized', recoverable: false })
      .add(1, 'error', { component: 'tts', message: 'slow', recoverable: true })
      .add(1, 'session.closed', { ...closing, end: { by: 'system', reason: 'model_failed', fault: 'provider' } });
    expect(checked(only(script)).end.detail).toBe('401 Unauthorized');
  });

  it('what a stalled process wrote after its successor had taken over is ignored', () => {
    const first = opened(sessionIdOf('one'))
      .add(1, 'item', { id: 'a', role: 'user', text: 'counts', interrupted: false, createdAt: 1 })
      .add(1, 'item', { id: 'b', role: 'user', text: 'too late', interrupted: false, createdAt: 2 })
      .add(1, 'session.closed', { ...closing, end: { by: 'system', reason: 'model_failed', fault: 'provider' } });
    const second = opened(sessionIdOf('one'), 2, { takenOver: { epoch: 1, lastSeq: 2 } }).add(
      1,
      'session.closed',
      closing,
    );
    const report = checked({
      session: sessionIdOf('one'),
      epochs: [
        { epoch: 2, entries: second.entries, torn: false },
        { epoch: 1, entries: first.entries, torn: false },
      ],
      keeper: accepted().entries,
    });
    expect(report.transcript.map(({ text }) => text)).toEqual(['counts']);
    expect(report.end.reason).toBe('caller_hung_up');
    expect(report.completeness.epochs).toMatchObject([
      { epoch: 1, lastSeq: 2, ignored: 2, closed: false },
      { epoch: 2, closed: true },
    ]);
  });

  it('the first audio may be the agent’s own, and a telephone’s caller has joined when they picked up', () => {
    const who = { identity: 'phone', kind: 'sip' };
    const script = opened(sessionIdOf('one'))
      .add(1000, 'participant', { ...who, change: 'joined', isCaller: false })
      .add(1000, 'participant', { ...who, change: 'attributes', isCaller: true, attributes: {} })
      .add(1000, 'event', { machine: 'session', type: 'agent.audible' });
    const { openedAt, callerJoinedAt, firstAudioAt } = checked(only(script)).times;
    const since = (time: string | null) => Date.parse(time ?? '') - Date.parse(openedAt ?? '');
    expect([since(callerJoinedAt), since(firstAudioAt)]).toEqual([2000, 3000]);
  });

  it('who was called stands in the opening and the acceptance, whatever else names a job', () => {
    const [first, ...rest] = opened(sessionIdOf('one')).entries;
    const strange = {
      ...first,
      kind: 'log',
      data: { ...facts, job: 'AJ_other', metadata: 'other' },
    } as unknown as Entry;
    const report = checked({
      session: sessionIdOf('one'),
      epochs: [{ epoch: 1, entries: [strange, first as Entry, ...rest], torn: false }],
      keeper: [strange, ...accepted().entries],
    });
    expect(report).toMatchObject({ job: facts.job, metadata: JSON.parse(facts.metadata) as object });
    expect(checked({ session: sessionIdOf('one'), epochs: [], keeper: [strange] }).job).toBeNull();
  });

  it('metadata that is no JSON is the text itself', () => {
    const script = opened(sessionIdOf('one'), 1, { metadata: 'customer 4711' });
    expect(checked({ ...only(script), keeper: [] }).metadata).toBe('customer 4711');
  });

  it('an attachment may be called __proto__', () => {
    const script = opened(sessionIdOf('one')).add(1, 'attach', { key: '__proto__', value: { evil: true } });
    const body = serializeReport(checked(only(script)));
    expect(body).toContain('"__proto__":{"evil":true}');
  });

  it('the id is stable', () => {
    expect(reportId('AJ_7Qd2')).toBe('rep_AJ_7Qd2');
  });
});

describe('any journal at all', () => {
  it('folds into a report that fits the schema, and twice into the same bytes', () => {
    fc.assert(
      fc.property(fc.array(anyEntries, { maxLength: 3 }), anyEntries, (epochs, keeper) => {
        const text = JSON.stringify({
          session: 'one',
          epochs: epochs.map((entries, index) => ({ epoch: index + 1, entries, torn: false })),
          keeper,
        });
        const report = fold(JSON.parse(text) as SessionJournal);
        assertReport(report);
        expect(report.end.reason.trim()).not.toBe('');
        expect(serializeReport(fold(JSON.parse(text) as SessionJournal))).toBe(serializeReport(report));
      }),
      { numRuns: 400 },
    );
  });

  it('cut at any byte, with any byte damaged, still folds', () => {
    const whole = wholeCall();
    const job = Buffer.from(textOf(whole.epochs[0]!.entries));
    const keeper = Buffer.from(textOf(crashedCall().keeper));
    const cut = (bytes: Buffer, length: number, at: number, value: number): { entries: Entry[]; torn: boolean } => {
      const copy = Buffer.from(bytes.subarray(0, length));
      if (at < copy.length) copy[at] = value;
      return parseJournal(copy.toString('utf8'));
    };
    fc.assert(
      fc.property(
        fc.nat(job.length),
        fc.nat(keeper.length),
        fc.nat(job.length),
        fc.nat(255),
        (length, keeperLength, at, value) => {
          const report = fold({
            session: sessionIdOf('one'),
            epochs: [{ epoch: 1, ...cut(job, length, at, value) }],
            keeper: cut(keeper, keeperLength, keeper.length, 0).entries,
          });
          assertReport(report);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('with nothing in it at all has an end', () => {
    expect(checked({ session: sessionIdOf('one'), epochs: [], keeper: [] }).end.reason).toBe('startup_failed');
  });
});
