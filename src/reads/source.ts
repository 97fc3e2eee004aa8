/**
 * Where answers come from: the journals and the store of one LASTWORD_DIR, read-only. Works while nothing runs and while a
 * keeper runs; makes nothing, migrates nothing. Where there is no database yet, there is nothing to see in it.
 *
 *   S1  A few sessions stay in memory: asked again, they cost only what was added.
 */
import { defaultPolicy, expectedOf, silenceBound, type Policy } from '../../machines/index.ts';
import { isSessionId, type SessionId } from '../journal/ids.ts';
import { recordOf } from '../report/lenient.ts';
import { fileOf, sqlitePathOf } from '../store/open.ts';
import { SqliteLook } from '../store/sqlite-look.ts';
import { Living } from './living.ts';
import { quote, ReadError } from './refusal.ts';
import { SessionRead } from './session-read.ts';

/** S1. Two that are compared, one that is watched, one that was. Each takes up to 128 MiB for each of its files. */
const MOST_SESSIONS = 4;

export type SourceOptions = {
  /** LASTWORD_DIR */
  directory: string;
  /** As LASTWORD_STORE: `sqlite:PATH`. */
  store: string;
  now?: () => number;
  /** Where traces are shown: an address with `{trace}` in it. Default: LASTWORD_TRACE_URL. */
  traceUrl?: string | undefined;
};

/** *Pure.* Anything else would be a link that does something. */
const webAddress = (text: string | undefined): string | undefined =>
  text !== undefined && /^https?:\/\//.test(text) ? text : undefined;

export class Source {
  readonly directory: string;
  readonly store: SqliteLook;
  /** Tails of those that are not over. */
  readonly living: Living;
  readonly now: () => number;
  readonly traceUrl: string | undefined;
  readonly #sessions = new Map<SessionId, SessionRead>();
  /** By policy: to compute it takes 50 ms, and most calls have the same. */
  readonly #bounds = new Map<string, number | null>();

  /** @throws StoreError `BAD_ADDRESS` */
  constructor({
    directory,
    store,
    now = Date.now,
    traceUrl = webAddress(process.env['LASTWORD_TRACE_URL']),
  }: SourceOptions) {
    this.traceUrl = traceUrl;
    sqlitePathOf(store);
    this.directory = directory;
    this.store = new SqliteLook(fileOf(store));
    this.now = now;
    this.living = new Living(directory);
  }

  /** *Effect.* Its journals as they are now; undefined where there are none. @throws JournalError, ReadError */
  async journals(session: string): Promise<SessionRead | undefined> {
    const id = this.#named(session);
    const read = this.#sessions.get(id) ?? new SessionRead(this.directory, id);
    this.#sessions.delete(id); // the last that was asked for stays longest
    if (!(await read.look())) return undefined;
    this.#sessions.set(id, read);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MOST_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    return read;
  }

  /** *Effect.* @throws ReadError `NOT_FOUND`, JournalError */
  async session(session: string): Promise<SessionRead> {
    const read = await this.journals(session);
    if (read) return read;
    const id = this.#named(session);
    const isSealed = this.store.look(false, (look) => look.report(id) !== undefined);
    if (isSealed)
      throw new ReadError('NOT_FOUND', `${session}: its journal is gone, its report is not; ask for why or report`);
    throw this.#unknown(session);
  }

  /** *Pure.* @throws ReadError */
  named(session: string): SessionId {
    return this.#named(session);
  }

  unknown(session: string): ReadError {
    return this.#unknown(session);
  }

  /** The longest silence that a policy, as a journal has it, allows; null where it is none. */
  silenceBoundOf(policy: unknown): number | null {
    const key = JSON.stringify(policy) ?? '';
    let known = this.#bounds.get(key);
    if (known === undefined) {
      known = boundOfPolicy(policy);
      if (this.#bounds.size >= MOST_BOUNDS) this.#bounds.clear();
      this.#bounds.set(key, known);
    }
    return known;
  }

  close(): void {
    this.#sessions.clear();
    this.store.close();
  }

  #named(session: string): SessionId {
    if (isSessionId(session)) return session;
    throw this.#unknown(session);
  }

  #unknown(session: string): ReadError {
    const where = this.directory;
    return new ReadError(
      'NOT_FOUND',
      `session: expected one of ${where}, got ${quote(session)}; calls lists those there are`,
    );
  }
}

/** Policies that a directory's calls had: a version of the agent each. */
const MOST_BOUNDS = 100;

const boundOfPolicy = (policy: unknown): number | null => {
  const given = Object.entries(recordOf(policy)).filter(
    ([name, limit]) => Object.hasOwn(defaultPolicy, name) && expectedOf(name as keyof Policy, limit) === undefined,
  );
  if (given.length === 0) return null;
  try {
    return silenceBound({ ...defaultPolicy, ...(Object.fromEntries(given) as Partial<Policy>) });
  } catch {
    return null; // limits that no machine can have
  }
};

/** *Effect.* Opens nothing before it is asked. */
export const openSource = (options: SourceOptions): Source => new Source(options);
