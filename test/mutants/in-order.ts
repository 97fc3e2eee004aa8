/**
 * The tests that have to notice a mutant, quick ones first: the first that fails ends it, and vitest alone begins with
 * the slowest. A mutant would cost half a minute instead of two seconds.
 */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

export function inOrder(files: readonly string[]) {
  const rankOf = ({ moduleId }: TestSpecification): number => files.findIndex((file) => moduleId.endsWith(file));
  class QuickFirst extends BaseSequencer {
    override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
      return specifications.toSorted((one, other) => rankOf(one) - rankOf(other));
    }
  }
  return defineConfig({
    test: {
      include: [...files],
      sequence: { sequencer: QuickFirst },
      testTimeout: 120_000,
      fileParallelism: false,
      bail: 1,
    },
  });
}
