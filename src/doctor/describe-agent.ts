/** An agent file in a process of its own, which says what it asks for and ends: it may throw, hang, or be none. */
import { fork } from 'node:child_process';
import { inheritedFlags } from '../link/starter.ts';
import { DESCRIBE, type Description } from '../worker/describe.ts';

/** Import of the SDK and of whatever the file imports, on a slow disk. */
const DESCRIBE_MS = 30_000;
const SAID_CHARACTERS = 300;

/** *Effect.* Never rejects. @returns the description, or in one line why there is none */
export function describeAgent(file: string): Promise<Description | string> {
  return new Promise((resolve) => {
    const child = fork(file, [], {
      execArgv: inheritedFlags(),
      env: { ...process.env, [DESCRIBE]: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    const over = (result: Description | string) => {
      clearTimeout(late);
      child.kill('SIGKILL');
      resolve(result);
    };
    const late = setTimeout(() => over(`says nothing within ${DESCRIBE_MS / 1_000} s`), DESCRIBE_MS);
    child.once('message', (message) => over(message as Description));
    child.once('error', (error) => over(error.message));
    child.once('close', (code) =>
      over(lineIn(said) ?? `ended with ${code}, and started no worker: does it call runWorker?`),
    );
  });
}

/** Of all that it printed, the line that says what is wrong: Node prints the source before it and the stack behind. */
const lineIn = (said: string): string | undefined => {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((each) => /^(lastword:|\w*Error\b)/.test(each.trim())) ?? lines.at(-1);
  return line
    ?.replace(/^lastword: /, '')
    .trim()
    .slice(0, SAID_CHARACTERS);
};
