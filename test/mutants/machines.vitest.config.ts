/**
 * Who notices a mutant of machines/. The planted bugs are left out (they test the monitors), and what takes many seconds:
 * random calls, ladders and races. A mutant that only those notice counts as survived, so the score is rather too low.
 */
import { inOrder } from './in-order.ts';

const machine = (names: string[]): string[] => names.map((name) => `test/machine/${name}.test.ts`);

export default inOrder([
  'test/mutants/loads.test.ts',
  ...machine(['ends', 'asked', 'remembered', 'recovered', 'goodbye', 'mending', 'tenure', 'unanswered', 'turns']),
  ...machine(['shape', 'walks', 'policy', 'bounds', 'diagram']),
  'test/unit/delivery-decide.test.ts',
  'test/mutants/promises.test.ts',
  'test/unit/run-session.test.ts',
]);
