/** Who was audible when, what was silence, and which limits ran: spans that agree with the journal. */
import { describe, expect, test } from 'vitest';
import { silenceBound } from '../../machines/index.ts';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { LaneName, Lanes, Span } from '../../src/reads/answers.ts';
import { gapsIn, joined, overlapMs } from '../../src/reads/spans.ts';
import { ask } from '../../src/reads/table.ts';
import { accepted, crashedCall, opened, Script } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const lanesOf = async (journal: SessionJournal, now?: () => number): Promise<Lanes> => {
  const at = await callDirectory(now ? { now } : {});
  await at.write({ ...journal, session });
  return (await ask(at.source, 'lanes', { session })) as Lanes;
};
const lane = ({ lanes }: Lanes, name: LaneName): Span[] => lanes.find((one) => one.lane === name)?.spans ?? [];
const ofJob = (entries: Entry[], keeper: Entry[] = []): SessionJournal => ({
  session,
  epochs: [{ epoch: 1, entries, torn: false }],
  keeper,
});
const conversing = (dialogue: string) => [`live.conversing.dialogue.${dialogue}`, 'live.conversing.work.none'];

/** The caller is there, speaks for 2 s, and nobody answers for 12 s. */
const leftAlone = (): Script =>
  opened(session)
    .add(10, 'participant', { change: 'joined', identity: 'caller', isCaller: true })
    .to(0, conversing('active.quiet'), 'start')
    .add(0, 'audible', { who: 'caller', change: 'begins' })
    .add(2_000, 'audible', { who: 'caller', change: 'ends' })
    .to(0, conversing('waiting.clock.unanswered'), 'caller.waits')
    .add(12_000, 'audible', { who: 'agent', change: 'begins', speech: 's1', agent: 'ada' })
    .to(0, conversing('active.agentSpeaks'), 'agent.audible')
    .add(3_000, 'audible', { who: 'agent', change: 'ends', speech: 's1', isWhole: true });

describe('silence', () => {
  test('above the bound of the call is bad, and its length is said', async () => {
    const found = await lanesOf(ofJob(leftAlone().entries), () => 0);
    const [gap] = lane(found, 'silence');
    expect(found.silenceBoundMs).toBe(10_000);
    expect(gap).toMatchObject({ tone: 'bad', label: 'nobody audible for 12.0 s' });
    expect((gap?.to ?? 0) - (gap?.from ?? 0)).toBe(12_000);
    expect(found.longestSilenceMs).toBe(12_000);
  });

  test('of a caller whose turn it is is theirs, however long', async () => {
    const script = leftAlone()
      .to(0, conversing('active.quiet'), 'dialogue.moved')
      .add(14_000, 'audible', { who: 'caller', change: 'begins' });
    const gap = lane(await lanesOf(ofJob(script.entries), () => 0), 'silence').at(-1);
    expect(gap).toMatchObject({ tone: 'quiet', label: 'nobody audible for 14.0 s, the caller’s turn' });
  });

  test('counts only while the caller is in the room', async () => {
    const script = leftAlone()
      .add(100, 'participant', { change: 'left', identity: 'caller', isCaller: true })
      .add(60_000, 'log', { level: 'info', message: 'x' });
    expect(lane(await lanesOf(ofJob(script.entries), () => 0), 'silence').length).toBe(1);
  });

  test('of a living call goes on up to now', async () => {
    const script = leftAlone().to(0, conversing('waiting.clock.unanswered'), 'caller.waits');
    const last = script.entries.at(-1)?.at ?? 0;
    const found = await lanesOf(ofJob(script.entries), () => last + 11_000);
    expect(found).toMatchObject({ isOver: false, to: last + 11_000, longestSilenceMs: 12_000 });
    expect(lane(found, 'silence').at(-1)).toMatchObject({ from: last, to: null, tone: 'bad' });
  });

  test('a healthy call on the virtual clock has none above its bound', async () => {
    const call = await new VirtualSession().converse();
    for (let turn = 0; turn < 5; turn += 1) {
      call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
      await call.clock.advance(9_000);
      call.send({ type: 'agent.audible' });
      call.send({ type: 'dialogue.moved' });
    }
    call.leaves();
    await call.report();
    const found = await lanesOf(ofJob(call.entries));
    expect(found.silenceBoundMs).toBe(silenceBound(call.policy));
    expect(lane(found, 'silence').filter(({ tone }) => tone === 'bad')).toEqual([]);
    expect(lane(found, 'filler').length).toBeGreaterThan(5);
  });
});

