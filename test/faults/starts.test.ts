/** A start that fails, and what the report says of it. */
import { expect, test } from 'vitest';
import { place } from './harness.ts';
import { never, WithTools } from './plain.ts';

const agent = () => new WithTools();
const failed = {
  reason: 'startup_failed',
  by: 'system',
  stage: 'connecting',
  fault: 'application',
  goodbye: 'skipped',
  apology: 'bundled',
} as const;

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
