/**
 * The provider lab as a process of its own: `node main.js [--port N] [--pace instant|typical|slow] [--seed N]`.
 *
 * Prints one line of JSON, `{"openai":…,"cartesia":…,"control":…}`, and runs until it gets SIGTERM or SIGINT or loses
 * the parent that forked it.
 */
import { parseArgs } from 'node:util';
import type { PaceName } from './pace.ts';
import { startLab } from './server.ts';
import { messageOf } from '../../errors/thrown.ts';

const { values } = parseArgs({
  options: { port: { type: 'string' }, pace: { type: 'string' }, seed: { type: 'string' } },
});
const port = values.port === undefined ? 0 : Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write(`--port: expected a number from 0 to 65535, got "${values.port}"\n`);
  process.exit(2);
}
const seed = Number(values.seed ?? 1);
if (!Number.isInteger(seed)) {
  process.stderr.write(`--seed: expected a whole number, got "${values.seed}"\n`);
  process.exit(2);
}
try {
  const lab = await startLab({ port, pace: { name: (values.pace ?? 'instant') as PaceName, seed } });
  const close = () => void lab.close();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, close);
  process.once('disconnect', close);
  process.stdout.write(`${JSON.stringify({ ...lab.urls, control: lab.controlUrl })}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
