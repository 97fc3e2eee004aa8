/** Time and chance of a relay: the system's, or a test's. */

/** For one answer of the store. */
const STORE_MS = 10_000;

export type Timers = {
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
};
export type ClockOptions = { now?: () => number; random?: () => number; timers?: Timers };

export type RelayClock = Required<ClockOptions> & {
  /** What the store answers. @throws Error when it does not within 10 s */
  within: <Value>(asked: Promise<Value>, what: string) => Promise<Value>;
  pause: (milliseconds: number) => Promise<void>;
};

export const relayClock = ({
  now = Date.now,
  random = Math.random,
  timers = globalThis,
}: ClockOptions): RelayClock => ({
  now,
  random,
  timers,
  within: async (asked, what) => {
    let limit: unknown;
    const late = new Promise<never>((_, reject) => {
      const onLate = () => reject(new Error(`${what}: the store gave no answer in ${STORE_MS} ms`));
      limit = timers.setTimeout(onLate, STORE_MS);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      timers.clearTimeout(limit as never);
    }
  },
  pause: (milliseconds) => new Promise((resolve) => void timers.setTimeout(resolve, milliseconds)),
});
