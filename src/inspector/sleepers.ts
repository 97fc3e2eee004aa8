/** Those who wait until something is new, each for as long as its own signal lets it. */
export class Sleepers {
  readonly #wakes = new Set<() => void>();

  /** Until `wake`, or until it is aborted; whoever asked has looked before that there is nothing yet. */
  sleep(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakes.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  wake(): void {
    for (const wake of this.#wakes) wake();
  }
}
