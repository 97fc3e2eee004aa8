/** Options of `start` and `dev` that are the keeper's own: they stand anywhere, and the rest goes to the agent file. *Pure.* */
import { portOf } from './inspect.ts';
import { UsageError } from './problems.ts';

export type KeeperOwn = {
  /** The inspector's page beside the keeper. */
  isInspected: boolean;
  /** Where /metrics, /healthz and /readyz are answered; undefined: nowhere. */
  metricsPort: number | undefined;
  /** What the agent file gets. */
  rest: string[];
};

/** @throws UsageError */
export function takeOwn(given: readonly string[], env: Readonly<Record<string, string | undefined>>): KeeperOwn {
  const rest: string[] = [];
  let isInspected = false;
  let metricsPort = portOf(env['LASTWORD_METRICS_PORT'] || undefined, 'LASTWORD_METRICS_PORT');
  for (let at = 0; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (word === '--inspect') isInspected = true;
    else if (word === '--metrics-port') {
      const port = given[(at += 1)];
      if (port === undefined)
        throw new UsageError('--metrics-port: expected a port, got nothing; write --metrics-port 9464');
      metricsPort = portOf(port, '--metrics-port');
    } else if (word.startsWith('--metrics-port='))
      metricsPort = portOf(word.slice('--metrics-port='.length), '--metrics-port');
    else rest.push(word);
  }
  return { isInspected, metricsPort, rest };
}
