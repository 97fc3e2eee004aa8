#!/usr/bin/env node
/** `lastword`: the command line as a process. */
import { holdsCalls, runCommandLine } from './command-line.ts';
import { finish, problemOf } from './problems.ts';
import { readEnvironmentFile } from './settings.ts';

const given = process.argv.slice(2);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (holdsCalls(given)) return; // whoever reads along is gone; the calls are not
  // `lastword report ID | head` closes the pipe, and that is no failure.
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
// Nobody is left to be told.
process.stderr.on('error', () => undefined);
try {
  readEnvironmentFile();
  const code = await runCommandLine(given, {
    env: process.env,
    isTTY: process.stdout.isTTY,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
  finish(code);
} catch (error) {
  const { message, code } = problemOf(error);
  process.stderr.write(`lastword: ${message}\n`);
  finish(code);
}
