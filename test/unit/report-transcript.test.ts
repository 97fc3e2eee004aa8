/** O-G, the transcript: in the order in which it was said, all that was said, and what of it was heard. */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { heardIn, meet, presenceOf, type Stretch } from '../../src/report/spans.ts';
import { transcriptOf } from '../../src/report/transcript.ts';
import { at, chapter, entries } from '../contract/chapters.ts';

type Given = [string, unknown];
const item = (role: string, text: string, more: object = {}): Given => ['item', { id: text, role, text, ...more }];
const words = (text: string, more: object = {}): Given => ['transcript', { text, ...more }];
const turn = (name: string): Given => ['fact', { fact: 'turn.began', turn: name }];
const rowsOf = (...all: Given[]): Report['transcript'] => transcriptOf([chapter(entries(...all))], null);
const textsOf = (...all: Given[]) => rowsOf(...all).map(({ text }) => text);

test('an item that comes again is one row, and what is missing is unknown', () => {
  const found = rowsOf(
    ['item', { id: 'a', role: 'user', text: 'One', createdAt: 500, agent: 'Ada' }],
    ['item', { role: 7, text: null, createdAt: 'soon' }],
    ['item', { id: 'b', role: 'assistant', text: 'Two', interrupted: 'yes', createdAt: -1 }],
    ['event', { id: 'c', role: 'user', text: 'no item' }],
    ['item', { id: 'a', role: 'user', text: 'One more', interrupted: true, createdAt: 600 }],
  );
  const said = { source: 'item', heard: null, agent: null, interrupted: false } as const;
  expect(found).toEqual([
    { ...said, id: 'a', role: 'user', text: 'One more', interrupted: true, at: at(0.6) },
    { ...said, id: 'entry-2', role: 'system', text: '', at: at(2) },
    { ...said, id: 'b', role: 'assistant', text: 'Two', at: at(3) },
  ]);
});

test('O-B1 O-G what was written down late stands where it was said, whatever process wrote it', () => {
  expect(textsOf(item('assistant', 'Yes.', { createdAt: 900 }), item('user', 'Open?', { createdAt: 100 }))).toEqual([
    'Open?',
    'Yes.',
  ]);
  const jobs = [
    chapter(entries(item('user', 'second', { createdAt: 2 }))),
    chapter(entries(item('user', 'first', { createdAt: 1 }), item('user', 'second', { createdAt: 2 })), { epoch: 2 }),
  ];
  expect(transcriptOf(jobs, null).map(({ text }) => text)).toEqual(['first', 'second']);
  expect(textsOf(item('user', 'b', { createdAt: 5 }), item('user', 'a', { createdAt: 5 }))).toEqual(['b', 'a']);
});

describe('O-G words of the caller that no item holds', () => {
  test('are rows of their own, at their time', () => {
    const found = rowsOf(item('user', 'Hello.'), words('No,  wait.'), item('assistant', 'Yes?'));
    expect(found[1]).toEqual({
      id: 'words-1-2',
      role: 'user',
      source: 'recognition',
      text: 'No,  wait.',
      interrupted: false,
      heard: null,
      agent: null,
      at: at(2),
    });
    expect(rowsOf(words(' '), words(''), ['transcript', {}])).toEqual([]);
    expect(transcriptOf([chapter(entries(words('a')), { epoch: 2 })], null)[0]?.id).toBe('words-2-1');
  });
  test('come before an item of the same millisecond that was written down after them', () => {
    const typed = item('user', 'Typed.', { createdAt: 1000 });
    const answer = item('assistant', 'Yes?', { createdAt: 1000 });
    expect(textsOf(words('No, wait.'), typed, answer, words('And'))).toEqual(['No, wait.', 'Typed.', 'Yes?', 'And']);
  });
  test('are not told beside the item that they became, in one piece or in several', () => {
    expect(textsOf(words('What time'), words('is  it?'), item('user', 'What time is it?'))).toEqual([
      'What time is it?',
    ]);
    expect(textsOf(words('What time is it?'), item('user', ' What  time is it? '))).toHaveLength(1);
    expect(textsOf(words('a'), item('assistant', 'a'))).toEqual(['a', 'a']);
    expect(textsOf(words('a'), ['event', { role: 'user', text: 'a' }])).toEqual(['a']);
  });
  test('one after the other: an item holds none that is not in it, and none twice', () => {
    expect(textsOf(words('Never mind.'), words('What time is it?'), item('user', 'What time is it?'))).toEqual([
      'Never mind.',
      'What time is it?',
    ]);
    expect(textsOf(words('is it?'), words('What time'), item('user', 'What time is it?'))).toEqual([
      'is it?',
      'What time is it?',
    ]);
    expect(textsOf(words('Yes.'), words('Yes.'), item('user', 'Yes.'))).toEqual(['Yes.', 'Yes.']);
    expect(rowsOf(words('Yes.'), words('Yes.'), item('user', 'Yes.'))[0]).toMatchObject({
      source: 'recognition',
      at: at(1),
    });
    expect(textsOf(words('Yes. Yes.'), item('user', 'Yes.', { id: 'x' }))).toEqual(['Yes. Yes.', 'Yes.']);
    expect(textsOf(words('ab'), words('ab'), item('user', 'aab'))).toEqual(['ab', 'aab']);
  });
  test('a realtime model names the item that it will make of them', () => {
    expect(textsOf(words('opn sundays', { item: 'a' }), item('user', 'Open on Sundays?', { id: 'a' }))).toEqual([
      'Open on Sundays?',
    ]);
    expect(textsOf(words('opn', { item: 'b' }), item('user', 'Open?', { id: 'a' }))).toEqual(['opn', 'Open?']);
    expect(textsOf(words('opn'), ['item', { role: 'user', text: 'Open?' }])).toEqual(['opn', 'Open?']);
  });
  test('a turn that its hook changed hides the words as they were, and no other turn’s', () => {
    expect(textsOf(words('card 1234'), turn('t1'), item('user', 'card ****'))).toEqual(['card ****']);
    expect(textsOf(words('Oh.'), turn('t1'), words('card 1234'), turn('t2'), item('user', 'card ****'))).toEqual([
      'Oh.',
      'card ****',
    ]);
    expect(textsOf(words('Oh.'), turn('t1'), words('And'), item('user', 'changed'))).toEqual(['And', 'changed']);
    expect(textsOf(words('a'), ['log', { fact: 'turn.began', turn: 't' }], item('user', 'b'))).toEqual(['a', 'b']);
    expect(textsOf(words('a'), ['fact', { fact: 'turn.ended', turn: 't' }], item('user', 'b'))).toEqual(['a', 'b']);
  });
});

