/** Commands whose names are taken, and that are refused until they are built. */
import type { Command } from './command.ts';
import { exitCodes } from './problems.ts';

const refused = (name: string, summary: string, instead: string): Command => ({
  name,
  usage: '',
  summary: `${summary} Not built yet.`,
  details: '',
  options: {},
  run: () => {
    process.stderr.write(`lastword: ${name} is not built yet; ${instead}\n`);
    return Promise.resolve(exitCodes.failure);
  },
});

export const inspect = refused(
  'inspect',
  'Shows sessions live in a browser.',
  'lastword show ID prints a session, also while it runs',
);
