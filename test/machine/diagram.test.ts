/** docs/machines/ and the code say the same; and what is drawn is the whole machine. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import {
  bounds,
  defaultPolicy,
  machineShape,
  recoveryMachine,
  sessionContext,
  sessionMachine,
  toDot,
  toMermaid,
  transitionTable,
} from '../../machines/index.ts';
import { machineDocuments } from '../docs/machine-documents.ts';
import { mutated, type Mutation } from './mutate.ts';

type At = Parameters<Mutation>[0];

const folder = join(import.meta.dirname, '../../docs/machines');

describe('docs/machines/', () => {
  // Made here and not while this file is read: a mutant that throws then would leave no test to fail.
  test('is up to date; if not: npx tsc -p tsconfig.build.json && node dist/test/docs/generate-machines.js', async () => {
    const written = (await readdir(folder)).filter((name) => name !== 'delivery.md'); // that one by hand
    const documents = await machineDocuments();
    expect([...documents.keys()].toSorted()).toEqual(written.toSorted());
    const texts = await Promise.all(written.map((name) => readFile(join(folder, name), 'utf8')));
    expect(
      written.filter((name, index) => documents.get(name) !== texts[index]),
      'stale',
    ).toEqual([]);
  });
  test('one changed deadline makes picture and table stale', () => {
    const changed = mutated(sessionMachine, (at) => {
      at('reporting.closing').after = { reportMs: 'sending' };
    });
    expect(toDot(changed)).not.toBe(toDot(sessionMachine));
    expect(toMermaid(changed)).not.toBe(toMermaid(sessionMachine));
    expect(transitionTable(changed)).not.toBe(transitionTable(sessionMachine));
  });
});

test('every state has a box in the picture, a line in the Mermaid text, a row in the table, and a description', () => {
  for (const machine of [sessionMachine, recoveryMachine]) {
    const [dot, mermaid, table] = [toDot(machine), toMermaid(machine), transitionTable(machine)];
    for (const id of bounds(machine, sessionContext(defaultPolicy)).keys()) {
      const { path, description } = machine.getStateNodeById(id);
      expect(dot, id).toContain(`id="${path.join('_')}"`);
      expect(mermaid, id).toContain(` as ${path.join('_')}`);
      expect(table, id).toContain(`| \`${path.join('.')}\` | ${description} |`);
      expect(description, id).toMatch(/\S/);
    }
  }
});

test('targets stand where they are taken: none in a helper, so that a reader of a state sees where it leads', async () => {
  const machines = join(import.meta.dirname, '../../machines');
  const files = (await readdir(machines)).filter((name) => /^session\.|\.machine\.ts$/.test(name));
  const hidden = files.map(async (name) =>
    (await readFile(join(machines, name), 'utf8'))
      .split(/^(?=(?:export )?(?:const|function) )/m)
      .filter((part) => /\btarget\b[:,]|: '#/.test(part) && !/\bcreate(?:Machine|StateConfig)\(/.test(part))
      .map((part) => `${name}: ${part.split('\n')[0]}`),
  );
  expect((await Promise.all(hidden)).flat()).toEqual([]);
});

test('a name that Graphviz would trip over is drawn as it is', async () => {
  const odd = createMachine({
    id: String.raw`the "odd" \ one`,
    initial: 'a',
    states: { a: { on: { 'less < than & more > than': 'b' } }, b: {} },
  });
  expect(toDot(odd)).toContain(String.raw`digraph "the \"odd\" \\ one" {`);
  expect((await Graphviz.load()).dot(toDot(odd))).toContain('less &lt; than &amp; more &gt; than');
});

describe('the shape that is hashed', () => {
  test('is JSON and the same each time', () => {
    const text = JSON.stringify(machineShape(sessionMachine));
    expect(JSON.parse(text)).toEqual(machineShape(sessionMachine));
    expect(JSON.stringify(machineShape(mutated(sessionMachine, () => {})))).toBe(text);
  });
  test('does not change with a description, nor with the order of handlers', () => {
    const reworded = mutated(sessionMachine, (at) => {
      at('reporting')['description'] = 'In other words.';
      at('live').on = Object.fromEntries(Object.entries(at('live').on).toReversed());
    });
    expect(machineShape(reworded)).toEqual(machineShape(sessionMachine));
  });
  test.each([
    ['a target', (at: At) => void (at('reporting.closing').invoke['onDone'] = '#closed')],
    ['a deadline', (at: At) => void (at('reporting.closing').after = { reportMs: 'sending' })],
    [
      'the reason of an end',
      (at: At) =>
        void (at('live.conversing.dialogue.suspended').after['callerGraceMs'] = {
          target: '#hangingUp',
          actions: { type: 'recordEnd', params: { reason: 'idle' } },
        }),
    ],
    [
      'the order of branches',
      (at: At) => void (at('live').on['session.end'] = (at('live').on['session.end'] as unknown[]).toReversed()),
    ],
  ])('changes with %s', (_, mutation) => {
    expect(JSON.stringify(machineShape(mutated(sessionMachine, mutation)))).not.toBe(
      JSON.stringify(machineShape(sessionMachine)),
    );
  });
});
