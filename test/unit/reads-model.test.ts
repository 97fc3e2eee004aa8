/** What the model saw: messages through the chain of requests, instructions by their hash, tools of the request before. */
import { expect, test } from 'vitest';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { ModelSaw, ReportAnswer } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { fold, serializeReport } from '../../src/report/fold.ts';
import { Script, wholeCall } from '../contract/sessions.ts';
import { callDirectory } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const item = (id: string, role: 'user' | 'assistant' | 'tool', text: string, sdk?: object) =>
  ({ id, role, text, interrupted: false, createdAt: 1, ...(sdk && { sdk: sdk as never }) }) as const;

const talk = (): Script =>
  new Script()
    .add(1, 'item', item('u1', 'user', 'A table, please.'))
    .add(1, 'request', {
      agent: 'ada',
      items: ['s0', 'u1'],
      instructions: 'h1',
      tools: ['book', 'look_up'],
      pii: {
        instructions: 'Be kind.',
        items: [{ id: 's0', type: 'message', role: 'system', content: ['Today is Friday.'] }],
      },
    })
    .add(1, 'item', item('c1', 'tool', '', { type: 'function_call', name: 'book', args: '{"people":2}' }))
    .add(1, 'item', item('a1', 'assistant', 'For two?'))
    .add(1, 'request', { agent: 'ada', items: ['c1', 'a1', 'gone'], after: { seq: 2, count: 2 }, instructions: 'h1' })
    .add(1, 'item', item('u2', 'user', 'Yes.'))
    // A turn was cleared: of what was seen at 5 only the first three come again.
    .add(1, 'request', {
      agent: 'eve',
      items: ['u2'],
      after: { seq: 5, count: 3 },
      instructions: 'h2',
      pii: { instructions: 'Be brief.' },
    });

const seen = async (asked: object): Promise<ModelSaw> => {
  const at = await callDirectory();
  await at.write({ session, epochs: [{ epoch: 1, entries: talk().entries, torn: false }], keeper: [] });
  return (await ask(at.source, 'model', { session, ...asked })) as ModelSaw;
};

test('messages come through the chain, in order, and what no entry holds is said to be unknown', async () => {
  const { messages, instructions, tools, agent, requests } = await seen({ ref: '1:6' });
  expect(messages).toEqual([
    { id: 's0', role: 'system', text: 'Today is Friday.', isKnown: true },
    { id: 'u1', role: 'user', text: 'A table, please.', isKnown: true },
    { id: 'c1', role: 'tool', text: 'book {"people":2}', isKnown: true },
    { id: 'a1', role: 'assistant', text: 'For two?', isKnown: true },
    { id: 'gone', role: '', text: '', isKnown: false },
  ]);
  expect({ instructions, tools, agent }).toEqual({
    instructions: 'Be kind.',
    tools: ['book', 'look_up'],
    agent: 'ada',
  });
  expect(requests.map(({ ref }) => ref)).toEqual(['1:2', '1:5', '1:7']);
});

test('a request that shares only the beginning of the one before has that, and its own', async () => {
  const { messages, instructions } = await seen({});
  expect(messages.map(({ id }) => id)).toEqual(['s0', 'u1', 'c1', 'u2']);
  expect(instructions).toBe('Be brief.');
});

test('before the first request the first is shown; a call without one is refused', async () => {
  expect((await seen({ index: 0 })).ref).toBe('1:2');
  const at = await callDirectory();
  await at.write(wholeCall());
  await expect(ask(at.source, 'model', { session })).rejects.toThrow(
    /expected a request to a model, got a call without one/,
  );
});

test('the report is the sealed text to the letter, and the fold as long as there is none', async () => {
  const at = await callDirectory();
  await at.write(wholeCall());
  const body = serializeReport(fold(wholeCall()));
  const reportIn = async (): Promise<ReportAnswer> =>
    (await ask(at.source, 'report', { session: 'rep_AJ_7Qd2' })) as ReportAnswer;
  expect(await reportIn()).toEqual({ session, isSealed: false, sealedAt: null, body });
  const row = {
    session,
    epoch: 1,
    job: session as never,
    room: '',
    agentName: '',
    acceptedAt: 1,
    state: 'sealed' as const,
  };
  await (await at.store()).seal(row, { session, report: 'rep_AJ_7Qd2', sealedAt: 5, body: '{"sealed": true}' }, []);
  expect(await reportIn()).toEqual({ session, isSealed: true, sealedAt: 5, body: '{"sealed": true}' });
});
