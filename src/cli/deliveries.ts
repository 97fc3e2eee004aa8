import { addressForPeople } from '../delivery/metadata-url.ts';
import { forPeople } from '../output/for-people.ts';
import { printable, table } from '../show/paint.ts';
import type { ListedDelivery } from '../store/store.ts';
import { clock, limitOf, none, choiceOf } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes } from './problems.ts';
import { lookedUp, sessionNamed, withoutBody } from './stored.ts';

const states = ['due', 'delivering', 'delivered', 'dead'] as const;

export const deliveries: Command = {
  name: 'deliveries',
  usage: '',
  summary: 'Lists deliveries, newest first: what went where, what is due, what is dead.',
  details: `--state due|delivering|delivered|dead   only these
--session ID                            only of this session
--limit N                               at most N, default 50`,
  options: { state: { type: 'string' }, session: { type: 'string' }, limit: { type: 'string' } },
  async run(given, { settings, print }) {
    none(given, 'deliveries');
    const limit = limitOf(given);
    const state = choiceOf(given.values['state'], states, '--state');
    const asked = given.values['session'];
    const session = typeof asked === 'string' ? await sessionNamed(settings, asked) : undefined;
    const page = { limit, ...(state && { state }), ...(session !== undefined && { session }) };
    const found = lookedUp(settings, [] as ListedDelivery[], (rows) => rows.deliveries(page));
    if (given.isJson) print(printable(found.map(withoutBody)));
    else if (found.length === 0) print(`no such deliveries in ${settings.directory}`);
    else {
      const cells = found.map(({ session, kind, destination, state, attempts, createdAt, nextAt, lastError }) => [
        session,
        kind,
        state,
        String(attempts),
        clock(createdAt),
        addressForPeople(destination),
        state === 'delivered'
          ? ''
          : `${state === 'due' ? `next ${clock(nextAt)} ` : ''}${forPeople(lastError ?? '')}`.trim(),
      ]);
      print(table([['SESSION', 'KIND', 'STATE', 'ATTEMPTS', 'SINCE', 'DESTINATION', ''], ...cells]));
    }
    return exitCodes.ok;
  },
};
