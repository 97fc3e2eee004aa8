import { defineConfig } from 'vitest/config';

/**
 * One project a lane. In-process lanes share a pool; lanes with processes, ports and audio run one file at a time,
 * because two cores that decode speech for two calls at once measure each other.
 */
const lane = (name: string, options: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 20_000, ...options },
});
const withProcesses = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      lane('machine', { testTimeout: 120_000 }),
      lane('unit'),
      lane('contract'),
      lane('faults', withProcesses),
      lane('crash', withProcesses),
      lane('e2e', { ...withProcesses, globalSetup: ['test/e2e/setup.ts'] }),
      lane('docs', withProcesses),
    ],
  },
});
