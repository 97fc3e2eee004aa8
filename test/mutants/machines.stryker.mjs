import { mutantsOf } from './stryker.mjs';

export default mutantsOf('machines', ['machines/**/*.ts']);
