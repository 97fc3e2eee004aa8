/** What must be true of sessions, rows and requests however often keeper and courier died. Pure. */
import type { Delivery } from '../../../src/store/store.ts';
import type { Kill } from './killer.ts';
import type { Received } from './recording-receiver.ts';

/** From the answer to its row's settlement on the disk: two processes and a flush, on a machine that is busy. */
const SETTLING_MS = 2_000;
/**
 * A request comes to light after the kill although it was begun before: killer and receiver share a loop, which stands
 * still while a keeper is forked, and a courier has to be given a core to notice that its keeper is gone.
 */
const NOTICED_MS = 1_000;
/** The schedule's second attempt, less its jitter. */
const RETRY_MS = 4_000;
/** An attempt without an answer, less what timers are early. */
const ATTEMPT_MS = 14_900;

export type Deaths = {
  /** Ids of the sessions whose job was accepted. */
  accepted: readonly string[];
  /** By session: the sealed report's body. */
  reports: ReadonlyMap<string, string>;
  rows: readonly Delivery[];
  received: readonly Received[];
  kills: readonly Kill[];
  /** When what waited for its schedule was made due: from then on a request that failed may be followed by the next at once. */
  hastenedAt: number;
};

export type Cost = { problems: string[]; duplicates: number; delivered: number; dead: number };

const isTaken = ({ status }: Received): boolean => status !== undefined && status < 300;

/** Why a request may be followed by another one of its row; undefined: there is no reason. */
const reasonFor = (before: Received, after: Received, { kills, hastenedAt }: Deaths): string | undefined => {
  if (after.cameAt >= hastenedAt && !isTaken(before)) return 'it failed, and its schedule was hastened';
  const until = Math.min(after.cameAt, (before.answeredAt ?? Infinity) + SETTLING_MS);
  if (kills.some(({ at }) => at >= before.cameAt - NOTICED_MS && at <= until))
    return 'it was in flight when somebody was killed';
  const waited = after.cameAt - (before.answeredAt ?? before.cameAt);
  if (before.status !== undefined && before.status >= 300 && waited >= RETRY_MS) return 'it failed';
  if (before.isRefused === true && before.status === undefined && waited >= RETRY_MS) return 'it had no answer';
  return before.status === undefined && waited >= ATTEMPT_MS ? 'its time was over' : undefined;
};

export function whatDeathsCost(deaths: Deaths): Cost {
  const { accepted, reports, rows, received, kills } = deaths;
  const problems: string[] = [];
  const byId = new Map<string, Received[]>();
  for (const one of received) byId.set(one.id, [...(byId.get(one.id) ?? []), one]);
  for (const session of accepted) if (!reports.has(session)) problems.push(`${session}: accepted, and has no report`);
  const rowsOf = new Map<string, number>();
  for (const { session } of rows) rowsOf.set(session, (rowsOf.get(session) ?? 0) + 1);
  for (const session of reports.keys())
    if (rowsOf.get(session) !== 1) problems.push(`${session}: ${rowsOf.get(session) ?? 0} rows of one report`);

  const known = new Set(rows.map(({ report }) => report));
  for (const id of byId.keys()) if (!known.has(id)) problems.push(`${id}: requested, and in no row`);
  let duplicates = 0;
  for (const { session, report, state, attempts, settledAt = Infinity } of rows) {
    const requests = byId.get(report) ?? [];
    const say = (what: string) =>
      problems.push(`${session}: ${what}; requests: ${JSON.stringify(requests, withoutBody)}`);
    if (state === 'delivered' && !requests.some(isTaken)) say('called delivered, and nobody took it');
    if (state === 'dead' && !requests.some(({ status }) => status === 410)) say('dead before its schedule was over');
    if (state !== 'delivered' && state !== 'dead') say(`still ${state}`);
    if (attempts < requests.length) say(`${attempts} attempts counted`);
    for (const { body } of requests)
      if (body !== undefined && body !== reports.get(session)) say('other bytes than were sealed');
    if (requests.some(({ cameAt }) => cameAt > settledAt)) say(`sent again after it was settled at ${settledAt}`);
    for (const [index, after] of requests.entries()) {
      const before = requests[index - 1];
      if (!before) continue;
      duplicates += 1;
      const near = kills.filter(({ at }) => at > before.cameAt - RETRY_MS && at < after.cameAt);
      if (reasonFor(before, after, deaths) === undefined)
        say(`request ${index + 1} has no reason; kills: ${JSON.stringify(near)}`);
    }
  }
  const count = (state: Delivery['state']) => rows.filter((row) => row.state === state).length;
  return { problems, duplicates, delivered: count('delivered'), dead: count('dead') };
}

const withoutBody = (key: string, value: unknown): unknown => (key === 'body' ? undefined : value);
