/** A keeper in a process of its own, as `lastword start FILE` runs it. */
import { pino } from 'pino';
import { runKeeper } from '../../../src/keeper/main.ts';

const [agentFile = '', directory = ''] = process.argv.slice(2);
process.exitCode = await runKeeper({
  agentFile,
  directory,
  mode: 'start',
  store: `sqlite:${directory}/lastword.db`,
  args: [],
  log: pino({ level: 'debug' }),
});
process.exit();
