/** What models were asked: every request can be put together again, and a long call does not make a long journal. */
import { llm } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import type { EntryData } from '../../src/journal/entry.ts';
import { shares } from '../../src/journal/shares.ts';
import { Requests } from '../../src/livekit/observe/requests.ts';
import { Kept } from './strangers.ts';

const INSTRUCTIONS = 'lk.agent_task.instructions';
const said = (role: 'user' | 'assistant' | 'system', text: string, id: string) =>
  llm.ChatMessage.create({ role, content: text, id });

function asking() {
  const kept = new Kept();
  const recorder = {
    append: <Kind extends keyof EntryData>(kind: Kind, data: EntryData[Kind]) => kept.add(kind, data),
    durable: async () => {},
  };
  const requests = new Requests({ recorder });
  const items: llm.ChatItem[] = [said('system', 'Answer.', INSTRUCTIONS)];
  const ask = (given: llm.ChatItem[] = items, tools = llm.ToolContext.empty()) =>
    requests.made('Ada', new llm.ChatContext([...given]), tools);
  /** A turn of the caller, as an item and in the history. */
  const turn = (name: string) => {
    items.push(said('user', name, `user ${name}`));
    ask();
    items.push(said('assistant', name, `agent ${name}`));
    for (const { id } of items) requests.holds(id);
  };
  /** The ids of each request, from the journal. */
  const told = () => {
    const all = new Map<number, string[]>();
    for (const { seq, kind, data } of kept.entries) {
      if (kind !== 'request') continue;
      const before = data.after ? all.get(data.after.seq)!.slice(0, data.after.count) : [];
      all.set(seq, [...before, ...data.items]);
    }
    return [...all.values()];
  };
  return { kept, requests, items, ask, turn, told };
}

test('a request says how it differs from the one before, and can be put together again', () => {
  const { kept, items, turn, ask, told } = asking();
  const expected: string[][] = [];
  for (let each = 0; each < 250; each += 1) {
    expected.push([...items.map(({ id }) => id), `user ${each}`]);
    turn(String(each));
  }
  ask(items.slice(0, 1).concat(items.slice(-4))); // a history that was cut
  expected.push([INSTRUCTIONS, ...items.slice(-4).map(({ id }) => id)]);
  expect(told()).toEqual(expected);
  const requests = kept.of('request');
  expect(requests[1]).toEqual({
    agent: 'Ada',
    items: ['agent 0', 'user 1'],
    after: { seq: kept.entries[1]!.seq, count: 2 },
    instructions: requests[0]!.instructions,
  });
  // A line may be lost: now and then one says all.
  expect(requests.filter(({ after }) => !after)).toHaveLength(3);
});

test('instructions stand there once, whoever has them; tools where they change', () => {
  const { kept, items, ask } = asking();
  const tool = (name: string) => llm.tool({ name, description: 'A tool.', execute: async () => '' });
  ask();
  ask(items, new llm.ToolContext([tool('b'), tool('a')]));
  ask([said('system', 'Bill them.', INSTRUCTIONS)], new llm.ToolContext([tool('b'), tool('a')]));
  ask();
  const requests = kept.of('request');
  expect(requests.map(({ pii }) => pii?.instructions)).toEqual(['Answer.', undefined, 'Bill them.', undefined]);
  expect(requests[3]!.instructions).toBe(requests[0]!.instructions);
  expect(requests.map(({ tools }) => tools)).toEqual([[], ['a', 'b'], undefined, []]);
});

test('what no item holds is written with the first request that has it; the question is not, which becomes one', () => {
  const { kept, items, ask, requests } = asking();
  items.push(said('user', 'of an earlier call', 'old'), said('assistant', 'looked up', 'found'));
  items.push(said('user', 'What time is it?', 'question'));
  ask();
  requests.holds('question');
  items.push(said('user', 'And now?', 'next'));
  ask();
  const added = kept.of('request').map(({ pii }) => pii?.items?.map((item) => (item as { id: string }).id));
  expect(added).toEqual([['old', 'found'], undefined]);
});

test('an item that cannot be said as JSON costs itself', () => {
  const { kept, items, ask } = asking();
  const broken = said('assistant', 'no', 'broken');
  broken.toJSON = () => {
    throw new Error('planted');
  };
  items.push(broken, said('assistant', 'yes', 'whole'), said('user', 'What?', 'question'));
  ask();
  const [{ items: ids, pii } = { items: [] }] = kept.of('request');
  expect(ids).toEqual([INSTRUCTIONS, 'broken', 'whole', 'question']);
  expect(pii?.items).toMatchObject([{ id: 'whole' }]);
});

describe('a model that is asked 10,000 times', () => {
  test('at human speed: all of them, in less than the half of their share', () => {
    const { kept, turn } = asking();
    for (let each = 0; each < 1_200; each += 1) turn(String(each));
    const bytes = kept.entries.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
    expect(kept.of('request')).toHaveLength(1_200);
    expect(bytes).toBeLessThan(shares.requests / 2);
  });

  test('with new instructions each time: as many as fit, the others counted, and each of the first whole', () => {
    const { kept, ask, told } = asking();
    for (let each = 0; each < 10_000; each += 1) ask([said('system', `${each} ${'x'.repeat(2_000)}`, INSTRUCTIONS)]);
    kept.closes();
    const written = kept.of('request').length;
    expect(written).toBeGreaterThan(1_800);
    expect(kept.withheld()).toMatchObject([{ part: 'requests', entries: 10_000 - written }]);
    expect(kept.bytes).toBeLessThan(shares.requests + 64 * 1024);
    expect(told().every((ids) => ids.length === 1)).toBe(true);
  });
});
