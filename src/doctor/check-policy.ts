/** The policy's times against those of whoever stops the process. Pure. */
import { type Policy, releaseBound } from '../../machines/index.ts';
import { type Finding, finding } from './finding.ts';

/** Kubernetes' terminationGracePeriodSeconds where nobody set it. */
export const defaultGraceMs = 30_000;
/** For the last reports on their way, behind the last call. */
const LAST_MS = 5_000;

export function checkGrace(policy: Policy, graceMs: number): Finding[] {
  const { shutdownBudgetMs } = policy;
  const inSeconds = (ms: number) => `${(ms / 1_000).toLocaleString('en-US')} s`;
  const neededMs = shutdownBudgetMs + LAST_MS;
  const found = `${inSeconds(graceMs)}; shutdownBudgetMs and the last reports take ${inSeconds(neededMs)}`;
  const remedy = `give ${Math.ceil(neededMs / 1_000)} s (terminationGracePeriodSeconds, stop_grace_period), or lower shutdownBudgetMs`;
  const boundMs = releaseBound(policy);
  const release = `a caller is let go at most ${inSeconds(boundMs)} after what ends the call`;
  return [
    graceMs >= neededMs ? finding('grace period', found) : finding('grace period', found, remedy),
    boundMs <= shutdownBudgetMs
      ? finding('release', release)
      : finding(
          'release',
          `${release}, and shutdownBudgetMs is ${inSeconds(shutdownBudgetMs)}`,
          'raise shutdownBudgetMs: a stop cuts goodbyes',
          'doubtful',
        ),
  ];
}