describe('O-D1 O-G keys', () => {
  const key = (digit: unknown): Given => ['key', { identity: 'c', pii: { digit } }];

  test('pressed one after the other are one row, until somebody says something', () => {
    const log: Given = ['log', {}];
    const found = rowsOf(key('1'), log, key('2'), item('assistant', 'a'), key('3'), words('b'), key('4'), key(7));
    expect(found.map(({ id, source, role, text, at: when }) => [id, source, role, text, when])).toEqual([
      ['keys-1-1', 'keys', 'user', '12', at(1)],
      ['a', 'item', 'assistant', 'a', at(4)],
      ['keys-1-5', 'keys', 'user', '3', at(5)],
      ['words-1-6', 'recognition', 'user', 'b', at(6)],
      ['keys-1-7', 'keys', 'user', '4?', at(7)],
    ]);
  });
});

describe('O-G what was heard', () => {
  const heard: Given = ['fact', { fact: 'agent.heard' }];
  const quiet: Given = ['fact', { fact: 'agent.quiet' }];
  const pipeline = (isAudible: boolean): Given => ['fact', { fact: 'pipeline', isAudible }];
  const said = (createdAt: number): Given => item('assistant', 'a', { createdAt });
  const of = (presence: readonly Stretch[] | null, ...all: Given[]) =>
    transcriptOf([chapter(entries(...all))], presence).map((row) => row.heard);

  test('of the assistant’s, what sounded between its beginning and its end', () => {
    expect(of(null, heard, quiet, said(1000))).toEqual([true]);
    expect(of(null, heard, quiet, said(2000))).toEqual([false]);
    expect(of(null, heard, said(500))).toEqual([true]);
    expect(of(null, said(500), heard)).toEqual([false]);
    expect(of(null, quiet, said(500), heard, quiet)).toEqual([false]);
    expect(of(null, heard, quiet, item('user', 'u', { createdAt: 1000 }))).toEqual([null]);
  });
  test('is unknown where the journal does not tell, and nothing of what is only written', () => {
    expect(of(null, said(500))).toEqual([null]);
    expect(of(null, ['log', { fact: 'agent.heard' }], said(500))).toEqual([null]);
    expect(of(null, pipeline(false), heard, quiet, said(1000))).toEqual([false]);
    expect(of(null, pipeline(false), pipeline(true), heard, quiet, said(1000))).toEqual([true]);
    expect(of(null, ['fact', { fact: 'pipeline' }], heard, quiet, said(1000))).toEqual([true]);
  });
  test('is nothing of what was said to nobody', () => {
    expect(of([{ from: 0, to: 900 }], heard, quiet, said(1000))).toEqual([false]);
    expect(
      of(
        [
          { from: 0, to: 900 },
          { from: 1500, to: Infinity },
        ],
        heard,
        quiet,
        said(1000),
      ),
    ).toEqual([true]);
    expect(of([], heard, quiet, said(1000))).toEqual([false]);
  });
  test('two times of hearing, with a pause between them', () => {
    expect(heardIn(entries(heard, heard, quiet, quiet, heard, quiet))).toEqual([
      { from: 1000, to: 3000 },
      { from: 5000, to: 6000 },
    ]);
    expect(heardIn(entries(['fact', { fact: 'caller.words' }]))).toEqual([]);
    expect(heardIn([])).toBeNull();
  });
});

