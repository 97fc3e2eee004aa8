/**
 * In which order the files of a lane begin. Vitest takes the largest file first where it knows no durations, and on a
 * fresh checkout it knows none: the one that waits for a minute came last, alone, and the other core had nothing to do.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds on two cores, of those that take long for their size. */
const longest: Record<string, number> = {
  'crash/keeper': 128,
  'docs/examples': 111,
  'e2e/who-calls': 211,
  'e2e/faults/disconnects': 117,
  'e2e/faults/own-ends': 116,
  'e2e/faults/restarts': 111,
  'e2e/faults/starts': 90,
  'e2e/processes/keeper-dies': 78,
  'e2e/processes/livekit-away': 83,
  'e2e/processes/rooms': 119,
  'siege/access': 68,
  'siege/hang-ups': 44,
  'siege/refused': 37,
  'siege/thousand-deaths': 62,
};

const secondsOf = (moduleId: string): number => longest[/test\/(.+)\.test\.ts$/.exec(moduleId)?.[1] ?? ''] ?? 0;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => secondsOf(other.moduleId) - secondsOf(one.moduleId));
  }
}
