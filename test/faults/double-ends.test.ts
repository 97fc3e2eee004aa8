/** Ends that come together, twice, or too late. (Permutations and timers on a virtual clock: test/unit/run-session.test.ts.) */
import { voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { place } from './harness.ts';
import { agent, answer, answered, effectsNamed } from './plain.ts';

test('E4 ended, closed and shut down in one tick: the session closes once, is hung up on once, reported once', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  const session = placed.call.session as voice.AgentSession;
  let closings = 0;
  session.on(voice.AgentSessionEventTypes.Close, () => void (closings += 1));
  placed.call.end('done');
  void session.close();
  session.shutdown();
  void session.close();
  await placed.report();
  expect(closings).toBe(1);
  for (const effect of ['hangUp', 'close', 'sendReport']) expect(effectsNamed(placed, effect)).toHaveLength(1);
  expect(placed.of('session.closed')).toHaveLength(1);
});

test('E5 what a provider, a timer and the caller say after the end changes nothing', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  const session = placed.call.session as voice.AgentSession;
  placed.call.end('done');
  await placed.run.closed;
  const before = placed.entries.filter(({ kind }) => kind === 'transition' || kind === 'effect').length;
  session.emit(voice.AgentSessionEventTypes.Error, {
    type: 'error',
    error: { type: 'stt_error', label: 'told', timestamp: Date.now(), error: new Error('late'), recoverable: false },
    source: undefined,
    createdAt: Date.now(),
  } as never);
  session.emit(voice.AgentSessionEventTypes.Close, { type: 'close', reason: 'error', error: null } as never);
  placed.isLost();
  placed.returns();
  placed.leaves();
  placed.call.end('late');
  expect(placed.entries.filter(({ kind }) => kind === 'transition' || kind === 'effect')).toHaveLength(before);
  const { alsoTriggered } = await placed.endedWell({});
  expect(alsoTriggered).toEqual([]);
});

test('E7 the user’s code starts the closed session again: a second Close, and no second hang-up, end or report', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  const session = placed.call.session as voice.AgentSession;
  placed.call.end('done');
  await placed.run.closed;
  let closings = 0;
  session.on(voice.AgentSessionEventTypes.Close, () => void (closings += 1));
  await session.start({ agent: agent(), record: false });
  await session.close();
  expect(closings).toBe(1);
  await placed.endedWell({});
  for (const effect of ['hangUp', 'close', 'sendReport']) expect(effectsNamed(placed, effect)).toHaveLength(1);
});
