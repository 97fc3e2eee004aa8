/**
 * What speaks for or against a job that does not beat. A process that waits for a core cannot beat, and is not frozen: on
 * a machine that does more than it can, jobs stood still for three seconds and were well (three calls of some 200, beside
 * a linter on two cores). Nor is one whose journal grows: it works, and only its connection is broken. And what this
 * keeper itself could not hear is nobody's silence.
 */
import { stat } from 'node:fs/promises';
import type { Verdict } from '../../machines/index.ts';
import type { Owner } from '../journal/entry.ts';
import { isAlive, waitedForCoreMs } from '../journal/owner.ts';

export type Suspect = { owner: Owner | undefined; journal: string };
export type Evidence = {
  /** A sign of life: what was noted of the silence is void. */
  heard(): void;
  /** The keeper itself could hear nobody for so long. */
  wasDeaf(ms: number): void;
  /** A beat is missing: from here on it is known what the process waits for and writes. Does nothing the second time. */
  missed(suspect: Suspect): void;
  /** Never rejects: what cannot be found out is `unknown`, and nothing is excused by it. */
  verdict(suspect: Suspect): Promise<Verdict>;
};

type Noted = { waitedMs: number | undefined; size: number | undefined };
export type System = {
  isAlive: typeof isAlive;
  waited: (owner: Owner) => Promise<number | undefined>;
  size: (path: string) => Promise<number | undefined>;
};
const theSystem: System = {
  isAlive,
  waited: waitedForCoreMs,
  size: (path) =>
    stat(path).then(
      ({ size }) => size,
      () => undefined,
    ),
};

export function openEvidence(system: System = theSystem): Evidence {
  let deafMs = 0;
  let before: Promise<Noted> | undefined;
  const note = async ({ owner, journal }: Suspect): Promise<Noted> => {
    const [waitedMs, size] = await Promise.all([owner && system.waited(owner), system.size(journal)]);
    return { waitedMs, size };
  };
  const since = (from: number | undefined, to: number | undefined): number =>
    from === undefined || to === undefined ? 0 : Math.max(0, to - from);
  return {
    heard() {
      deafMs = 0;
      before = undefined;
    },
    wasDeaf(ms) {
      deafMs += ms;
    },
    missed(suspect) {
      before ??= note(suspect);
    },
    async verdict(suspect) {
      before ??= note(suspect);
      const [from, to, liveness] = await Promise.all([
        before,
        note(suspect),
        suspect.owner ? system.isAlive(suspect.owner) : ('unknown' as const),
      ]);
      const excusedMs = since(from.waitedMs, to.waitedMs) + deafMs;
      deafMs = 0;
      before = Promise.resolve(to);
      return { process: liveness, isWriting: since(from.size, to.size) > 0, excusedMs };
    },
  };
}
