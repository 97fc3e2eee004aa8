/** What a job that takes a call over is told of it. */
import { expect, test } from 'vitest';
import type { Entry, EntryData, EntryKind, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { historyOf } from '../../src/livekit/history.ts';
import { pastOf } from '../../src/report/past.ts';

const AT = 1_700_000_000_000;
type Said = [kind: EntryKind, data: unknown];

const epochOf = (epoch: number, ...said: Said[]) => ({
  epoch,
  torn: false,
  entries: said.map(
    ([kind, data], index) => ({ seq: index + 1, at: AT + epoch * 60_000 + index * 1_000, kind, data }) as Entry,
  ),
});
const journalOf = (...epochs: SessionJournal['epochs']): SessionJournal => ({
  session: sessionIdOf('one'),
  epochs,
  keeper: [],
});
const opened: Said = ['session.opened', { policy: { idleMs: 9_000 }, hangUp: { normal: 'leave' } }];
const message = (id: string, role: string, text: string, createdAt: number): Said => [
  'item',
  {
    id,
    role,
    text,
    interrupted: false,
    createdAt,
    sdk: { id, type: 'message', role, content: [text], interrupted: false, createdAt },
  },
];
const tool = (data: Partial<EntryData['tool']>): Said => [
  'tool',
  { call: 'c1', name: 'pay', status: 'started', ...data },
];
const textsOf = (journal: SessionJournal, epoch = 2) => pastOf(journal, epoch).items.map(({ content }) => content);

test('items are told as the SDK wrote them, in the order in which they were said', () => {
  const journal = journalOf(
    epochOf(1, opened, message('b', 'user', 'and you?', AT + 9), message('a', 'assistant', 'Hello.', AT)),
  );
  expect(textsOf(journal)).toEqual([['Hello.'], ['and you?']]);
  expect(pastOf(journal, 2)).toMatchObject({
    openedAt: AT + 60_000,
    policy: { idleMs: 9_000 },
    takenOver: { epoch: 1, lastSeq: 3 },
  });
});

test('who said the last words decides whether an answer is owed', () => {
  const [hello, question] = [message('a', 'assistant', 'Hello.', AT), message('b', 'user', 'Are you open?', AT + 1)];
  expect(pastOf(journalOf(epochOf(1, opened, hello)), 2).isAnswerOwed).toBe(false);
  expect(pastOf(journalOf(epochOf(1, opened, hello, question)), 2)).toMatchObject({
    isAnswerOwed: true,
    isAnswerCut: false,
  });
});

test('a reply that was cut by the death is told as far as it was heard, and is owed', () => {
  const heard: Said = ['audible', { who: 'agent', change: 'begins', speech: 's1', pii: { text: 'We are open from ' } }];
  const past = pastOf(journalOf(epochOf(1, opened, message('b', 'user', 'Are you open?', AT), heard)), 2);
  expect(past.items.at(-1)).toMatchObject({ role: 'assistant', content: ['We are open from'], interrupted: true });
  expect(past).toMatchObject({ isAnswerOwed: true, isAnswerCut: true });
});

test('a greeting that was cut is owed to nobody: the excuse stands in its place', () => {
  const heard: Said = ['audible', { who: 'agent', change: 'begins', speech: 's1', pii: { text: 'Hello, this' } }];
  expect(pastOf(journalOf(epochOf(1, opened, heard)), 2)).toMatchObject({ isAnswerOwed: false, isAnswerCut: false });
});

test('words that were recognised and in no item yet are told, and an answer to them is owed', () => {
  const words: Said = ['transcript', { text: 'Are you open?' }];
  const past = pastOf(journalOf(epochOf(1, opened, words)), 2);
  expect(past.items).toMatchObject([{ role: 'user', content: ['Are you open?'] }]);
  expect(past.isAnswerOwed).toBe(true);
});

test('T a tool that ran when the process died is unknown in the history, never as failed or done, and one that ended is not', () => {
  const ended = [tool({ call: 'c0', name: 'look', args: {} }), tool({ call: 'c0', name: 'look', status: 'settled' })];
  const journal = journalOf(
    epochOf(1, opened, message('b', 'user', 'Pay it.', AT), ...ended, tool({ args: { sum: 7 } })),
  );
  const { items } = historyOf(pastOf(journal, 2));
  expect(items.map(({ type }) => type)).toEqual(['message', 'function_call', 'function_call_output']);
  expect(items[1]).toMatchObject({ callId: 'c1', name: 'pay', args: '{"sum":7}' });
  expect(items[2]).toMatchObject({ callId: 'c1', output: expect.stringMatching(/^Unknown: .*Do not call it again/) });
  expect(pastOf(journal, 2).isAnswerOwed).toBe(true);
});

test('of two deaths both epochs are told, and what a stalled process wrote after it was taken over is not', () => {
  const late = message('late', 'assistant', 'I am still here.', AT + 5);
  const first = epochOf(1, opened, message('a', 'user', 'One.', AT), late);
  const second = epochOf(
    2,
    ['session.opened', { takenOver: { epoch: 1, lastSeq: 2 } }],
    message('b', 'assistant', 'Two.', AT + 7),
  );
  expect(textsOf(journalOf(first, second), 3)).toEqual([['One.'], ['Two.']]);
  expect(pastOf(journalOf(first, second), 3)).toMatchObject({ policy: { idleMs: 9_000 }, takenOver: { epoch: 2 } });
});

test('the agent is the one that a handoff led to, not the one with which the session began', () => {
  const handoff = (sdk: object): Said => ['item', { id: 'h', role: 'handoff', text: '', agent: 'billing', sdk }];
  const begins = handoff({ id: 'h', type: 'agent_handoff', newAgentId: 'billing' });
  const led = handoff({ id: 'h', type: 'agent_handoff', oldAgentId: 'desk', newAgentId: 'billing' });
  expect(pastOf(journalOf(epochOf(1, opened, begins)), 2).agent).toBeUndefined();
  expect(pastOf(journalOf(epochOf(1, opened, led)), 2).agent).toBe('billing');
});

test('the last snapshot counts, and a journal with nothing in it tells nothing', () => {
  const journal = journalOf(
    epochOf(1, opened, ['snapshot', { pii: { cart: [] } }], ['snapshot', { pii: { cart: ['tea'] } }]),
  );
  expect(pastOf(journal, 2).snapshot).toEqual({ cart: ['tea'] });
  expect(pastOf(journalOf(), 2)).toMatchObject({
    items: [],
    isAnswerOwed: false,
    takenOver: undefined,
    snapshot: undefined,
  });
});

test('images are left out, words stay', () => {
  const sdk = {
    id: 'p',
    type: 'message',
    role: 'user',
    content: [{ type: 'image_content', image: { blob: 'p.0' } }, 'This one.'],
    createdAt: AT,
  };
  const item: Said = ['item', { id: 'p', role: 'user', text: 'This one.', interrupted: false, createdAt: AT, sdk }];
  expect(textsOf(journalOf(epochOf(1, opened, item)))).toEqual([['This one.']]);
});

test('who left in a calm moment owes nothing; who left late owes what a death owes', () => {
  const question = message('b', 'user', 'Are you open?', AT + 1);
  const left = (isCalm: boolean) => pastOf(journalOf(epochOf(1, opened, question, ['handed.over', { isCalm }])), 2);
  expect(left(true)).toMatchObject({ isCalm: true, isAnswerOwed: false });
  expect(left(false)).toMatchObject({ isCalm: false, isAnswerOwed: true });
});

test('C6 who was not there is awaited: one who had not come, and one whose line was lost, from then on', () => {
  const moved = (...to: string[]): Said => ['transition', { machine: 'session', from: [], to }];
  const linked: Said = ['participant', { change: 'linked', identity: 'caller', isCaller: true }];
  const awaited = (...epochs: Said[][]) =>
    pastOf(journalOf(...epochs.map((said, index) => epochOf(index + 1, opened, ...said))), epochs.length + 1).awaited;
  const joining = moved('connecting.joining.connectingRoom');
  const waiting = moved('connecting.awaitingCaller');
  const talking = moved('conversing.dialogue.active.quiet', 'conversing.work.none');
  const away = moved('conversing.dialogue.suspended', 'conversing.work.none');
  const busy = moved('conversing.dialogue.suspended', 'conversing.work.running');

  expect(awaited([joining])).toMatchObject({ wasThere: false });
  expect(awaited([joining, waiting])).toMatchObject({ wasThere: false });
  expect(awaited([joining, waiting, linked])).toBeUndefined();
  expect(awaited([waiting, talking])).toBeUndefined();
  expect(awaited([])).toBeUndefined();
  const since = AT + 60_000 + 2_000;
  expect(awaited([talking, away, busy])).toEqual({ wasThere: true, since });
  expect(awaited([talking, away, busy], [joining], [joining, waiting]), 'nobody came to the next ones').toEqual({
    wasThere: true,
    since,
  });
  expect(awaited([talking, away, talking])).toBeUndefined();
  expect(awaited([talking], [joining])).toBeUndefined();
});

test('for how long its caller has heard the agent is counted over all processes, up to the last entry of one that died in a reply', () => {
  const says = (change: string): Said => ['audible', { who: 'agent', change, speech: 's' }];
  const other: Said = ['audible', { who: 'caller', change: 'begins' }];
  const first = epochOf(1, opened, says('begins'), other, says('goes-on'), says('ends'), other);
  const second = epochOf(2, opened, says('begins'), says('goes-on'), other);
  expect(pastOf(journalOf(first), 2).spokenMs).toBe(3_000);
  expect(pastOf(journalOf(first, second), 3).spokenMs).toBe(3_000 + 2_000);
  expect(pastOf(journalOf(epochOf(1, opened)), 2).spokenMs).toBe(0);
});
