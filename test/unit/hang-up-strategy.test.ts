import { expect, test } from 'vitest';
import { endOf, ends, hangUpStrategies } from '../../machines/index.ts';
import { strategyFor } from '../../src/session/hang-up-strategy.ts';

const policy = { normal: 'remove-caller', failure: 'delete-room', transfer: 'leave' } as const;

test('C5 after a transfer the room stays with those who talk in it: no deletion, whatever the policy says of other ends', () => {
  expect(strategyFor(endOf('agent', 'transferred', 'none'), policy)).toBe('leave');
  expect(strategyFor(endOf('agent', 'transferred', 'none'), { ...policy, transfer: 'remove-sip' })).toBe('remove-sip');
});

test('C5 an end without a fault is hung up on as the policy says of normal ends, also one that an operator asked for', () => {
  expect(strategyFor(ends.idle, policy)).toBe('remove-caller');
  expect(strategyFor(endOf('operator', 'worker_shutdown', 'none'), policy)).toBe('remove-caller');
});

test('a failure, and a death without a word, are hung up on as failures', () => {
  expect(strategyFor(endOf('system', 'model_failed', 'provider'), policy)).toBe('delete-room');
  expect(strategyFor(null, policy)).toBe('delete-room');
});

test('O-E7 an end that says how the caller is let go is hung up on so, whatever the policy says', () => {
  for (const hangUp of hangUpStrategies)
    expect(strategyFor({ ...endOf('agent', 'transferred'), hangUp }, policy)).toBe(hangUp);
});
