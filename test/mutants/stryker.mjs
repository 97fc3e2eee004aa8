/** What Stryker is told for both halves: which code it changes, and which tests have to notice (in the order of the file named). */
export const mutantsOf = (half, mutate) => ({
  packageManager: 'npm',
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: `test/mutants/${half}.vitest.config.ts`, related: false },
  coverageAnalysis: 'perTest',
  // None: Stryker rewrites it with an API that TypeScript 7 has no more, and vitest does not read it.
  tsconfigFile: 'none',
  mutate,
  ignorePatterns: ['dist', 'reports', '.stryker-tmp', '.lastword'],
  concurrency: 2,
  timeoutMS: 15_000,
  incremental: true,
  incrementalFile: `reports/mutants-${half}.json`,
  reporters: ['progress', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutants-${half}-all.json` },
  thresholds: { high: 95, low: 90, break: 90 },
  tempDirName: '.stryker-tmp',
});
