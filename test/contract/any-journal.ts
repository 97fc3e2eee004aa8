/** Journals of any entries at all: real ones, real ones with one field turned into something else, and rubbish. */
import * as fc from 'fast-check';
import type { Entry } from '../../src/journal/entry.ts';
import { crashedCall, wholeCall } from './sessions.ts';

const sample = [...wholeCall().epochs.flatMap(({ entries }) => entries), ...crashedCall().keeper];
const kinds = [
  ...new Set([...sample.map(({ kind }) => kind), 'error', 'provider', 'log', 'session.withdrawn', 'from.the.future']),
];
const anyJson = fc.jsonValue({ maxDepth: 3 });

/** Fields are changed at any depth: an owner's pid, a room's sid, one limit of a policy. */
const withOneChanged = (data: unknown, value: unknown, path: readonly number[]): unknown => {
  const names = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  const [step = 0, ...rest] = path;
  const name = names[step % names.length];
  if (name === undefined || path.length === 0) return value;
  const inner = (data as Record<string, unknown>)[name];
  const isDeeper = rest.length > 0 && typeof inner === 'object' && inner !== null;
  const changed = isDeeper ? withOneChanged(inner, value, rest) : value;
  return Array.isArray(data) ? data.with(step % names.length, changed) : { ...(data as object), [name]: changed };
};

const anyPath = fc.array(fc.nat(40), { minLength: 1, maxLength: 3 });
const anyKindAndData = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), data: anyJson }) },
  { weight: 2, arbitrary: fc.constantFrom(...sample).map(({ kind, data }) => ({ kind, data: data as unknown })) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), data: fc.constantFrom(...sample.map(({ data }) => data as unknown)) }) }, // prettier-ignore
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...sample), anyJson, anyPath)
      .map(([{ kind, data }, value, path]) => ({ kind, data: withOneChanged(data, value, path) })),
  },
);
const anyTime = fc.oneof(fc.integer({ min: 0, max: 2e12 }), fc.double({ noNaN: true }));
const anySteady = fc.oneof(
  { weight: 3, arbitrary: fc.record({ up: fc.nat(1e9) }) },
  { weight: 1, arbitrary: fc.record({ up: anyJson, boot: anyJson }) },
  { weight: 1, arbitrary: fc.constant({}) },
);

/** As a file's parser gives them: numbered, each with a time, a kind and data, whatever these are. */
export const anyEntries = fc
  .array(fc.tuple(anyTime, anySteady, anyKindAndData), { maxLength: 25 })
  .map((all) => all.map(([at, steady, rest], index) => ({ seq: index + 1, at, ...steady, ...rest }) as Entry));
