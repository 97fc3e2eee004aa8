/**
 * Answers without what callers, models and tools said: for whoever asks for them without a right to it, or may not be led
 * by it. Pure.
 *
 *   W1  What is withheld is named by its length: an empty text would be a lie.
 *   W2  Kinds that hold no personal data stay as they are (journal/entry.ts says which do); all others are withheld, also
 *       those that come with a later version.
 */
import type { EntryRow, SaidLine, WholeEntry } from '../reads/answers.ts';

/** Their lines are made of our own words, numbers and names of states. */
const plainKinds: ReadonlySet<string> = new Set([
  'session.accepted',
  'session.opened',
  'session.closed',
  'session.withdrawn',
  'machine.began',
  'event',
  'limit',
  'again',
  'step',
  'fact',
  'transition',
  'usage',
  'effect',
  'spoken',
  'hangup',
  'room',
  'provider',
  'latency',
  'withheld',
  'blob',
  'handed.over',
  'keeper.noticed',
  'keeper.dispatched',
  'keeper.succeeded',
  'keeper.resumed',
  'keeper.sealed',
]);

const withheld = (text: string): string => `(${text.length} characters withheld)`;

const withoutText = <Row extends EntryRow>(row: Row): Row => {
  if (plainKinds.has(row.kind)) return row;
  const { aside: _, ...rest } = row;
  return { ...rest, text: withheld(row.text) } as Row;
};

const isRow = (value: unknown): value is EntryRow =>
  typeof value === 'object' && value !== null && 'kind' in value && 'text' in value && 'index' in value;
const isSaid = (value: unknown): value is SaidLine =>
  typeof value === 'object' && value !== null && 'who' in value && 'text' in value && 'interrupted' in value;
const isWhole = (value: unknown): value is WholeEntry =>
  typeof value === 'object' && value !== null && 'kind' in value && 'data' in value;

/** Fields that hold what was said, wherever they stand. */
const spokenFields: ReadonlySet<string> = new Set([
  'instructions',
  'pii',
  'metadata',
  'attributes',
  'args',
  'output',
  'sdk',
  'answer',
]);

/** *Pure.* Any answer of the reads. */
export const withoutTexts = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value !== 'object' || value === null) return value;
  if (isSaid(value)) return { ...(value as SaidLine), text: withheld((value as SaidLine).text) };
  if (isRow(value)) return withoutText(value);
  if (isWhole(value) && !plainKinds.has(value.kind)) return { ...value, data: withheld(JSON.stringify(value.data)) };
  if ('role' in value && 'text' in value && typeof value.text === 'string')
    return { ...value, text: withheld(value.text) };
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      spokenFields.has(name) && inner !== null ? withheld(JSON.stringify(inner)) : withoutTexts(inner),
    ]),
  );
};
