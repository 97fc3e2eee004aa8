/** A clock that stands still until it is told: timers in order of time, and the event loop drained after each. */
import type { Timers } from '../../src/delivery/relay-clock.ts';

export type VirtualClock = {
  now: () => number;
  timers: Timers;
  /** Lets everything that waits for no timer happen. */
  drain: () => Promise<void>;
  advance: (milliseconds: number) => Promise<void>;
};

export const virtualClock = (start = 1_000_000): VirtualClock => {
  let time = start;
  let count = 0;
  const waiting = new Map<number, { at: number; run: () => void }>();
  // Sixteen turns of the event loop are enough for any chain of promises between two timers here.
  const drain = async (): Promise<void> => {
    for (let turn = 0; turn < 16; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => time,
    timers: {
      setTimeout: (run, milliseconds) => {
        waiting.set((count += 1), { at: time + Math.max(0, milliseconds), run });
        return count;
      },
      clearTimeout: (timer: never) => void waiting.delete(timer),
    },
    drain,
    advance: async (milliseconds) => {
      const until = time + milliseconds;
      await drain();
      for (;;) {
        const next = [...waiting].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
        if (next === undefined) break;
        waiting.delete(next[0]);
        time = Math.max(time, next[1].at);
        next[1].run();
        await drain();
      }
      time = until;
    },
  };
};
