import { askToReload } from '../link/ask-keeper.ts';
import { printable } from '../show/paint.ts';
import { none } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes, FailedError } from './problems.ts';

export const reload: Command = {
  name: 'reload',
  usage: '',
  summary: 'Replaces the worker by one with the code that is there now; no call ends by it.',
  details: `The next worker is started beside the one that serves, and takes its place when it takes calls. When it cannot be
loaded, or is not warm a minute after that, nothing is changed. Calls that are going on move to it one by one, when
nobody has spoken for a second; those that cannot (resume: 0, a transfer, a program) stay to their end where they are.
The environment is that of the keeper, which goes on as it is; a new version of lastword itself needs a restart.`,
  options: {},
  async run(given, { settings, print }) {
    none(given, 'reload');
    const asked = await askToReload(settings.directory);
    if ('why' in asked) throw new FailedError(`the worker was not replaced: ${asked.why}`);
    const { worker, calls } = asked;
    if (given.isJson) print(printable({ worker, calls }));
    else print(`worker ${worker} takes the calls${calls === 0 ? '' : `; ${calls} of the one before go on`}`);
    return exitCodes.ok;
  },
};
