/**
 * `runWorker`: the SDK's own worker and command line, below a keeper.
 *
 * Several processes read the agent file, and each wants something else of this call:
 *   the job      nothing: its entry is the default export
 *   the worker   the SDK's server, told of to the keeper whose socket is in the environment
 *   anybody's `node agent.js start`   a keeper, started with the same arguments; signals and exit code pass through
 *   the doctor   what the file asks for
 *   who imports the file   nothing, which is said in one line: a worker that did not start is no success
 */
import { existsSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { callerFile, definedIn } from '../job/definitions.ts';
import { DESCRIBE, describe } from './describe.ts';
import { startKeeper } from './front.ts';
import { orRefuse, refuse } from './refuse.ts';
import { keeperCommands, runServer } from './serve.ts';
import { checkOptions, type WorkerOptions } from './worker-options.ts';

/** Of the SDK's command line. */
const workerCommands = [...keeperCommands, 'connect', 'console', 'download-files'];
/** How a process that runs somebody's tests can be told: there an agent file is imported to be looked at. */
const testRunners = ['VITEST', 'VITEST_WORKER_ID', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT'];

let hasRun = false;

/**
 * Returns at once, and does nothing in a job. Starts what the command line asks for (`start`, `dev`, …), whichever file
 * was given to Node: this one, a link to it, a main file that imports it. Wrong options end the process with one line
 * and exit code 78.
 */
export function runWorker(agentFile: string, options: WorkerOptions = {}): void {
  const file = agentFile.startsWith('file:') ? fileURLToPath(agentFile) : resolve(agentFile);
  if (isJobProcess() || !isMainThread || hasRun) return;
  const [command] = process.argv.slice(2);
  const isAsked = command !== undefined && workerCommands.includes(command);
  if (!isAsked && !isProgram(file) && !isProgram(callerFile())) return sayNothingStarts(file);
  hasRun = true;
  if (!existsSync(file))
    refuse(`runWorker: expected the file of the agent, got ${file}, which does not exist; give import.meta.url`);
  const definition = definedIn(agentFile);
  if (!definition)
    refuse(
      `runWorker: expected a defineSession in ${file}, got none; write \`export default defineSession({ … })\` there, above runWorker, or import the file before`,
    );
  orRefuse(() => checkOptions(options));
  if (process.env[DESCRIBE] !== undefined && process.send) return describe(definition, options);
  const isKept = process.env['LASTWORD_SOCKET'] !== undefined;
  const isOwnConsole = command === 'console' && !process.argv.some((word) => word.startsWith('--connect-addr'));
  if (isOwnConsole || (!isKept && command !== undefined && keeperCommands.includes(command))) startKeeper();
  else void runServer(file, definition, options);
}

/** The SDK forks its own file, which imports the agent file; its console does so in the process that asked for it. */
const isJobProcess = () => /^job_proc|^inference_proc/.test(basename(process.argv[1] ?? ''));

/** Is this file what Node was started with? Through links; pm2 puts a file of its own in between, and names ours. */
function isProgram(file: string): boolean {
  const real = (path: string | undefined) => {
    try {
      return path === undefined || path === '' ? undefined : realpathSync(path);
    } catch {
      return undefined;
    }
  };
  const program = real(file);
  return program !== undefined && [process.argv[1], process.env['pm_exec_path']].some((path) => real(path) === program);
}

function sayNothingStarts(file: string): void {
  if (testRunners.some((name) => process.env[name] !== undefined)) return;
  const program = process.argv[1] ?? 'a script without a file';
  const [command = 'nothing'] = process.argv.slice(2);
  console.error(
    `lastword: no worker starts: ${program} imports ${file}, and its command is ${command}; expected one of ${workerCommands.join(', ')}. Run \`node ${basename(program)} start\``,
  );
  process.exitCode ??= 78;
}
