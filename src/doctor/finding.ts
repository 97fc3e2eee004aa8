/** What a check of an installation has found: one line, and one remedy. */
export type Outcome = 'good' | 'doubtful' | 'bad' | 'skipped';
export type Finding = {
  check: string;
  outcome: Outcome;
  /** What came. */
  found: string;
  /** What to do; empty where there is nothing to do. */
  remedy: string;
};

/** *Pure.* Without a remedy it is good; `outcome` says how much it matters. */
export const finding = (
  check: string,
  found: string,
  remedy = '',
  outcome: Outcome = remedy === '' ? 'good' : 'bad',
): Finding => ({ check, outcome, found, remedy });

/** *Pure.* Nobody can be asked: why. */
export const skipped = (check: string, why: string): Finding => finding(check, why, '', 'skipped');
