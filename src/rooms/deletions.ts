/**
 * At most one deletion in flight for a room, whoever asks.
 *
 * Two at the same time can bring a room back: the server takes the agent's leaving for a failed job and assigns the
 * deleted room again (seen in 2 of 8 calls that ended with two deletions). So whoever comes second joins the first.
 * An entry stays until the request itself has settled, also when everyone who waited has left.
 */
export class Deletions {
  /** By room. */
  readonly #inFlight = new Map<string, Promise<void>>();

  /** Joins the deletion of this room that is under way, or begins one. */
  once(room: string, begin: () => Promise<void>): Promise<void> {
    const running = this.#inFlight.get(room);
    if (running !== undefined) return running;
    const begun = begin().finally(() => this.#inFlight.delete(room));
    this.#inFlight.set(room, begun);
    return begun;
  }
}
