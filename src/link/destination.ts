/**
 * Where a report goes, as plain data: it crosses a socket from the worker to the keeper, so there is no function in it.
 */
export type WebhookDestination = {
  kind: 'webhook';
  /** Stable for one destination; what `deliveries` shows. Default: the URL without query. */
  name: string;
  /** Absent when the URL comes from the job's metadata. */
  url?: string;
  /** `whsec_…`, base64 of 24 to 64 bytes; two for a rotation. Unsigned when absent. */
  secrets: string[];
  headers: Record<string, string>;
  /** The URL comes from this field of the job's JSON metadata, if one of `allow` matches it; with a `path` it is the base, and this comes after it. */
  fromMetadata?: { field: string; allow: string[]; path?: string };
  /** Private and loopback addresses are refused unless this is set. Configured URLs may always be private. */
  allowPrivate: boolean;
};
export type FileDestination = { kind: 'file'; name: string; directory: string };
export type StdoutDestination = { kind: 'stdout'; name: string };
/** A module of the user's, run in a child that the keeper forks; its default export is `(report) => Promise<void>`. */
export type ModuleDestination = { kind: 'module'; name: string; url: string };
/** Slack's incoming-webhook format. For alerts only. */
export type SlackDestination = { kind: 'slack'; name: string; url: string; text?: string };

export type Destination =
  | WebhookDestination
  | FileDestination
  | StdoutDestination
  | ModuleDestination
  | SlackDestination;
