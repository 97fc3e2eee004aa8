/**
 * For `node --import`: a machine with 1 GiB. By default a worker warms up six processes for each core, as far as a
 * quarter of the memory allows; on two cores they are twelve, 2 s of a core each, beside the one call of a test.
 */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

os.totalmem = () => 2 ** 30;
syncBuiltinESMExports();
