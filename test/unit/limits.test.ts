/** The clocks of a call, on a virtual one: what is said when, and what is not. */
import { describe, expect, test } from 'vitest';
import { bound, defaultPolicy, endOf, releaseBound } from '../../machines/index.ts';
import { Turns } from '../../src/livekit/observe/turns.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { type VirtualOptions, VirtualSession } from '../contract/virtual-session.ts';

const never = () => new Promise<never>(() => {});
const linesOf = ({ spoken }: VirtualSession) => spoken.map(({ line }) => line);
const secondsOf = (session: VirtualSession, line: string) =>
  session.spoken.filter((each) => each.line === line).map(({ at }) => Math.floor(at / 1000));

/** A conversation that goes on by itself: every ten seconds somebody says something. */
async function talks(session: VirtualSession, ms: number): Promise<void> {
  for (const until = session.clock.now + ms; session.clock.now < until && session.run.hasTag('live');) {
    session.send({ type: 'dialogue.moved' });
    await session.clock.advance(Math.min(10_000, until - session.clock.now));
  }
}

/** With the real ledger between the SDK's states and the machine. */
async function withTurns(options: VirtualOptions = {}) {
  const session = await new VirtualSession(options).converse();
  const turns = new Turns({ send: session.send, recorder: { append: () => 0 }, now: () => session.clock.now });
  /** Heard from now on, for so long. */
  const answers = async (ms: number) => {
    turns.audible(false);
    await session.clock.advance(ms);
    turns.agentHeard(false);
  };
  /** Says something; the SDK takes the turn. @returns when its answer is scheduled */
  const says = () => {
    turns.userState('speaking');
    turns.tell({ fact: 'caller.words' });
    turns.userState('listening');
    const ended = turns.turnBegan();
    turns.tell({ fact: 'speech.scheduled', speech: 'answer', awaits: 'llm' });
    ended();
    return () => turns.tell({ fact: 'speech.ended', speech: 'answer' });
  };
  return { session, turns, answers, says };
}

describe('the longest duration', () => {
  test('G1 half an hour of talk: told 30 s before, a goodbye at the end, and not a second more than the bound', async () => {
    const session = await new VirtualSession().converse();
    const began = session.clock.now;
    await talks(session, 2 * defaultPolicy.maxDurationMs);
    const report = await session.report();
    expectEndedWell(
      { reports: [report] },
      { by: 'limit', reason: 'max_duration', fault: 'none', stage: 'conversing', goodbye: 'played', apology: null },
    );
    expect(linesOf(session)).toEqual(['greeting', 'windDown', 'goodbye']);
    const [told] = session.spoken.filter(({ line }) => line === 'windDown');
    // The call had begun with the greeting's first sound, a second before.
    expect((told?.at ?? 0) - began).toBe(defaultPolicy.maxDurationMs - defaultPolicy.windDownMs - 1000);
    expect((session.hungUpAt ?? 0) - began).toBeLessThanOrEqual(
      defaultPolicy.maxDurationMs + releaseBound(defaultPolicy),
    );
  });
  test('G1 with every effect of the end hung, the limit still ends the call within the bound', async () => {
    const hung = { drain: never, interrupt: never, hangUp: never, close: never, sendReport: never };
    const session = await new VirtualSession({ effects: () => hung }).converse();
    const began = session.clock.now;
    await talks(session, 2 * defaultPolicy.maxDurationMs);
    while (session.closedAt === undefined && (await session.clock.next()));
    expect((session.closedAt ?? Infinity) - began).toBeLessThanOrEqual(bound(defaultPolicy, 'conversing'));
  });
  test('G1 E6 the end is under way when the limit comes: the limit changes nothing', async () => {
    const session = await new VirtualSession({ policy: { maxDurationMs: 40_000, idleMs: 60_000 } }).converse();
    await session.clock.advance(38_900);
    session.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true });
    const { end, alsoTriggered } = await session.report();
    expect(end.reason).toBe('agent_ended');
    expect(alsoTriggered).toEqual([]);
    expect(linesOf(session).filter((line) => line === 'goodbye')).toHaveLength(1);
  });
});

