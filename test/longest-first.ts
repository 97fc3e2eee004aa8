/**
 * In which order the files of a lane begin. Vitest takes the largest file first where it knows no durations, and on a
 * fresh checkout it knows none: the one that waits for a minute came last, alone, and the other core had nothing to do.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The one that waits for a minute, and those whose lane would end with one core idle. */
const first = ['e2e/processes/keeper-dies', 'docs/examples', 'siege/thousand-deaths'];

const isFirst = ({ moduleId }: TestSpecification): boolean =>
  first.includes(/test\/(.+)\.test\.ts$/.exec(moduleId)?.[1] ?? '');

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))];
  }
}
