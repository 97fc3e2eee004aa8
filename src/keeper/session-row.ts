/** A session's row in the index of the store. A projection: the journal is true without it, and the seal writes it anew. */
import type { Logger } from 'pino';
import type { SessionRow, Store } from '../store/store.ts';
import type { SessionId } from '../journal/ids.ts';

export type IndexRow = {
  /** Written behind what was asked before; never rejects. */
  put(state: 'open' | 'recovering'): void;
  /** There is no such session after all. */
  drop(): void;
};

/** @param row what is known of the session now */
export function openRow(options: {
  session: SessionId;
  store: Pick<Store, 'putSession' | 'dropSession'>;
  row: () => Promise<Omit<SessionRow, 'state'>>;
  log: () => Logger;
}): IndexRow {
  const { session, store, row, log } = options;
  let last: Promise<void> = Promise.resolve();
  const then = (work: () => Promise<void>) => {
    last = last
      .then(work)
      .catch((error: unknown) => log().warn({ err: error }, 'the index of sessions is not up to date'));
  };
  return {
    put: (state) => then(async () => store.putSession({ ...(await row()), state })),
    drop: () => then(() => store.dropSession(session)),
  };
}
