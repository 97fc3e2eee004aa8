/**
 * When was a sample heard? Two witnesses, neither to be trusted alone: a stream's position counts samples and knows
 * nothing of pauses; the arrival of a frame knows pauses, and is late whenever the listening process was busy.
 *
 * A frame that is late and followed by a burst was delayed; frames that stay late mean the stream had paused. So a
 * sample's time is its position plus the smallest lag (arrival minus position) of the last second.
 */
const MEMORY_MS = 1000;

export class StreamClock {
  #lags: { at: number; lag: number }[] = [];

  /**
   * @param arrivedAt - when the frame arrived, milliseconds
   * @param positionMs - the end of the frame in the stream, milliseconds
   * @returns what to add to a position for its time
   */
  heard(arrivedAt: number, positionMs: number): number {
    const lag = arrivedAt - positionMs;
    const oldest = arrivedAt - MEMORY_MS;
    // Kept rising, so that the first is the smallest: a later, smaller lag makes the larger ones before it useless.
    while (this.#lags.length > 0 && (this.#lags.at(-1) as { lag: number }).lag >= lag) this.#lags.pop();
    this.#lags.push({ at: arrivedAt, lag });
    while ((this.#lags[0] as { at: number }).at < oldest) this.#lags.shift();
    return (this.#lags[0] as { lag: number }).lag;
  }
}
