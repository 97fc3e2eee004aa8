/**
 * The SDK's own tests, out of its package, once in each setting that is asked for. Run by sdk-tests.ts, which says which;
 * no part of `npm test` by itself.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { type Setting, setupOf } from './sdk-tests.ts';

const settings = (process.env['LASTWORD_SETTINGS'] ?? 'bare').split(',') as Setting[];

export default defineConfig({
  test: {
    maxWorkers: 2 * availableParallelism(), // they mostly wait
    reporters: ['test/transparency/outcomes-reporter.ts'],
    projects: settings.map((name) => ({
      test: {
        name,
        include: ['node_modules/@livekit/agents/dist/voice/**/*.test.js'],
        exclude: [],
        setupFiles: setupOf[name],
      },
    })),
  },
});
