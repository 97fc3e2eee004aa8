/** The idle process in front of a keeper. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors/thrown.ts';
import { inheritedFlags, whenStarterIsGone } from '../link/starter.ts';

/**
 * *Effect.* For those who run the agent file itself: starts the keeper, and ends as it does. The keeper gets the program that Node
 * was started with, which may be another file than the agent's: there runWorker is called, with its options.
 */
export function startKeeper(): void {
  const main = fileURLToPath(new URL(`../cli/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  const [, program = '', command = 'start', ...rest] = process.argv;
  const file = process.env['pm_exec_path'] ?? program;
  // A group of its own: a terminal's Ctrl-C would else reach it twice, by the terminal and by us. The channel carries
  // nothing: it closes when this process is gone, however that came.
  const keeper = spawn(process.execPath, [...inheritedFlags(), main, command, file, ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: command !== 'console', // it reads the terminal
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => keeper.kill(signal));
  whenStarterIsGone(() => keeper.kill('SIGTERM'));
  keeper.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128 + constants.signals[signal])));
  keeper.on('error', (error) => {
    console.error(`lastword: the keeper could not be started: ${messageOf(error)}`);
    process.exit(1);
  });
}
