/** Why did it end? Each word has its proof, whatever became of the call. */
import { describe, expect, test } from 'vitest';
import { endOf } from '../../machines/index.ts';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Why, WholeEntry } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { fold, reportId, serializeReport } from '../../src/report/fold.ts';
import { accepted, crashedCall, Script, unopenedCall, wholeCall } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory, type CallDirectory } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const sealedBy = (journal: SessionJournal): SessionJournal => {
  const last = journal.keeper.at(-1);
  const keeper = new Script(last?.at).add(10, 'keeper.sealed', { report: reportId(journal.session), bytes: 1 }).entries;
  return {
    ...journal,
    keeper: [...journal.keeper, ...keeper.map((entry) => ({ ...entry, seq: journal.keeper.length + 1 }) as Entry)],
  };
};
const seal = async (at: CallDirectory, journal: SessionJournal, state?: 'delivered' | 'dead'): Promise<void> => {
  const report = fold(journal);
  const store = await at.store();
  const row = { session, epoch: 1, job: session as never, room: 'room', agentName: 'agent', acceptedAt: 1 };
  const delivery = {
    delivery: 'del_1',
    session,
    report: report.id,
    destination: 'hook',
    kind: 'report' as const,
    body: '',
    nextAt: 1,
  };
  await store.seal(
    { ...row, state: 'sealed', endedAt: 2, by: report.end.by, reason: report.end.reason },
    { session, report: report.id, sealedAt: 3, body: serializeReport(report) },
    state ? [delivery] : [],
  );
  const [claimed] = state
    ? await store.claim({ owner: 'me', now: 10, limit: 1, leaseMs: 10, names: ['hook'], each: 1 })
    : [];
  if (!claimed) return;
  await store.begin('del_1', claimed.lease, 11);
  await store.settle(
    'del_1',
    claimed.lease,
    state === 'dead' ? { kind: 'dead', at: 12, error: '410' } : { kind: 'delivered', at: 12 },
  );
};
const whyIn = async (at: CallDirectory): Promise<Why> => (await ask(at.source, 'why', { session })) as Why;
const wordIn = ({ words }: Why, name: string) => words.find(({ word }) => word === name);
const entryAt = async (at: CallDirectory, ref: string | null | undefined): Promise<WholeEntry> =>
  (await ask(at.source, 'entry', { session, ref })) as WholeEntry;

