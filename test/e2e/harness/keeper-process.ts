/** A keeper in a process of its own, as `lastword start FILE` runs it; it ends when who started it is gone. */
import { pino } from 'pino';
import { runKeeper } from '../../../src/keeper/main.ts';

process.channel?.unref();
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

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