describe('who is audible', () => {
  test('a line of ours through the session is one span, by its name', async () => {
    const script = leftAlone()
      .add(10, 'audible', { who: 'agent', change: 'begins', speech: 's2' })
      .add(1, 'event', { type: 'line.audible', line: 'goodbye', rung: 'live' })
      .add(1_000, 'audible', { who: 'agent', change: 'ends', speech: 's2', isWhole: true })
      .add(1, 'spoken', { line: 'goodbye', rung: 'live', heardMs: 1_000, outcome: 'played' });
    const agent = lane(await lanesOf(ofJob(script.entries), () => 0), 'agent');
    expect(agent.map(({ label }) => label)).toEqual(['ada', 'goodbye']);
  });

  test('the keeper’s apology is heard, though only its length was written', async () => {
    const [apology] = lane(await lanesOf(crashedCall()), 'apology');
    expect(apology).toMatchObject({ label: 'apology', tone: 'bad' });
    expect((apology?.to ?? 0) - (apology?.from ?? 0)).toBeGreaterThan(2_000);
  });

  test('a process that is gone is not audible, its tool ends as unknown, and its death is a line', async () => {
    const job = leftAlone()
      .add(1, 'audible', { who: 'agent', change: 'begins', speech: 's3' })
      .add(1, 'tool', { call: 'c', name: 'pay', status: 'started' });
    const keeper = accepted().add(18_000, 'keeper.noticed', { what: 'died', epoch: 1, detail: 'SIGKILL' });
    const found = await lanesOf(ofJob(job.entries, keeper.entries), () => 0);
    expect(found.deaths).toMatchObject([{ label: 'epoch 1: the process died: SIGKILL', ref: 'keeper:2' }]);
    const death = found.deaths[0]?.at;
    expect(lane(found, 'agent').at(-1)?.to).toBe(death);
    expect(lane(found, 'tools')).toMatchObject([
      { to: death, label: 'pay: unknown, its process is gone', tone: 'bad' },
    ]);
    expect(lane(found, 'epochs')).toMatchObject([{ to: death, tone: 'bad' }]);
  });
});

describe('limits', () => {
  test('each is a span from when it was armed, with the margin that was left', async () => {
    const call = await new VirtualSession().converse();
    const { now } = call.clock;
    call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
    await call.clock.advance(1_000);
    call.send({ type: 'agent.audible' });
    call.leaves();
    await call.report();
    const limits = lane(await lanesOf(ofJob(call.entries)), 'limits');
    const first = call.entries[0]?.at ?? 0;
    const answered = limits.find(({ from, label }) => from === first + now && label.startsWith('firstAudioMs'));
    expect(answered).toMatchObject({
      to: first + now + 1_000,
      marginMs: 2_000,
      label: 'firstAudioMs: 2.0 s left',
      tone: 'quiet',
    });
    expect(limits.every(({ from, to }) => to !== null && to >= from)).toBe(true);
  });
});

describe('spans', () => {
  test('gaps and parts make up the whole', () => {
    const parts = joined([{ from: 5, to: 7 }, { from: 1, to: 3 }, { from: 2, to: 4 }, { from: 9, to: 9 }]); // prettier-ignore
    expect(parts).toEqual([{ from: 1, to: 4 }, { from: 5, to: 7 }]); // prettier-ignore
    const gaps = gapsIn([{ from: 0, to: 10 }, { from: 20, to: 21 }], parts); // prettier-ignore
    expect(gaps).toEqual([{ from: 0, to: 1 }, { from: 4, to: 5 }, { from: 7, to: 10 }, { from: 20, to: 21 }]); // prettier-ignore
    expect(overlapMs({ from: 3, to: 6 }, parts)).toBe(2);
  });
});