describe('the idle ladder', () => {
  test('G2 a silent caller is asked twice, then told goodbye: 15 s apart, the end is idle', async () => {
    const { session } = await withTurns();
    const report = await session.report();
    expect(linesOf(session)).toEqual(['greeting', 'nudge', 'nudge', 'goodbye']);
    expect(secondsOf(session, 'nudge')).toEqual([16, 31]); // from the end of the greeting
    expect(report.end).toMatchObject({ reason: 'idle', by: 'limit', fault: 'caller' });
  });
  test.each([
    ['a cough every five seconds', 500, 4500],
    ['a television that never stops', 290_000, 10],
    ['steps and doors, every two seconds', 1200, 800],
  ])('G2 %s re-arms nothing for ever: the caller is asked, and the call ends as idle', async (_, onMs, offMs) => {
    const { session, turns } = await withTurns();
    const began = session.clock.now;
    const noise = (isOn: boolean) => {
      if (session.closedAt !== undefined) return;
      turns.userState(isOn ? 'speaking' : 'listening');
      session.clock.setTimeout(() => noise(!isOn), isOn ? onMs : offMs);
    };
    noise(true);
    const { end } = await session.report();
    expect(end.reason).toBe('idle');
    // What was long enough to be speech may get a filler, and one question.
    const asked = linesOf(session).filter((line) => line !== 'filler' && line !== 'again');
    expect(asked).toEqual(['greeting', 'nudge', 'nudge', 'goodbye']);
    expect((session.closedAt ?? Infinity) - began).toBeLessThan(60_000 + 4 * defaultPolicy.idleMs + 20_000);
  });
  test('G2 a caller who speaks for two minutes and is understood meanwhile is not asked whether they are there', async () => {
    const { session, turns } = await withTurns();
    turns.userState('speaking');
    for (let words = 0; words < 24; words += 1) {
      await session.clock.advance(5000);
      turns.tell({ fact: 'caller.words' }); // an interim transcript
    }
    expect(linesOf(session)).toEqual(['greeting']);
  });
  test('G2 words between the noise begin the ladder anew', async () => {
    const { session, says, answers } = await withTurns();
    await session.clock.advance(16_000);
    says()();
    await answers(0);
    await session.clock.advance(14_000);
    expect(linesOf(session)).toEqual(['greeting', 'nudge']);
    await session.clock.advance(2000);
    expect(linesOf(session)).toEqual(['greeting', 'nudge', 'nudge']);
    const { end } = await session.report();
    expect(end.reason).toBe('idle');
    expect(linesOf(session).filter((line) => line === 'nudge')).toHaveLength(3); // one before the words, two after
  });
  test('G2 a tool that runs for 60 s asks nobody whether they are there: fillers, then the answer', async () => {
    const { session, turns, says, answers } = await withTurns({ policy: { toolMs: 90_000 } });
    const answered = says();
    turns.tell({ fact: 'tool.started', tool: 'look up' });
    await session.clock.advance(60_000);
    turns.tell({ fact: 'tool.ended', tool: 'look up' });
    await answers(2000);
    answered();
    await session.clock.advance(10_000);
    expect(session.run.hasTag('live')).toBe(true);
    expect(linesOf(session)).not.toContain('nudge');
    expect(linesOf(session)).toContain('filler');
  });
  test('G2 a greeting longer than the idle limit is not talked over, and the clock runs from its end', async () => {
    const { session, turns } = await withTurns();
    session.send({ type: 'agent.audible' }); // the greeting goes on
    await session.clock.advance(40_000);
    turns.audible(true);
    turns.agentHeard(false);
    expect(linesOf(session)).toEqual(['greeting']);
    await session.clock.advance(14_000);
    expect(linesOf(session)).toEqual(['greeting']);
    await session.clock.advance(2000);
    expect(linesOf(session)).toEqual(['greeting', 'nudge']);
  });
  test('G2 E6 the caller answers in the instant in which the last nudge would end the call: it goes on', async () => {
    const { session, turns } = await withTurns({ policy: { nudges: 0 } });
    await session.clock.advance(14_700);
    turns.userState('speaking');
    await session.clock.advance(5000);
    expect(session.run.hasTag('live')).toBe(true);
  });
});

