/** A keeper over a stand-in for its worker, in a process of its own: prints its metrics port. Built into dist. */
import { pino } from 'pino';
import { runKeeper } from '../../src/keeper/main.ts';

const [, , directory = '', worker = ''] = process.argv;
const log = pino({}, { write: (line: string) => void process.stdout.write(line) });
process.exitCode = await runKeeper({
  agentFile: worker,
  mode: 'start',
  directory,
  store: `sqlite:${directory}/lastword.db`,
  args: [],
  command: { file: process.execPath, args: [worker] },
  metrics: { port: 0, version: '9.9.9' },
  log,
});
setTimeout(() => process.exit(), 500).unref();
