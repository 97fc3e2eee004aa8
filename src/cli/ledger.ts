import type { Tally } from '../reads/answers.ts';
import { ask } from '../reads/table.ts';
import { ledgerText } from '../show/ledger-text.ts';
import { printable } from '../show/paint.ts';
import { none } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes } from './problems.ts';
import { withSource } from './stored.ts';

export const ledger: Command = {
  name: 'ledger',
  usage: '',
  summary: 'Counts calls accepted, sealed and delivered, and names each that is missing.',
  details: 'Exit code 1 when it does not balance.',
  options: {},
  async run(given, { settings, print, paint }) {
    none(given, 'ledger');
    const tally = (await withSource(settings, (source) => ask(source, 'ledger', {}))) as Tally;
    print(given.isJson ? printable(tally) : ledgerText(tally, paint));
    return tally.isBalanced ? exitCodes.ok : exitCodes.failure;
  },
};
