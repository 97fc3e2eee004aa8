/** How long the caller heard nothing between two processes of one call. */
import { expect, test } from 'vitest';
import { gapsOf } from '../../src/report/gaps.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { chapter, entries } from '../contract/chapters.ts';

const noticed = (what: unknown, epoch: unknown): [string, unknown] => ['keeper.noticed', { what, epoch }];
const heard: [string, unknown] = ['audible', { who: 'agent', change: 'begins' }];
/** Each entry of a file a second after the one before, from `seconds` on. */
const later = (seconds: number, all: Entry[]): Entry[] =>
  all.map((entry) => ({ ...entry, at: entry.at + seconds * 1000 }));
const keeper = (...all: [string, unknown][]) => chapter(entries(...all), { epoch: 0 });
const first = chapter(entries(['session.opened', {}], heard));
const job = (epoch: number, seconds: number, ...all: [string, unknown][]) =>
  chapter(later(seconds, entries(['session.opened', {}], ...all)), { epoch });

test('a gap ends with the first sound of the agent: not with the caller’s, and not with an end', () => {
  const second = job(
    2,
    3,
    ['audible', { who: 'caller', change: 'begins' }],
    ['audible', { who: 'agent', change: 'ends' }],
    heard,
    heard,
  );
  const took = keeper(['session.accepted', {}], noticed('died', 1));
  expect(gapsOf([first, second], took)).toEqual([{ fromEpoch: 1, toEpoch: 2, ms: 5_000, cause: 'died' }]);
  const goesOn = job(2, 3, ['audible', { who: 'agent', change: 'goes-on' }]);
  expect(gapsOf([first, goesOn], took)).toMatchObject([{ ms: 3_000 }]);
});

test('who came and was never heard is the same silence, also where a new keeper noticed it again', () => {
  const jobs = [first, job(2, 3), job(3, 8, heard)];
  const one = [{ fromEpoch: 1, toEpoch: 3, ms: 9_000, cause: 'frozen' }];
  expect(gapsOf(jobs, keeper(noticed('frozen', 1)))).toEqual(one);
  expect(gapsOf(jobs, keeper(noticed('frozen', 1), noticed('died', 1), noticed('died', 2)))).toEqual(one);
});

test('two deaths are two gaps; one that nobody followed is the end, and none', () => {
  const jobs = [first, job(2, 3, heard), job(3, 8, heard)];
  const all = keeper(
    noticed('died', 1),
    ['log', {}],
    ['log', {}],
    ['log', {}],
    ['log', {}],
    noticed('frozen', 2),
    noticed('died', 3),
  );
  expect(gapsOf(jobs, all)).toEqual([
    { fromEpoch: 1, toEpoch: 2, ms: 4_000, cause: 'died' },
    { fromEpoch: 2, toEpoch: 3, ms: 4_000, cause: 'frozen' },
  ]);
});

test('after a death that somebody followed whom nobody heard, both are null', () => {
  expect(gapsOf([first, job(2, 3)], keeper(noticed('gone', 1)))).toEqual([
    { fromEpoch: 1, toEpoch: null, ms: null, cause: 'gone' },
  ]);
});

test.each([
  ['a call that closed', noticed('closed', 1)],
  ['a job that never began', noticed('unopened', 1)],
  ['a word of a later version', noticed('moved', 1)],
  ['no epoch', noticed('died', 'x')],
])('%s has no gap', (_, notice) => {
  expect(gapsOf([first, job(2, 3, heard)], keeper(notice))).toEqual([]);
});

test('a call that was left in a calm moment has no gap: its caller waited for nothing', () => {
  const left = (isCalm: boolean) => chapter(entries(['session.opened', {}], heard, ['handed.over', { isCalm }]));
  const took = keeper(noticed('died', 1));
  expect(gapsOf([left(true), job(2, 9, heard)], took)).toEqual([]);
  expect(gapsOf([left(false), job(2, 9, heard)], took)).toMatchObject([{ fromEpoch: 1, toEpoch: 2 }]);
});

test('whose caller had not come yet waited for nothing; one who was there, or was spoken to, did', () => {
  const moves = (to: string): [string, unknown] => ['transition', { machine: 'session', from: [], to: [to] }];
  const arrives: [string, unknown] = ['participant', { change: 'linked', identity: 'caller', isCaller: true }];
  const dead = (...all: [string, unknown][]) => [chapter(entries(['session.opened', {}], ...all)), job(2, 9, heard)];
  const waiting = moves('live.connecting.awaitingCaller');
  const took = keeper(noticed('died', 1));
  expect(gapsOf(dead(waiting), took)).toEqual([]);
  expect(gapsOf(dead(waiting, arrives), took)).toHaveLength(1);
  expect(gapsOf(dead(waiting, moves('live.conversing.idle')), took)).toHaveLength(1);
});
