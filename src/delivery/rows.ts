/**
 * From a sealed report, or an alert, to the rows of the outbox: one for each destination.
 *
 * Their ids are derived from what they deliver and to whom, so whoever makes them a second time (a keeper that died
 * after the seal, a repeated alert) makes the same rows, and the store leaves those alone.
 */
import { createHash } from 'node:crypto';
import { forPeople } from '../output/for-people.ts';
import type { Destination } from '../link/destination.ts';
import type { Report } from '../report/schema.ts';
import type { NewDelivery, SealedReport } from '../store/store.ts';
import { laneOf } from './lane.ts';
import { addressFor } from './metadata-url.ts';
import { alertText } from './slack-text.ts';
import type { SessionId } from '../journal/ids.ts';

/** A failure that an operator should hear of. The texts go to third parties: no personal data in them. */
export type Alert = {
  session: SessionId;
  /** Milliseconds since the epoch. */
  at: number;
  room?: string;
  /** The end reason, where there is one. */
  reason?: string;
  message: string;
  detail?: string;
};

/** Pure. What an alert can say of a call whose report is sealed, and the job's metadata, as far as the report has it. */
export const factsIn = ({
  body,
}: Pick<SealedReport, 'body'>): Pick<Alert, 'room' | 'reason'> & { metadata: string } => {
  const { room, end, metadata } = JSON.parse(body) as Report;
  return {
    ...(room && { room: room.name }),
    reason: end.reason,
    metadata: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
  };
};

const shortHash = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);

const whereTo = (destination: Destination, metadata: string): { destination: string; lane: string } => {
  const address = addressFor(destination, metadata);
  return { destination: address, lane: laneOf(destination, address) };
};

/**
 * Pure. One row for each destination. A webhook whose URL should come from `metadata` (the job's, as dispatched) gets one
 * in any case: if there is no URL, or not an allowed one, the first attempt makes it a dead letter that says why.
 */
export const deliveriesFor = (
  report: SealedReport,
  destinations: readonly Destination[],
  metadata: string,
): NewDelivery[] =>
  destinations
    .filter(({ kind }) => kind !== 'slack') // alerts only
    .map((destination) => ({
      delivery: `${report.report}-${shortHash(destination.name)}`,
      session: report.session,
      report: report.report,
      ...whereTo(destination, metadata),
      kind: 'report',
      body: report.body,
      nextAt: report.sealedAt,
    }));

/** Pure. One row for each destination; the same alert twice makes the same rows. */
export const alertsFor = (alert: Alert, destinations: readonly Destination[], metadata = ''): NewDelivery[] => {
  const { at, ...given } = alert;
  // An error's text is whatever a provider, a receiver or a caller made of it.
  const data = {
    ...given,
    message: forPeople(given.message),
    ...(given.detail !== undefined && { detail: forPeople(given.detail) }),
  };
  const id = `alert-${shortHash(alert.session, String(at), alert.message, alert.detail ?? '')}`;
  const timestamp = new Date(at).toISOString();
  /** In the user's own words, where they gave some. */
  const bodyFor = (destination: Destination) => {
    const template = destination.kind === 'slack' ? destination.text : undefined;
    const text = template === undefined ? {} : { text: alertText(template, data, metadata) };
    return JSON.stringify({ type: 'session.alert', timestamp, data: { ...data, ...text } });
  };
  return destinations.map((destination) => ({
    delivery: `${id}-${shortHash(destination.name)}`,
    session: alert.session,
    report: id,
    ...whereTo(destination, metadata),
    kind: 'alert',
    body: bodyFor(destination),
    nextAt: at,
  }));
};
