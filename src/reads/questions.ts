/** What may be asked, by name. Each has a limit: no question is answered without end. */
import { z } from 'zod';
import { reference } from './answers.ts';

const sessionField = z.string().min(1).max(200).describe('The id of a session, as `calls` lists it.');
const filterField = z.string().max(500).default('').describe('Words, and terms such as kind:tool or text:/refund/.');
const chipsField = z
  .array(z.enum(['failed', 'silent']))
  .max(2)
  .default([]);
const at = {
  session: sessionField,
  index: z.int().min(0).optional().describe('Where it stands among all entries; the last one when neither is given.'),
  ref: reference.optional().describe('The same as a reference: 1:812.'),
};
const walks = z
  .boolean()
  .default(true)
  .describe('false: only what was written down, without deadlines and memory; at once, however long the call was.');
const eventField = z.record(z.string().max(100), z.json()).describe('An event of the session machine, or other data.');
const limitField = (most: number, usual: number) => z.int().min(1).max(most).default(usual);

export const questions = {
  calls: z.object({
    filter: filterField,
    chips: chipsField,
    sort: z.enum(['accepted', 'silence', 'age', 'state', 'epoch']).default('accepted'),
    limit: limitField(10_000, 50),
    after: z.string().max(200).optional().describe('The `next` of the page before.'),
  }),
  why: z.object({ session: sessionField }),
  entries: z.object({
    session: sessionField,
    density: z.enum(['story', 'steps', 'entries']).default('steps'),
    filter: filterField,
    chips: chipsField,
    from: z.int().min(0).default(0).describe('The first index of the page.'),
    limit: limitField(5_000, 1_000),
  }),
  entry: z.object(at),
  state: z.object({
    ...at,
    walks,
  }),
  moves: z.object({ session: sessionField }),
  lanes: z.object({ session: sessionField, walks }),
  diff: z.object({ one: sessionField, other: sessionField }),
  deliveries: z.object({
    session: sessionField.optional(),
    state: z.enum(['due', 'delivering', 'delivered', 'dead']).optional(),
    before: z.int().min(0).optional().describe('Only rows that were made earlier than this.'),
    limit: limitField(10_000, 50),
  }),
  ledger: z.object({ limit: limitField(1_000, 100).describe('How many differences are named.') }),
  model: z.object(at),
  report: z.object({ session: sessionField }),
  test: z.object({
    session: sessionField,
    keepNames: z.boolean().default(false).describe('Names and numbers as they were, instead of others in their place.'),
  }),
  fork: z.object({
    session: sessionField,
    edits: z
      .array(
        z.discriminatedUnion('does', [
          z.object({ does: z.literal('drop'), place: z.int().min(0) }),
          z.object({ does: z.literal('change'), place: z.int().min(0), event: eventField }),
          z.object({ does: z.literal('insert'), place: z.int().min(0), event: eventField }),
        ]),
      )
      .max(20)
      .default([])
      .describe('What is left out, changed, or put before a place of what its machine received.'),
  }),
} as const;

export type QuestionName = keyof typeof questions;
export type Asked<Name extends QuestionName> = z.output<(typeof questions)[Name]>;
