/** A start that fails, and what the report says of it. */
import { voice } from '@livekit/agents';
import { afterEach, expect, test, vi } from 'vitest';
import type { SessionDefinition } from '../../src/livekit/definition.ts';
import { place } from './harness.ts';
import { never, startFailed, WithTools } from './plain.ts';

const APOLOGY = 'Sorry for that.';
const agent = () => new WithTools();
const failed = { ...startFailed, apology: 'bundled' } as const;

afterEach(() => vi.restoreAllMocks());

test('C1 a room that cannot be joined: the report says what was in the way', async () => {
  const connect = () => Promise.reject(new Error('planted: no route to the server'));
  await using placed = await place({ agent, edges: { venue: () => ({ connect }) } });
  const { errors } = await placed.endedWell({ ...failed, detail: 'planted: no route to the server' });
  expect(errors).toMatchObject([{ component: 'room', recoverable: false }]);
});

test('C1 a room whose join never settles, and a factory that hangs: the report names the step', async () => {
  for (const [step, placing] of [
    ['room', { edges: { venue: () => ({ connect: never }) } }],
    ['session', { session: never }],
  ] as const) {
    await using placed = await place({ agent, ...placing, policy: { connectMs: 300 } });
    const { errors } = await placed.endedWell({ ...failed, detail: 'it had not settled when its time was over' });
    expect(errors).toMatchObject([{ component: step, recoverable: false }]);
  }
});

test('a caller who leaves while a factory hangs ended the call: nothing is told to have failed', async () => {
  await using placed = await place({ agent, session: never });
  await placed.until('starting', () => placed.run.leaves().some((leaf) => leaf.endsWith('startingSession')));
  placed.leaves();
  const { end, errors } = await placed.report();
  expect(end).toMatchObject({ reason: 'caller_hung_up', by: 'caller' });
  expect(errors).toEqual([]);
});

test('C9 T22 AgentSession.start() rejects: the caller hears the apology by the voice of the call, and the report says why', async () => {
  vi.spyOn(voice.AgentSession.prototype, 'start').mockRejectedValue(new Error('planted'));
  await using placed = await place({ agent, apology: { say: APOLOGY } });
  const { errors } = await placed.endedWell({ ...failed, detail: /planted/, apology: 'live' });
  expect(placed.heard.map(({ text }) => text)).toEqual([APOLOGY]);
  expect(errors).toContainEqual(expect.objectContaining({ component: 'agent session', message: 'planted' }));
});

test('C9 T22 AgentSession.start() never settles: after connectMs the caller hears the apology, and is let go', async () => {
  vi.spyOn(voice.AgentSession.prototype, 'start').mockReturnValue(new Promise(() => {}));
  await using placed = await place({ agent, apology: { say: APOLOGY }, policy: { connectMs: 300 } });
  await placed.endedWell({ ...failed, apology: 'live' });
  expect(placed.heard.map(({ text }) => text)).toEqual([APOLOGY]);
});

const prepared: [string, NonNullable<SessionDefinition['prepare']>, RegExp | string][] = [
  ['throws', () => Promise.reject(new Error('planted: no avatar')), 'planted: no avatar'],
  ['never settles', never, 'it had not settled when its time was over'],
  [
    'starts the session itself',
    (_call, session) => session.start({ agent: agent() }),
    /expected not to start the session/,
  ],
];
test.each(prepared)(
  'O-B6 a prepare that %s: the apology by the voice of the call, and the report says why',
  async (_what, prepare, detail) => {
    await using placed = await place({ agent, prepare, apology: { say: APOLOGY }, policy: { connectMs: 300 } });
    const { errors } = await placed.endedWell({ ...failed, detail, apology: 'live' });
    expect(placed.heard.map(({ text }) => text)).toEqual([APOLOGY]);
    expect(errors).toMatchObject([{ component: 'prepare', recoverable: false }]);
  },
);

test('O-B6 prepare is given the call and its session, which is not started yet, and is awaited before it is', async () => {
  const seen: unknown[] = [];
  await using placed = await place({
    agent,
    greeting: { say: 'Hello.' },
    prepare: async (call, session) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen.push(call.session === session, session._started);
    },
  });
  await placed.until('the greeting', () => placed.of('spoken').length > 0);
  expect(seen).toEqual([true, false]);
  placed.call.end('done');
  await placed.endedWell({});
});
