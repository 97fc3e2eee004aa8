/** When a job says that its memory runs out, and when it ends its call for it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { observeMemory } from '../../src/livekit/observe/memory.ts';
import { memoryEnvironment, memoryLimits, sdkMemoryLimits } from '../../src/job/memory-limits.ts';

describe('the watch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const watch = (limits: { warnMB: number; limitMB: number }) => {
    const seen: unknown[] = [];
    let usedMB = 0;
    const job = {
      recorder: { append: (_: string, data: unknown) => seen.push(data), durable: async () => undefined },
      log: { warn: () => undefined },
      run: { send: (event: unknown) => seen.push(event) },
    } as unknown as Parameters<typeof observeMemory>[0];
    const end = observeMemory(job, limits, () => usedMB * 1024 * 1024);
    return {
      seen,
      end,
      uses: (mb: number) => {
        usedMB = mb;
        vi.advanceTimersByTime(5000);
      },
    };
  };
  const noted = (message: string, recoverable: boolean) => ({ component: 'memory', message, recoverable });

  test('A11 says once that the limit is near, and ends the call once above it', () => {
    const { seen, uses } = watch({ warnMB: 300, limitMB: 400 });
    uses(300);
    expect(seen).toEqual([]);
    uses(301);
    uses(399);
    const warned = noted('301 MiB of memory in use, above the warning at 300 MiB', true);
    expect(seen).toEqual([warned]);
    uses(401);
    uses(500);
    const detail = '401 MiB of memory in use, above the limit of 400 MiB';
    const end = { by: 'system', reason: 'memory_limit', fault: 'application', detail };
    expect(seen).toEqual([warned, noted(detail, false), { type: 'session.failed', end }]);
  });
  test('A11 without a limit a call is never ended for its memory', () => {
    const { seen, uses } = watch({ warnMB: 0, limitMB: 0 });
    uses(100_000);
    expect(seen).toEqual([]);
  });
  test('looks no more after the call', () => {
    const { seen, end, uses } = watch({ warnMB: 1, limitMB: 2 });
    end();
    uses(3);
    expect(seen).toEqual([]);
  });
});

describe('the limits', () => {
  test('come from the options, then the environment, then the defaults of the SDK', () => {
    const env = { LASTWORD_MEMORY_WARN_MB: '300', LASTWORD_MEMORY_LIMIT_MB: '500' };
    expect(memoryLimits({})).toEqual({ warnMB: 1000, limitMB: 0 });
    expect(memoryLimits(env)).toEqual({ warnMB: 300, limitMB: 500 });
    expect(memoryLimits(env, { jobMemoryWarnMB: 1, jobMemoryLimitMB: 2 })).toEqual({ warnMB: 1, limitMB: 2 });
    expect(memoryLimits({ LASTWORD_MEMORY_LIMIT_MB: '500' })).toEqual({ warnMB: 400, limitMB: 500 });
  });
  test('arrive in the job as the worker has them', () => {
    const limits = { warnMB: 12.5, limitMB: 20 };
    expect(memoryLimits(memoryEnvironment(limits))).toEqual(limits);
  });
  test('A11 the SDK kills later than we end, and never where there is no limit', () => {
    expect(sdkMemoryLimits({ warnMB: 300, limitMB: 400 })).toEqual({ jobMemoryWarnMB: 300, jobMemoryLimitMB: 600 });
    expect(sdkMemoryLimits({ warnMB: 1000, limitMB: 0 })).toMatchObject({ jobMemoryLimitMB: 0 });
  });
  test.each(['lots', '-1', 'NaN', 'Infinity', '1e999'])('%s is refused, by name', (value) => {
    expect(() => memoryLimits({ LASTWORD_MEMORY_LIMIT_MB: value })).toThrow(/LASTWORD_MEMORY_LIMIT_MB: expected/);
    expect(() => memoryLimits({}, { jobMemoryWarnMB: Number(value) })).toThrow(/server.jobMemoryWarnMB: expected/);
  });
});
