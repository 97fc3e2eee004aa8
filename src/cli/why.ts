import { ask } from '../reads/table.ts';
import type { Why } from '../reads/answers.ts';
import { printable } from '../show/paint.ts';
import { whyText } from '../show/why-text.ts';
import { only } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes } from './problems.ts';
import { sessionNamed, withSource } from './stored.ts';

export const why: Command = {
  name: 'why',
  usage: 'ID',
  summary: 'Says in one sentence why a call ended, and which entry proves each word.',
  details: `Who ended it, for what reason, where it was, whose fault it was; was the goodbye heard, the caller let go, the report
delivered. Of a call that goes on: where it is now. 1:29 is entry 29 of the first process, keeper:9 one of the keeper.`,
  options: {},
  async run(given, { settings, print, paint }) {
    const session = await sessionNamed(settings, only(given, 'ID', 'why'));
    const answer = (await withSource(settings, (source) => ask(source, 'why', { session }))) as Why;
    print(given.isJson ? printable(answer) : whyText(answer, paint));
    return exitCodes.ok;
  },
};
