/** Deliveries, newest first, each with its last attempts. Their bodies are whole reports, and stay where they are. */
import { addressForPeople } from '../delivery/metadata-url.ts';
import { forPeople } from '../output/for-people.ts';
import type { ListedDelivery } from '../store/store.ts';
import type { DeliveryRow } from './answers.ts';
import type { Asked } from './questions.ts';
import type { Source } from './source.ts';

/** *Effect.* @throws ReadError, StoreError */
export async function readDeliveries(source: Source, asked: Asked<'deliveries'>): Promise<{ rows: DeliveryRow[] }> {
  const { session, state, before, limit } = asked;
  const id = session === undefined ? undefined : source.named(session);
  const ask = { limit, ...(id && { session: id }), ...(state && { state }), ...(before !== undefined && { before }) };
  return Promise.resolve({ rows: source.store.look([], (rows) => rows.deliveries(ask)).map(deliveryRowOf) });
}

/** *Pure.* An address may hold a key, an answer anything. */
const deliveryRowOf = (row: ListedDelivery): DeliveryRow => ({
  delivery: row.delivery,
  report: row.report,
  session: row.session,
  kind: row.kind,
  destination: addressForPeople(row.destination),
  state: row.state,
  attempts: row.attempts,
  createdAt: row.createdAt,
  nextAt: row.state === 'due' ? row.nextAt : null,
  lastError: row.lastError === undefined ? null : forPeople(row.lastError),
  history: row.history.map(({ at, ms, status, error, answer, signatures }) => ({
    at,
    ms,
    status: status ?? null,
    error: error === undefined ? null : forPeople(error),
    answer: answer === undefined ? null : forPeople(answer),
    signatures: signatures ?? null,
  })),
});
