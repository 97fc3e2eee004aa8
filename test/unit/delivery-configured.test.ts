import { expect, test } from 'vitest';
import { configuredDestinations } from '../../src/delivery/configured.ts';
import { slack } from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';

test('two destinations of one name are refused: the store would take the second for the first', () => {
  const urls = ['https://hooks.slack.com/services/A', 'https://hooks.slack.com/services/B'] as const;
  const alerts = urls.map((url) => slack({ url }));
  expect(() => configuredDestinations({ reports: [], alerts }, {})).toThrow(
    /^alerts\[1\]\.name: expected a name of its/,
  );
  const named = urls.map((url, index) => slack({ url, name: `channel ${index}` }));
  expect(configuredDestinations({ reports: [], alerts: named }, {}).alerts).toEqual(named);
});

test('one name for two receivers, a report’s and an alert’s, is refused: alerts would go where reports go', () => {
  const reports = [webhook({ url: 'https://a.example/in?for=reports' })];
  const alerts = [webhook({ url: 'https://a.example/in?for=alerts' })];
  expect(() => configuredDestinations({ reports, alerts }, {})).toThrow(
    /^alerts\[0\]\.name: expected a name of its own/,
  );
  expect(configuredDestinations({ reports, alerts: reports }, {})).toEqual({ reports, alerts: reports });
});

test('the webhook of the environment is added, once', () => {
  const env = { LASTWORD_WEBHOOK_URL: 'https://a.example/in' };
  const own = webhook({ url: 'https://a.example/in', headers: { 'x-mine': 'yes' } });
  expect(configuredDestinations({ reports: [], alerts: [] }, env).reports).toEqual([
    webhook({ url: env.LASTWORD_WEBHOOK_URL }),
  ]);
  expect(configuredDestinations({ reports: [own], alerts: [] }, env).reports).toEqual([own]);
  const wrong = { LASTWORD_WEBHOOK_URL: 'nonsense' };
  expect(() => configuredDestinations({ reports: [], alerts: [] }, wrong)).toThrow(
    /^LASTWORD_WEBHOOK_URL: expected a URL/,
  );
});
