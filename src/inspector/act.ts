/**
 * What an operator can do from the page.
 *
 *   A1  The second secret is made when the process starts, printed in its terminal, and nowhere else.
 *   A2  Who guesses is stopped: after five wrong ones nobody acts for a minute.
 *   A3  A call is ended by its keeper, which tells the job: the call says goodbye, and its journal has the reason.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { SessionId } from '../journal/ids.ts';
import { isSameToken } from '../link/secret.ts';
import type { NewDelivery, Store } from '../store/store.ts';
import { RequestProblem } from './problem.ts';

const MOST_WRONG = 5;
const CLOSED_MS = 60_000;

export type Actions = {
  /** @throws RequestProblem for a wrong secret */
  check(secret: string): void;
  /** @returns the ids of the new rows */
  redeliver(deliveries: readonly string[]): Promise<string[]>;
  end(session: SessionId): Promise<void>;
};

/** *Effect.* Short enough to be typed: 9 digits, and five tries a minute. */
export const makeActionSecret = (): string =>
  String(randomInt(1_000_000_000))
    .padStart(9, '0')
    .replaceAll(/(...)(?=.)/g, '$1-');

export function openActions(options: {
  secret: string;
  /** For one act: closed after it. */
  openStore: () => Promise<Store>;
  endCall: (session: SessionId) => Promise<void>;
  now?: () => number;
}): Actions {
  const { secret, openStore, endCall, now = () => performance.now() } = options;
  let wrong: number[] = [];
  return {
    check(given) {
      wrong = wrong.filter((at) => now() - at < CLOSED_MS);
      if (wrong.length >= MOST_WRONG)
        throw new RequestProblem(429, `secret: ${MOST_WRONG} wrong ones within a minute; wait a minute`, {
          'retry-after': '60',
        });
      if (isSameToken(secret, given.trim())) return;
      wrong.push(now());
      throw new RequestProblem(
        403,
        'secret: expected the one that --allow-actions printed in the terminal, got another one',
      );
    },
    async redeliver(ids) {
      const store = await openStore();
      try {
        const rows: NewDelivery[] = [];
        for (const id of new Set(ids)) {
          const [before, body] = [await store.delivery(id), await store.body(id)];
          if (!before || body === undefined)
            throw new RequestProblem(
              404,
              'deliveries: expected ids of rows that are there, got another one; nothing was queued',
            );
          const { session, report, destination, lane, kind } = before;
          const delivery = `${report}-again-${randomUUID()}`;
          rows.push({ delivery, session, report, destination, lane, kind, body, nextAt: Date.now() });
        }
        await store.enqueue(rows);
        return rows.map(({ delivery }) => delivery);
      } finally {
        await store.close();
      }
    },
    end: endCall,
  };
}
