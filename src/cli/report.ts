import { sessionOfReport } from '../report/fold.ts';
import { printable } from '../show/paint.ts';
import { only } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes, NotFoundError } from './problems.ts';
import { lookedUp, notFound, sessionNamed, storedJournal } from './stored.ts';

export const report: Command = {
  name: 'report',
  usage: 'ID',
  summary: 'Prints the sealed report of a session.',
  details: `ID is a session's or a report's. With --json: the very bytes that were sealed, signed and sent.`,
  options: {},
  async run(given, { settings, print }) {
    const session = await sessionNamed(settings, sessionOfReport(only(given, 'ID', 'report')));
    const sealed = lookedUp(settings, undefined, (rows) => rows.report(session));
    if (!sealed) {
      if (!(await storedJournal(settings, session))) return notFound(settings, session);
      throw new NotFoundError(
        `${session}: expected a sealed report, got none yet; it is sealed when the call is over and a keeper runs. lastword show ${session} tells what is known`,
      );
    }
    print(given.isJson ? sealed.body : printable(JSON.parse(sealed.body)));
    return exitCodes.ok;
  },
};