describe('a call that is over', () => {
  test('is explained in one sentence, and each word leads to the entry that proves it', async () => {
    const at = await callDirectory();
    await at.write(sealedBy(wholeCall()));
    await seal(at, wholeCall(), 'delivered');
    const why = await whyIn(at);
    expect(why.sentence).toBe(
      'The agent, or its code, ended the call, while conversing; the goodbye was played; the hang-up was verified; the report is delivered to hook.',
    );
    expect(why.words.map(({ word, text }) => `${word}: ${text}`)).toEqual([
      'by: agent',
      'reason: agent_ended',
      'stage: conversing',
      'fault: none',
      'goodbye: played',
      'heard: 1460 ms',
      'hang-up: verified',
      'report: delivered to hook',
      'also: caller_hung_up (caller)',
    ]);
    const kinds = await Promise.all(why.words.map(async ({ word, proof }) => [word, (await entryAt(at, proof)).kind]));
    expect(Object.fromEntries(kinds)).toEqual({
      by: 'event',
      reason: 'event',
      stage: 'transition',
      fault: 'event',
      goodbye: 'spoken',
      heard: 'spoken',
      'hang-up': 'hangup',
      report: 'keeper.sealed',
      also: 'session.closed',
    });
  });

  test('and whose report is a dead letter says so', async () => {
    const at = await callDirectory();
    await at.write(sealedBy(wholeCall()));
    await seal(at, wholeCall(), 'dead');
    expect(wordIn(await whyIn(at), 'report')).toMatchObject({ text: 'a dead letter for hook', tone: 'bad' });
  });

  test('and whose process died names the death, the apology, and who hung up', async () => {
    const at = await callDirectory();
    await at.write(sealedBy(crashedCall()));
    await seal(at, crashedCall());
    const why = await whyIn(at);
    expect(why.sentence).toMatch(/^The process of the call died or froze/);
    expect(wordIn(why, 'crash')).toEqual({
      word: 'crash',
      text: 'epoch 1 died: killed by SIGKILL',
      tone: 'bad',
      proof: 'keeper:2',
    });
    expect(wordIn(why, 'reason')).toMatchObject({ text: 'process_crashed', proof: 'keeper:2' });
    expect(wordIn(why, 'apology')).toMatchObject({ text: 'played, 2,050 ms heard' });
    expect((await entryAt(at, wordIn(why, 'hang-up')?.proof)).ref).toMatch(/^keeper:/);
  });

  test('and that never opened its journal says that its process never began', async () => {
    const at = await callDirectory();
    await at.write(sealedBy(unopenedCall()));
    const why = await whyIn(at);
    expect(why.isOver).toBe(true);
    expect(wordIn(why, 'crash')).toMatchObject({ text: 'epoch 1 never began', proof: 'keeper:2' });
  });

  test('and whose journal is gone is told from its sealed report, without a proof', async () => {
    const at = await callDirectory();
    await seal(at, wholeCall(), 'delivered');
    const why = await whyIn(at);
    expect(why.sentence).toMatch(/^The agent, or its code, ended the call, while conversing; .*delivered to hook\.$/);
    expect(why.words.every(({ proof }) => proof === null)).toBe(true);
    expect(wordIn(why, 'journal')?.text).toMatch(/gone/);
  });

  test('and whose job was given back is no call', async () => {
    const at = await callDirectory();
    await at.write({
      session,
      epochs: [],
      keeper: accepted().add(5, 'session.withdrawn', { why: 'no place is free' }).entries,
    });
    expect((await whyIn(at)).sentence).toBe('No call: the worker took the job and gave it back: no place is free.');
  });

  test('and whose hang-up nobody confirmed says that the caller may still be there', async () => {
    const at = await callDirectory();
    await at.write(sealedBy(wholeCall()));
    await seal(at, wholeCall());
    const store = await at.store();
    await store.owe({
      session,
      server: 'ws://x',
      room: 'room',
      roomSid: '',
      strategy: 'delete-room',
      since: 1,
      nextAt: 2,
    });
    expect(wordIn(await whyIn(at), 'hang-up')).toMatchObject({
      text: 'still owed: the caller may be on the line',
      tone: 'bad',
    });
  });
});

describe('a call that lives', () => {
  test('is not over, and says where it is', async () => {
    const call = await new VirtualSession().converse();
    const at = await callDirectory();
    await at.write({ session, epochs: [{ epoch: 1, entries: call.entries, torn: false }], keeper: [] });
    const why = await whyIn(at);
    expect(why).toMatchObject({ isOver: false, sentence: 'Not over. The call goes on; now: conversing.' });
    expect((await entryAt(at, why.words[0]?.proof)).kind).toBe('transition');
    call.send({ type: 'session.end', end: endOf('agent', 'done'), drain: true });
    await at.write({ session, epochs: [{ epoch: 1, entries: call.entries, torn: false }], keeper: [] });
    expect((await whyIn(at)).sentence).toBe('Not over. It is ending: agent ended it: done; now: ending: draining.');
  });

  test('after a death says that, and what recovery does', async () => {
    const at = await callDirectory();
    await at.write(crashedCall());
    expect((await whyIn(at)).sentence).toBe('Not over. Its process died; now: hangingUp.');
  });
});

test('a session that is not there is refused with what to do', async () => {
  const at = await callDirectory();
  await expect(whyIn(at)).rejects.toThrow(/^session: expected one of .*, got "AJ_7Qd2"; calls lists those there are$/);
  await expect(ask(at.source, 'why', { session: '../../etc/passwd' })).rejects.toThrow(/calls lists those there are/);
  await expect(ask(at.source, 'why', {})).rejects.toThrow(/^why\.session: .*, got nothing; its fields are session$/);
});

test('a file of which nothing can be read is said to be that', async () => {
  const at = await callDirectory({ isChanged: true });
  await at.writeFile(session, '1.jsonl', 'rubbish\n{"seq":1');
  expect(await whyIn(at)).toMatchObject({
    isOver: false,
    sentence: 'Nobody knows: its files hold nothing that can be read.',
  });
});
