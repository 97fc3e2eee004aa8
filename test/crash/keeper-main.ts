/** A keeper as a process of its own, with keeper-fake.js for a worker: `keeper-main.js DIRECTORY STORE SCENARIO`. */
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { runKeeper } from '../../src/keeper/main.ts';

const [directory = '', store = '', scenario = ''] = process.argv.slice(2);
const fake = fileURLToPath(new URL('./keeper-fake.js', import.meta.url));
try {
  process.exitCode = await runKeeper({
    agentFile: 'keeper-fake.js',
    mode: 'start',
    directory,
    store,
    args: [],
    command: { file: process.execPath, args: [fake, 'worker', scenario] },
    log: pino({ level: 'debug' }, pino.destination({ sync: true })),
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
