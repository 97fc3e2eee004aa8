/** `console`: a call with one's own agent in this terminal, by typing. No LiveKit, no microphone. */
import { resolve } from 'node:path';
import { only } from './arguments.ts';
import type { Command } from './command.ts';
import { paceOf } from './settings.ts';
import { checkAgentFile } from './start.ts';

export const consoleCommand: Command = {
  name: 'console',
  usage: 'FILE',
  summary: 'A call with an agent file in this terminal, by typing.',
  details: `The agent speaks with its own models and keys; what it would say is printed as it is heard. No LiveKit server is needed.
The SDK's own console, for a broker of \`lk\`, stays where it is: node agent.js console --connect-addr HOST:PORT.`,
  options: {},
  async run(given, { settings, env }) {
    const file = only(given, 'FILE', 'console');
    checkAgentFile(file);
    const { runTerminal } = await import('../demo/run.ts'); // with the lab, which no keeper needs
    const { stdin: input, stdout: output } = process;
    return runTerminal({
      ...settings,
      agentFile: resolve(file),
      input,
      output,
      env,
      isScripted: false,
      isOwn: true,
      pace: paceOf(env),
    });
  },
};
