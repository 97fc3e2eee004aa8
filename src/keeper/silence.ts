/**
 * How long a job has been silent. A process that waits for a core cannot beat, and is not frozen: on a machine that does
 * more than it can, jobs stood still for three seconds and were well (three calls of some 200, beside a linter on two
 * cores). So the time in which its main thread was ready to run and got no core is not counted, up to a limit: a
 * caller's patience does not depend on why.
 */
import type { Owner } from '../journal/entry.ts';
import { waitedForCoreMs } from '../journal/owner.ts';

export type Silence = {
  /** Since the last sign of life. In ms. */
  readonly ms: number;
  /** A sign of life. */
  heard(): void;
  /** The keeper itself could hear nobody for so long. */
  wasDeaf(ms: number): void;
  /** The first beat is missing: from here on it is known what the process waits for. Does nothing the second time. */
  missed(owner: Owner | undefined): Promise<void>;
  /** Of this silence, what the process spent waiting for a core; 0 when nobody can say. In ms. */
  starvedMs(owner: Owner): Promise<number>;
};

export function openSilence(waited: (owner: Owner) => Promise<number | undefined> = waitedForCoreMs): Silence {
  let lastSign = performance.now();
  /** What the process had waited for in all when its first beat was missing. */
  let before: Promise<number | undefined> | undefined;
  return {
    get ms() {
      return performance.now() - lastSign;
    },
    heard() {
      lastSign = performance.now();
      before = undefined;
    },
    wasDeaf(ms) {
      lastSign += ms;
    },
    async missed(owner) {
      if (owner) before ??= waited(owner);
      await before;
    },
    async starvedMs(owner) {
      const [from, to] = [await before, await waited(owner)];
      return from === undefined || to === undefined ? 0 : Math.max(0, to - from);
    },
  };
}
