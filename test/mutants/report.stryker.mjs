import { mutantsOf } from './stryker.mjs';

export default mutantsOf('report', ['src/report/**/*.ts']);
