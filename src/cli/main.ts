#!/usr/bin/env node
/** `lastword`: the command line as a process. */
import { surviveLostOutput } from '../output/own-output.ts';
import { holdsCalls, runCommandLine } from './command-line.ts';
import { finish, problemOf } from './problems.ts';
import { readEnvironmentFile } from './settings.ts';

const given = process.argv.slice(2);
if (holdsCalls(given)) surviveLostOutput();
else {
  // `lastword report ID | head` closes the pipe, and that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  process.stderr.on('error', () => undefined); // nobody is left to be told
}
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
