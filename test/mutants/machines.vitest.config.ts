/** Who notices a mutant of machines/. The planted bugs are left out: they test the monitors. */
import { inOrder } from './in-order.ts';

const machine = (names: string[]): string[] => names.map((name) => `test/machine/${name}.test.ts`);
const unit = (names: string[]): string[] => names.map((name) => `test/unit/${name}.test.ts`);

export default inOrder([
  'test/mutants/loads.test.ts',
  ...machine(['ends', 'asked', 'remembered', 'recovered', 'goodbye', 'shape', 'walks', 'policy', 'bounds', 'diagram']),
  ...unit(['delivery-decide']),
  'test/mutants/promises.test.ts',
  ...unit(['run-session', 'limits', 'reasons']),
  'test/machine/adversary.test.ts',
]);
