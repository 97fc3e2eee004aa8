import type { Difference } from '../reads/answers.ts';
import { ask } from '../reads/table.ts';
import { diffText } from '../show/diff-text.ts';
import { printable } from '../show/paint.ts';
import type { Command } from './command.ts';
import { exitCodes, UsageError } from './problems.ts';
import { sessionNamed, withSource } from './stored.ts';

export const diff: Command = {
  name: 'diff',
  usage: 'ID ID',
  summary: 'Two calls side by side, and the first step in which they differ.',
  details: 'Aligned by the steps of the session machine: what led on, and where it went.',
  options: {},
  async run(given, { settings, print, paint }) {
    const [first, second, ...more] = given.positionals;
    if (first === undefined || second === undefined || more.length > 0)
      throw new UsageError(`diff: expected ID ID, got ${given.positionals.length}; write lastword diff ID ID`);
    const [one, other] = [await sessionNamed(settings, first), await sessionNamed(settings, second)];
    const answer = (await withSource(settings, (source) => ask(source, 'diff', { one, other }))) as Difference;
    print(given.isJson ? printable(answer) : diffText(answer, paint));
    return exitCodes.ok;
  },
};
