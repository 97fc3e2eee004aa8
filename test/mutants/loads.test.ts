/**
 * First of what `npm run mutants` runs. A mutant that keeps a module from being loaded fails no test, for there is none
 * then, and Stryker counts it as survived; here it fails one.
 */
import { expect, test } from 'vitest';

test.each(['machines/index.ts', 'src/report/fold.ts', 'src/report/schema.ts'])('%s can be loaded', async (file) => {
  expect(Object.keys(await import(`../../${file}`))).not.toEqual([]);
});