test('spans meet where they have an instant in common', () => {
  const span = (from: number, to: number): Stretch => ({ from, to });
  expect(meet([span(0, 5)], [span(4, 9)])).toBe(true);
  expect(meet([span(0, 4)], [span(4, 9)])).toBe(false);
  expect(meet([span(0, 5)], [span(4, 9)], [span(5, 8)])).toBe(false);
  expect(meet([span(0, 5), span(7, 8)], [span(4, 9)], [span(5, 8)])).toBe(true);
});

test('the caller’s presence: from coming (a telephone: from picking up) to leaving, losing the line or the hang-up', () => {
  const who = (change: string, more: object = {}): Given => ['participant', { identity: 'c', change, ...more }];
  const of = (...all: Given[]) => presenceOf('c', entries(...all));
  expect(presenceOf(undefined, entries(who('joined')))).toBeNull();
  expect(of(['log', { identity: 'c' }])).toEqual([]);
  expect(of(['participant', { identity: 'w', change: 'joined' }])).toEqual([]);
  expect(of(who('joined', { isRinging: true }), who('attributes'), who('left'))).toEqual([{ from: 2000, to: 3000 }]);
  expect(of(who('joined'), who('lost'), who('returned'), who('linked'))).toEqual([
    { from: 1000, to: 2000 },
    { from: 3000, to: Infinity },
  ]);
  expect(of(who('joined'), ['hangup', { verified: true }])).toEqual([{ from: 1000, to: 2000 }]);
  expect(of(who('joined'), ['hangup', {}], ['log', { verified: true }])).toEqual([{ from: 1000, to: Infinity }]);
});

describe('words of the agent that no item holds', () => {
  const plays = (change: string, text?: string, more: object = {}): Given => [
    'audible',
    { who: 'agent', change, speech: 'one', ...(text !== undefined && { pii: { text } }), ...more },
  ];

  test('are a row of their own, as far as they were played, when they began', () => {
    const found = rowsOf(
      item('user', 'Go on.'),
      plays('begins', undefined, { agent: 'Ada' }),
      plays('goes-on', 'One two'),
      plays('goes-on', ' three'),
      words('And you?'),
    );
    expect(found[1]).toEqual({
      id: 'played-1-2',
      role: 'assistant',
      source: 'played',
      text: 'One two three',
      interrupted: true,
      heard: true,
      agent: 'Ada',
      at: at(2),
    });
    expect(found.map(({ text }) => text)).toEqual(['Go on.', 'One two three', 'And you?']);
  });

  test('are not told beside the item; what the same speech says after it is', () => {
    const first = [plays('begins'), plays('ends', 'Let me see.'), item('assistant', 'Let me see.', { speech: 'one' })];
    expect(rowsOf(...first).map(({ source }) => source)).toEqual(['item']);
    expect(textsOf(...first, plays('begins'), plays('goes-on', 'It is'))).toEqual(['Let me see.', 'It is']);
  });

  test('that were played to their end are not interrupted; sound without words is no row', () => {
    expect(rowsOf(plays('begins'), plays('ends', 'Hm.', { isWhole: true }))[0]?.interrupted).toBe(false);
    expect(rowsOf(plays('begins'), plays('ends'), ['audible', { who: 'caller', change: 'begins' }])).toEqual([]);
    expect(rowsOf(['audible', null], ['audible', { speech: 7, pii: 'x' }])).toEqual([]);
  });

  test('are heard if the caller was there', () => {
    const given = chapter(entries(plays('begins'), plays('goes-on', 'One'), plays('ends', ' two')));
    const heard = (presence: Stretch[]) => transcriptOf([given], presence)[0]?.heard;
    expect(heard([{ from: 0, to: 1e15 }])).toBe(true);
    expect(heard([{ from: 0, to: 1 }])).toBe(false);
  });

  test('are told of each process that died with them', () => {
    const one = chapter(entries(plays('begins'), plays('goes-on', 'One')));
    const two = chapter(entries(plays('begins'), plays('goes-on', 'Two')), { epoch: 2 });
    expect(transcriptOf([one, two], null).map(({ id, text }) => [id, text])).toEqual([
      ['played-1-1', 'One'],
      ['played-2-1', 'Two'],
    ]);
  });
});

test('items of tools are no rows, and nobody has spoken between two keys for their sake', () => {
  const key = (digit: string): Given => ['key', { pii: { digit } }];
  expect(textsOf(key('1'), item('tool', ''), key('2'), item('user', 'Hello.'), key('3'))).toEqual([
    '12',
    'Hello.',
    '3',
  ]);
});
