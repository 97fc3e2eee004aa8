/**
 * Where a report goes, as plain data: it crosses a socket from the worker to the keeper, so there is no function in it.
 * What users may write, and what is refused of it, is in delivery/.
 */
import { z } from 'zod';

const text = z.string();
/** Stable for one destination; what `deliveries` shows. */
const name = text;

const webhook = z.object({
  kind: z.literal('webhook'),
  name,
  /** Absent when the URL comes from the job's metadata. */
  url: text.exactOptional(),
  /** `whsec_…`, base64 of 24 to 64 bytes; two for a rotation. Unsigned when there is none. */
  secrets: z.array(text),
  headers: z.record(text, text),
  /** The URL comes from this field of the job's JSON metadata, if one of `allow` matches it; with a `path` it is the base, and this comes after it. */
  fromMetadata: z.object({ field: text, allow: z.array(text), path: text.exactOptional() }).exactOptional(),
  /** Private and loopback addresses are refused unless this is set. Configured URLs may always be private. */
  allowPrivate: z.boolean(),
});
const file = z.object({ kind: z.literal('file'), name, directory: text });
const stdout = z.object({ kind: z.literal('stdout'), name });
/** Of the user's, run in a child that the keeper forks; its default export is `(report) => Promise<void>`. */
const module = z.object({ kind: z.literal('module'), name, url: text });
/** Slack's incoming-webhook format. For alerts only. */
const slack = z.object({ kind: z.literal('slack'), name, url: text, text: text.exactOptional() });

export const destinationSchema = z.discriminatedUnion('kind', [webhook, file, stdout, module, slack]);

export type WebhookDestination = z.infer<typeof webhook>;
export type FileDestination = z.infer<typeof file>;
export type StdoutDestination = z.infer<typeof stdout>;
export type ModuleDestination = z.infer<typeof module>;
export type SlackDestination = z.infer<typeof slack>;
export type Destination = z.infer<typeof destinationSchema>;

export const destinationKinds = destinationSchema.options.map(({ shape }) => shape.kind.value);
