/** Who notices a mutant of src/report/. */
import { inOrder } from './in-order.ts';

export default inOrder([
  'test/mutants/loads.test.ts',
  ...['facts', 'transcript', 'causes', 'lines', 'end', 'fold'].map((name) => `test/unit/report-${name}.test.ts`),
  'test/docs/report-schema.test.ts',
]);
