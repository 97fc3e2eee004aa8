/**
 * `npm start`. With LIVEKIT_URL and its keys: the keeper over the deployed worker. Without: a call in this terminal.
 */
import { fileURLToPath } from 'node:url';
import { runTerminal } from '../terminal/run.ts';
import { settings } from './settings.ts';
import { finish, problemOf } from './problems.ts';

const agentFile = fileURLToPath(new URL('../agent.js', import.meta.url));
const { directory, store } = settings();
const code = await runTerminal({
  directory,
  store,
  agentFile,
  input: process.stdin,
  output: process.stdout,
  env: process.env,
  isScripted: !process.stdin.isTTY && process.env['LASTWORD_TERMINAL'] !== '1',
}).catch((error: unknown) => {
  const { message, code } = problemOf(error);
  console.error(`lastword: ${message}`);
  return code;
});
finish(code);
