/**
 * At most one deletion in flight for a room, in this process, whoever asks.
 *
 * Two at the same time can bring a room back: the server takes the agent's leaving for a failed job and assigns the
 * deleted room again (seen in 2 of 8 calls that ended with two deletions). So whoever comes second joins the first.
 * An entry stays until the request itself has settled, also when everyone who waited has left.
 */
const inFlight = new Map<string, Promise<void>>();

/** Joins the deletion of this room that is under way, or begins one. */
export const deleteOnce = (server: string, room: string, begin: () => Promise<void>): Promise<void> => {
  const key = `${server}\n${room}`;
  const running = inFlight.get(key);
  if (running !== undefined) return running;
  const begun = begin().finally(() => inFlight.delete(key));
  inFlight.set(key, begun);
  return begun;
};
