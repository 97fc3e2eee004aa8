/**
 * What `npm run mutants` runs for each mutant: the tests of machines/ and src/report/ that need neither process nor room.
 * The first that fails ends it, so the quick ones are first: vitest alone begins with the slowest, and a mutant would cost
 * 25 s instead of 2. The planted bugs are left out: they test the monitors.
 */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const inOrder = [
  'test/mutants/loads.test.ts',
  ...['ends', 'policy', 'shape', 'goodbye', 'bounds', 'asked', 'recovered', 'diagram'].map(
    (name) => `test/machine/${name}.test.ts`,
  ),
  ...[
    'report-fold',
    'report-facts',
    'report-lines',
    'report-end',
    'delivery-decide',
    'turns',
    'run-session',
    'limits',
  ].map((name) => `test/unit/${name}.test.ts`),
  'test/unit/reasons.test.ts',
  'test/machine/adversary.test.ts',
  'test/machine/exploration.test.ts',
];
const rankOf = ({ moduleId }: TestSpecification): number => inOrder.findIndex((file) => moduleId.endsWith(file));

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

export default defineConfig({
  test: {
    include: inOrder,
    sequence: { sequencer: QuickFirst },
    testTimeout: 120_000,
    fileParallelism: false,
    bail: 1,
  },
});
