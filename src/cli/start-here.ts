/**
 * `npm start`. With LIVEKIT_URL and its keys: the keeper over the deployed worker. Without: a call in this terminal.
 */
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../errors/config-error.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { runTerminal } from '../demo/run.ts';
import { runCommandLine } from './command-line.ts';
import { finish, problemOf } from './problems.ts';
import { paceOf, readEnvironmentFile, settings } from './settings.ts';

const agentFile = fileURLToPath(new URL('../agent.js', import.meta.url));
const { env, stdin, stdout, stderr } = process;
surviveLostOutput();
const livekit = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'] as const;

async function main(): Promise<number> {
  readEnvironmentFile();
  const missing = livekit.filter((name) => (env[name] ?? '') === '');
  if (missing.length > 0 && missing.length < livekit.length)
    throw new ConfigError({
      field: missing.join(', '),
      expected: `a value, since ${livekit.filter((name) => !missing.includes(name)).join(' and ')} is set`,
      got: 'nothing',
      advice: 'set all three for a LiveKit server, or none for a call in this terminal',
    });
  if (missing.length === 0)
    return runCommandLine(['start', agentFile], {
      env,
      isTTY: stdout.isTTY,
      out: (text) => void stdout.write(text),
      err: (text) => void stderr.write(text),
    });
  return runTerminal({
    ...settings(env),
    pace: paceOf(env),
    agentFile,
    input: stdin,
    output: stdout,
    env,
    // A pipe of typed lines counts as a terminal when it says so.
    isScripted: !stdin.isTTY && env['LASTWORD_TERMINAL'] !== '1',
  });
}

const code = await main().catch((error: unknown) => {
  const { message, code } = problemOf(error);
  stderr.write(`lastword: ${message}\n`);
  return code;
});
finish(code);
