import { randomUUID } from 'node:crypto';
import { addressForPeople } from '../delivery/metadata-url.ts';
import { sessionOfReport } from '../report/fold.ts';
import type { NewDelivery, Store } from '../store/store.ts';
import { printable } from '../show/paint.ts';
import type { Command } from './command.ts';
import { exitCodes, NotFoundError, UsageError } from './problems.ts';
import { notFound, sessionNamed, withoutBody, withStore } from './stored.ts';
import { isSessionId, type SessionId } from '../journal/ids.ts';

export const redeliver: Command = {
  name: 'redeliver',
  usage: 'ID…',
  summary: 'Sends sealed reports again, to every destination they went to before.',
  details: `Each ID is a session's or a report's. The same bytes go out under the same webhook-id, so a receiver can tell a
repeat. Either all are queued or none; a running keeper sends them within a second, the next one otherwise.`,
  options: {},
  async run({ positionals, isJson }, { settings, print }) {
    if (positionals.length === 0)
      throw new UsageError('redeliver: expected at least one ID, got nothing; `lastword sessions` lists them');
    const ids = [...new Set(positionals.map(sessionOfReport))];
    const unknown: string[] = [];
    const queued = await withStore<NewDelivery[]>(settings, [], async (store) => {
      const rows: NewDelivery[] = [];
      for (const session of ids) {
        const again = isSessionId(session) ? await againFor(store, session) : undefined;
        if (again) rows.push(...again);
        else unknown.push(session);
      }
      if (unknown.length === 0) await store.enqueue(rows);
      return rows;
    });
    const [first] = unknown.length > 0 || queued.length > 0 ? unknown : ids;
    if (first !== undefined) {
      const session = await sessionNamed(settings, first);
      if (await withStore(settings, undefined, (store) => store.session(session)))
        throw new NotFoundError(`${first}: expected a sealed report, got none yet; nothing was queued`);
      return notFound(settings, first);
    }
    if (isJson) print(printable(queued.map(withoutBody)));
    else for (const { session, destination } of queued) print(`${session} → ${addressForPeople(destination)}: queued`);
    return exitCodes.ok;
  },
};

/** Undefined without a sealed report. */
async function againFor(store: Store, session: SessionId): Promise<NewDelivery[] | undefined> {
  const sealed = await store.report(session);
  if (!sealed) return undefined;
  const before = await store.deliveries({ limit: 10_000, session });
  const destinations = new Map(
    before.filter(({ kind }) => kind === 'report').map(({ destination, lane }) => [destination, lane]),
  );
  if (destinations.size === 0)
    throw new NotFoundError(
      `${session}: expected a destination that its report went to, got none; add one to \`reports\` for the calls to come, and take this one with lastword report ${session}`,
    );
  return [...destinations].map(([destination, lane]) => ({
    delivery: `${sealed.report}-again-${randomUUID()}`,
    session,
    report: sealed.report,
    destination,
    lane,
    kind: 'report',
    body: sealed.body,
    nextAt: Date.now(),
  }));
}
