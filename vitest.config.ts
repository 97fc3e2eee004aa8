import { defineConfig } from 'vitest/config';

/**
 * One project a lane. In-process lanes share the cores; lanes with processes, ports and audio come one after the
 * other, one file at a time: two cores that decode speech for two calls at once measure each other.
 */
const lane = (name: string, groupOrder: number, options: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 20_000, sequence: { groupOrder }, ...options },
});
const withProcesses = { fileParallelism: false, testTimeout: 90_000, hookTimeout: 120_000 };
/**
 * Calls at human speed mostly wait: thirty beside each other take about half of a core. Two files at a time, then.
 */
const withWaits = { maxConcurrency: 30, maxWorkers: 2 };
const withServer = { ...withProcesses, globalSetup: ['test/e2e/setup.ts'] };

export default defineConfig({
  test: {
    // The SDK leaves what a dead voice rejects to nobody; a job process logs it and goes on, and so do we (O-B9).
    onUnhandledError: (error) => !/out of order/.test(`${error.message} ${error.stack ?? ''}`),
    projects: [
      lane('machine', 0, { testTimeout: 120_000 }),
      lane('unit', 0),
      lane('contract', 0, { testTimeout: 60_000 }),
      lane('ordinary', 1, { ...withWaits, testTimeout: 120_000 }),
      lane('faults', 2, withProcesses),
      lane('crash', 3, withProcesses),
      lane('e2e', 4, withServer),
      lane('docs', 5, withServer),
      lane('transparency', 6, withProcesses),
    ],
  },
});
