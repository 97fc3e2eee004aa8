/** What passes bare and fails in another setting: by our doing, or by the machine's. */
import { onPurpose } from './on-purpose.ts';
import { type Outcome, runSdkTests, type Setting } from './sdk-tests.ts';

/** So often are the files of tests that differ run again, in both settings beside each other. */
const AGAIN = 4;

type Test = { file: string; test: string; why: string };
/** `isOnPurpose` has its own reason in `why`; `bare` and `attached`: how often it failed, of how many runs. */
export type Differing = Test & { bare: number; attached: number; runs: number };
export type Difference = {
  /** How many tests there are, and how many pass with us. */
  all: number;
  passAttached: number;
  /** Fails with us, and with us alone. */
  lost: Differing[];
  /** Fails now and then, bare as well or once and never again: timing, and no difference that repeats. */
  unsteady: Differing[];
  onPurpose: Test[];
  /** Errors that no test caught and that come out of our code. */
  stray: string[];
};

const keyOf = ({ file, test }: Pick<Test, 'file' | 'test'>): string => `${file} › ${test}`;

/** Tests that pass bare and fail in `setting`. */
export function differing(outcomes: readonly Outcome[], setting: Setting): Test[] {
  const passed = new Set(outcomes.filter((one) => one.setting === 'bare' && one.isPassed).map(keyOf));
  const isLost = (one: Outcome) =>
    one.setting === setting && !one.isPassed && (passed.has(keyOf(one)) || one.test === '');
  return outcomes.filter(isLost).map(({ file, test, why }) => ({ file, test, why }));
}

/** What passes with us is not lost, so bare run only the files in which something fails. @param files as in `runSdkTests` */
export async function measureDifference(files: readonly string[] = []): Promise<Difference> {
  const { outcomes: attached, stray } = await runSdkTests(['attached'], files);
  const failing = [...new Set(attached.filter(({ isPassed }) => !isPassed).map(({ file }) => file))];
  const bare = failing.length === 0 ? [] : (await runSdkTests(['bare'], failing)).outcomes;
  const outcomes = [...attached, ...bare];
  const tests = attached.filter(({ test }) => test !== '');
  const meant = new Map(onPurpose.map((one) => [keyOf(one), one]));
  const found = differing(outcomes, 'attached');
  const unexpected = found.filter((one) => !meant.has(keyOf(one)));
  const counted = unexpected.map((one): Differing => ({ ...one, bare: 0, attached: 1, runs: 1 }));
  for (let run = 0; run < AGAIN && counted.length > 0; run += 1) {
    const again = await runSdkTests(['bare', 'attached'], [...new Set(counted.map(({ file }) => file))]);
    const failed = new Set(again.outcomes.filter((one) => !one.isPassed).map((one) => `${one.setting} ${keyOf(one)}`));
    for (const one of counted) {
      one.runs += 1;
      if (failed.has(`bare ${keyOf(one)}`)) one.bare += 1;
      if (failed.has(`attached ${keyOf(one)}`)) one.attached += 1;
    }
  }
  const isLost = (one: Differing) => one.bare === 0 && one.attached > 1;
  return {
    all: tests.length,
    passAttached: tests.filter(({ isPassed }) => isPassed).length,
    lost: counted.filter(isLost),
    unsteady: counted.filter((one) => !isLost(one)),
    onPurpose: found.flatMap((one) => meant.get(keyOf(one)) ?? []),
    stray: stray.filter(isOurs).map(({ message }) => message),
  };
}

const isOurs = ({ stack }: { stack: string }): boolean =>
  stack.split('\n').some((line) => !line.includes('node_modules') && /\/(src|machines)\//.test(line));

/** For people. */
export function shown({ all, passAttached, lost, unsteady, onPurpose: meant, stray }: Difference): string {
  const counts = (one: Differing) =>
    `${keyOf(one)}\n    fails ${one.attached} of ${one.runs} times with us, ${one.bare} of ${one.runs} bare: ${one.why.split('\n')[0]}`;
  return [
    `${all} tests of the SDK's, ${passAttached} pass with us; lost: ${lost.length}`,
    ...lost.map((one) => `  ${counts(one)}`),
    `on purpose: ${meant.length}`,
    ...meant.map((one) => `  ${keyOf(one)}\n    ${one.why}`),
    `unsteady: ${unsteady.length}`,
    ...unsteady.map((one) => `  ${counts(one)}`),
    `errors of ours that no test caught: ${stray.length}`,
    ...stray.map((message) => `  ${message}`),
  ].join('\n');
}
