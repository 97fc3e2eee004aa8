/** What belongs to a call lives in it: `src/` keeps nothing at the top of its modules but what is of the process itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keptBy } from './kept-by-modules.ts';

const root = join(import.meta.dirname, '../..');

/** The process itself is the thing. Whatever else wants to stand here belongs to a call, or to an object that owns it. */
const ofTheProcess: Record<string, string> = {
  'src/job/definitions.ts definitions': 'what the agent files of a process define, while they are being loaded',
  'src/livekit/current-call.ts globalThis': 'currentCall() is asked with nothing in hand, also by another copy of us',
  'src/output/standard-output.ts opened': 'a descriptor of the process has one writer, or lines are torn',
  'src/worker/run-worker.ts hasRun': 'a process starts one worker, however many of its files ask for one',
  'src/delivery/courier-child.ts': 'a process of its own, forked by path',
  'src/store/store-thread.ts': 'a thread of its own, started by path',
  'src/keeper/fold-thread.ts': 'a thread of its own, started by path',
  'src/demo/keeper-child.ts': 'a process of its own, forked by path',
  'src/demo/page-child.ts': 'a process of its own, forked by path',
  'src/inspector/reading-thread.ts': 'a thread of its own, started by path',
};

const reasonOf = (file: string, name: string) => ofTheProcess[file] ?? ofTheProcess[`${file} ${name}`];
const all = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`)
  .sort()
  .flatMap((file) => keptBy(file, readFileSync(join(root, file), 'utf8')).map((kept) => ({ file, ...kept })));

test('no module of src/ keeps anything that changes, but what is of the process itself, each with its reason', () => {
  const unnamed = all.filter(({ file, name }) => reasonOf(file, name) === undefined);
  expect(unnamed.map(({ file, name, why }) => `${file}: ${name}: ${why}`)).toEqual([]);
});

test('what is named as of the process is there', () => {
  const there = new Set(all.flatMap(({ file, name }) => [file, `${file} ${name}`]));
  expect(Object.keys(ofTheProcess).filter((name) => !there.has(name))).toEqual([]);
});

describe('each is found where it is planted:', () => {
  test.each([
    ['a flag', 'let isDone = false;'],
    ['a set', 'const known = new Set<string>();'],
    ['a map behind its type', 'export const known: Map<string, number> = new Map();'],
    ['a weak map of objects of the SDK', 'const ears = new WeakMap<object, number>();'],
    ['an emitter', "import { EventEmitter } from 'node:events';\nconst events = new EventEmitter();"],
    ['a list that is pushed to', 'const list: number[] = [];\nexport const add = (one: number) => list.push(one);'],
    ['a list that is emptied', 'const list = [1];\nexport function take() { return list.splice(0); }'],
    ['a counter in an object', 'const counts = { all: 0 };\nexport const count = () => { counts.all += 1; };'],
    [
      'a field of an object',
      'const by: Record<string, number> = {};\nexport const put = (key: string) => { by[key] = 1; };',
    ],
    ['a deletion', 'const by = { one: 1 } as { one?: number };\nexport const drop = () => delete by.one;'],
    ['an assignment into it', 'const all = {};\nexport const put = (more: object) => Object.assign(all, more);'],
    ['what another module exports', "import { list } from './list.ts';\nexport const add = () => list.push(1);"],
    ['a static field', 'export class Calls { static count = 0; }'],
    ['a closure that is called at once', 'const next = (() => { let last = 0; return () => (last += 1); })();'],
    ['something that is opened', "import { openSender } from './send.ts';\nconst sender = openSender();"],
    [
      'what hangs on globalThis',
      'export const put = (one: object) => { (globalThis as { one?: object }).one = one; };',
    ],
  ])('%s', (_what, text) => {
    expect(keptBy('planted.ts', text)).not.toEqual([]);
  });

  test.each([
    ['a list that is read', 'const list = [3, 1];\nexport const first = () => [...list].sort()[0];'],
    ['a set that cannot change', "const names: ReadonlySet<string> = new Set(['a']);"],
    [
      'a table that is filled while it is loaded',
      'const table: number[] = [];\nfor (let at = 0; at < 9; at += 1) table.push(at);',
    ],
    ['a list of a call', 'export const make = () => { const list: number[] = []; list.push(1); return list; };'],
    ['a file', "const child = new URL('./child.js', import.meta.url);"],
  ])('and not: %s', (_what, text) => {
    expect(keptBy('planted.ts', text)).toEqual([]);
  });
});