describe('deadlines of joining and leaving', () => {
  test('G5 C12 C13 a callee who does not pick up: after callerJoinMs the room is left, as never_joined', async () => {
    const session = new VirtualSession({ effects: () => ({ awaitCaller: never }), isThere: false });
    const report = await session.report();
    expectEndedWell(
      { reports: [report] },
      { by: 'limit', reason: 'never_joined', fault: 'caller', stage: 'connecting', goodbye: null, apology: null },
    );
    expect(session.spoken).toEqual([]);
    expect(session.hungUpAt).toBeLessThanOrEqual(
      defaultPolicy.callerJoinMs + defaultPolicy.connectMs + defaultPolicy.hangUpMs,
    );
  });
  test('G5 a callee who rejects ends it at once, by the caller', async () => {
    const session = new VirtualSession({ effects: () => ({ awaitCaller: never }), isThere: false });
    await session.clock.advance(5000);
    session.send({ type: 'caller.left', end: endOf('caller', 'never_joined', 'caller', 'the callee did not answer') });
    const { end } = await session.report();
    expect(end).toMatchObject({ by: 'caller', reason: 'never_joined', detail: 'the callee did not answer' });
    expect(session.closedAt).toBeLessThan(6000);
  });
  test('G6 C9 a room that cannot be joined, and a session that does not start, are given up after connectMs together', async () => {
    for (const hung of [{ connect: never }, { startSession: never }]) {
      const session = new VirtualSession({ effects: () => hung });
      const report = await session.report();
      expectEndedWell(
        { reports: [report] },
        {
          by: 'system',
          reason: 'startup_failed',
          fault: 'application',
          stage: 'connecting',
          goodbye: null,
          apology: 'live',
        },
      );
      const [apology] = session.spoken;
      expect(apology?.at).toBe(defaultPolicy.connectMs);
    }
  });
  test('G7 B6 a goodbye that never sounds is given up after rungMs, one that never ends after goodbyeMs; the hang-up comes', async () => {
    for (const isHeard of [false, true]) {
      const session = await new VirtualSession({
        effects: ({ speak }) => ({
          speak: (speech, port) => {
            if (speech.line !== 'goodbye') return speak(speech, port);
            if (isHeard) port.send({ type: 'line.audible', line: 'goodbye', rung: 'live' });
            return never();
          },
        }),
      }).converse();
      const asked = session.clock.now;
      session.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true });
      const report = await session.report();
      expect(report.end.reason).toBe('agent_ended');
      expect(report.hangUp?.outcome).toBe('verified');
      const limit = isHeard ? defaultPolicy.goodbyeMs : defaultPolicy.rungMs;
      expect((session.hungUpAt ?? Infinity) - asked).toBeLessThanOrEqual(limit + 100);
      expect((session.hungUpAt ?? 0) - asked).toBeGreaterThanOrEqual(limit);
    }
  });
  test('G8 a report that is never acknowledged: closed after reportMs, and the caller was let go long before', async () => {
    const session = await new VirtualSession({ effects: () => ({ sendReport: never }) }).converse();
    session.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: false });
    while (session.closedAt === undefined && (await session.clock.next()));
    expect((session.closedAt ?? Infinity) - (session.hungUpAt ?? 0)).toBeLessThanOrEqual(
      defaultPolicy.closeMs + defaultPolicy.reportMs,
    );
  });
});
