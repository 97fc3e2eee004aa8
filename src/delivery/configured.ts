/** All destinations of a worker, checked as a whole before it takes calls: the store and the relay know them by name alone. */
import { ConfigError, describeValue } from '../errors/config-error.ts';
import type { Destination } from '../link/destination.ts';
import { checkDestinations, destinationsFromEnvironment } from './destinations.ts';

export type Configured = { reports: Destination[]; alerts: Destination[] };

/**
 * *Pure.* What the definition names, and the webhook of LASTWORD_WEBHOOK_URL unless the definition names that one, too.
 * @throws ConfigError: two of one name, of which one would get what is the other's; a wrong environment variable
 */
export function configuredDestinations(
  given: Configured,
  env: Readonly<Record<string, string | undefined>>,
): Configured {
  const named = new Set(given.reports.map(({ name }) => name));
  const more = destinationsFromEnvironment(env).filter(({ name }) => !named.has(name));
  const reports = checkDestinations([...given.reports, ...more]);
  const alerts = checkDestinations(given.alerts, 'alerts');
  for (const [index, alert] of alerts.entries()) {
    const twin = reports.find(({ name }) => name === alert.name);
    if (!twin || JSON.stringify(twin) === JSON.stringify(alert)) continue;
    throw new ConfigError({
      field: `alerts[${index}].name`,
      expected: 'a name of its own, or the very destination of that name in reports',
      got: `${describeValue(alert.name)}, which is another one there`,
      advice: 'give one of the two another name',
    });
  }
  return { reports, alerts };
}
