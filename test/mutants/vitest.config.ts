/**
 * What `npm run mutants` runs for each mutant: the tests of machines/ and src/report/ that need neither process nor room,
 * the quick ones first, since the first that fails ends it. The planted bugs are left out: they test the monitors.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'test/machine/{ends,goodbye,policy,shape,bounds,diagram,exploration,adversary}.test.ts',
      'test/unit/{run-session,reasons,limits,turns,report-{fold,facts,lines,end},delivery-decide}.test.ts',
    ],
    testTimeout: 120_000,
    fileParallelism: false,
    bail: 1,
  },
});
