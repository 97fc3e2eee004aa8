/**
 * Whose dispatches sealed sessions were. LiveKit may begin a job again by itself (LiveKit Cloud, newer servers): while its
 * session is open it is the next epoch (succession.ts), and after the seal a session of its own, which names the one before.
 *
 * What this keeper sealed itself: such a job comes within seconds. The oldest are forgotten.
 */
import type { SessionId } from '../journal/ids.ts';

const MOST_REMEMBERED = 10_000;

export class SealedDispatches {
  readonly #sessions = new Map<string, SessionId>();

  add(session: SessionId, dispatches: readonly string[]): void {
    for (const dispatch of dispatches) this.#sessions.set(dispatch, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MOST_REMEMBERED) break;
      this.#sessions.delete(oldest);
    }
  }

  sessionOf(dispatch: string | undefined): SessionId | undefined {
    return dispatch === undefined ? undefined : this.#sessions.get(dispatch);
  }
}
