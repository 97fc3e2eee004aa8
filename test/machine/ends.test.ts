import { expect, test } from 'vitest';
import { endOf, ends, isReason, noAnswer, reasons } from '../../machines/index.ts';

test('every end that a machine finds has a built-in reason, and says whose fault it is', () => {
  for (const [name, { by, reason, fault }] of Object.entries(ends)) {
    expect(reasons, name).toHaveProperty(reason);
    expect(isReason(reason)).toBe(true);
    expect([by, fault], name).not.toContain(undefined);
  }
});
test('a reason of the application’s own stays as it is', () => {
  expect(endOf('agent', 'order_placed', 'none', 'order 12')).toEqual({
    by: 'agent',
    reason: 'order_placed',
    fault: 'none',
    detail: 'order 12',
  });
  expect(isReason('order_placed')).toBe(false);
  expect(isReason('toString')).toBe(false);
});
test.each(['', ' ', '\n'])('the blank reason %j becomes "unspecified"', (reason) => {
  expect(endOf('agent', reason)).toEqual({ by: 'agent', reason: 'unspecified', fault: 'none' });
});

test('an end without a detail has no such field, which a report would show as empty', () => {
  expect(Object.keys(endOf('caller', 'caller_hung_up'))).toEqual(['by', 'reason', 'fault']);
});
test('who ended it, and whose fault it was, for every end that a machine finds', () => {
  expect(Object.values(ends).map(({ by, reason, fault }) => `${by} ${reason} ${fault}`)).toEqual([
    'system startup_failed application',
    'limit never_joined caller',
    'limit idle caller',
    'limit caller_lost platform',
    'system caller_lost platform',
    'limit on_hold caller',
    'agent transferred none',
    'caller voicemail none',
    'limit max_duration none',
    'system model_failed platform',
    'system startup_failed platform',
    'system process_crashed application',
    'system orchestrator_error application',
  ]);
});
test.each([
  ['hook', 'application', "the agent's hook for the turn"],
  ['llm', 'provider', 'the language model'],
  ['tts', 'provider', 'the voice'],
  ['tool', 'provider', 'what follows a tool'],
] as const)('patience that is over names what was waited for: %s', (awaits, fault, what) => {
  expect(noAnswer('model_failed', awaits, 20_000)).toEqual({
    by: 'system',
    reason: 'model_failed',
    fault,
    detail: `${what} gave nothing within 20000 ms`,
  });
});
test("O-A7 patience that is over on a machine short of cores is nobody's fault who gives answers", () => {
  expect(noAnswer('model_failed', 'llm', 20_000, true)).toMatchObject({
    fault: 'platform',
    detail: 'the language model gave nothing within 20000 ms, while this machine was short of cores',
  });
});
test('the ends that need more words than their reason has them', () => {
  const detailed = Object.entries(ends).filter(([, end]) => end.detail !== undefined);
  expect(detailed.map(([name, { detail }]) => [name, detail])).toEqual([
    ['ownLineLost', 'the agent lost the room and was not back in time'],
    ['unheard', 'neither the voice nor a recording could be heard'],
    ['startUnheard', 'no recording could be heard'],
  ]);
});
