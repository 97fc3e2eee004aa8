/** Who gets the reports: each webhook is asked once, by a signed test that says what it is. */
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { addressForPeople } from '../delivery/metadata-url.ts';
import { openSender } from '../delivery/send.ts';
import { messageOf } from '../errors/thrown.ts';
import { firstJob, sessionIdOf } from '../journal/ids.ts';
import { ownFolder } from '../keeper/owned-folder.ts';
import type { Destination, WebhookDestination } from '../link/destination.ts';
import { forPeople } from '../output/for-people.ts';
import { type Finding, finding, skipped } from './finding.ts';

const ATTEMPT_MS = 5_000;

/** *Effect.* */
export async function checkReceivers(destinations: readonly Destination[]): Promise<Finding[]> {
  if (destinations.length === 0) {
    const remedy = 'set LASTWORD_WEBHOOK_URL, or name reports in defineSession; until then they lie in the store alone';
    return [finding('receivers', 'none is configured', remedy, 'doubtful')];
  }
  return Promise.all(destinations.map((destination) => checkReceiver(destination)));
}

async function checkReceiver(destination: Destination): Promise<Finding> {
  const check = `${destination.kind} ${addressForPeople(destination.name)}`;
  switch (destination.kind) {
    case 'webhook':
      if (destination.fromMetadata) return skipped(check, 'its address comes with each call');
      return askWebhook(check, destination);
    case 'slack':
      return skipped(check, 'a test would be read by people');
    case 'stdout':
      return finding(check, 'the log');
    case 'file':
      return ownFolder(destination.directory, 'reports').then(
        ([first]) =>
          first === undefined ? finding(check, 'can be written') : finding(check, 'open to others', first, 'doubtful'),
        (error: unknown) => finding(check, messageOf(error), 'as it says'),
      );
    case 'module': {
      const path = fileURLToPath(destination.url);
      const isThere = await stat(path).then(
        () => true,
        () => false,
      );
      return isThere
        ? finding(check, 'is there; it runs in a process of its own when a report comes')
        : finding(check, `${path} does not exist`, 'correct the URL given to destination()');
    }
  }
}

async function askWebhook(check: string, destination: WebhookDestination): Promise<Finding> {
  const sender = openSender({ attemptMs: ATTEMPT_MS });
  const id = `test_${randomUUID()}`;
  const { session } = firstJob(sessionIdOf(id));
  try {
    const body = JSON.stringify({ type: 'lastword.test', version: 1, id, timestamp: new Date().toISOString() });
    const row = { delivery: id, session, report: id, destination: destination.name, kind: 'report' as const, body };
    const outcome = await sender.attempt(destination, row, new AbortController());
    const signed = destination.secrets.length > 0 ? 'a signed test' : 'a test, which is not signed';
    if (outcome.kind === 'done') return finding(check, 'taken');
    if (outcome.kind !== 'answered')
      return finding(check, forPeople(outcome.error), 'check its address, and that this machine may reach it');
    const { status, answer } = outcome;
    if (status >= 200 && status < 300)
      return destination.secrets.length > 0
        ? finding(check, `took ${signed} (${status})`)
        : finding(check, `took ${signed} (${status})`, 'give a secret: anybody could send it reports', 'doubtful');
    const said = answer === undefined ? '' : `: ${forPeople(answer)}`;
    return finding(check, `answered ${status} to ${signed}${said}`, remedyFor(status));
  } finally {
    await sender.close();
  }
}

const remedyFor = (status: number): string => {
  if (status === 401 || status === 403) return 'check its secret and headers: both ends need the same';
  if (status >= 300 && status < 400) return 'give the final URL: redirects are not followed';
  if (status === 404 || status === 405) return 'check the path: it has to take POST';
  if (status === 410) return 'it wants no deliveries: each report would be a dead letter at once';
  return 'it has to answer 2xx to JSON that it does not know, such as a lastword.test';
};
