/** Calls of a directory in Stately's inspector: one, stored or living; or all that live, and that come. */
import { followSession } from '../journal/follow.ts';
import type { SessionId } from '../journal/ids.ts';
import type { Source } from '../reads/source.ts';
import { ask } from '../reads/table.ts';
import type { Calls } from '../reads/answers.ts';
import { messageOf } from '../errors/thrown.ts';
import { openStatelyServer } from './stately-server.ts';
import { toStately } from './stately.ts';

const LOOK_MS = 1_000;
/** At once: each is a machine of hundreds of states on a page that draws them all. */
const MOST_LIVING = 20;

export type StatelyOptions = {
  source: Source;
  /** Undefined: all that live. */
  session: SessionId | undefined;
  withTexts: boolean;
  port: number;
  /** The two addresses, when it listens. */
  onOpen: (addresses: { page: string; socket: string }) => void;
  warn: (message: string) => void;
  signal: AbortSignal;
};

/** *Effect.* Until `signal` is aborted. */
export async function showInStately(options: StatelyOptions): Promise<void> {
  const { source, session, withTexts, port, onOpen, warn, signal } = options;
  const server = await openStatelyServer({ port });
  onOpen(server);
  const followed = new Set<string>();
  const follow = (one: SessionId) => {
    followed.add(one);
    const translate = toStately(one, { withTexts });
    const onEntry: Parameters<typeof followSession>[2] = (entry, file) => {
      for (const message of translate(entry, file)) server.send(message);
    };
    followSession(source.directory, one, onEntry, signal).catch((error: unknown) =>
      warn(`${one}: ${messageOf(error)}`),
    );
  };
  const look = async () => {
    const { rows } = (await ask(source, 'calls', { filter: 'state:living', limit: MOST_LIVING })) as Calls;
    for (const row of rows) if (!followed.has(row.session)) follow(source.named(row.session));
  };
  if (session !== undefined) follow(session);
  else await look().catch((error: unknown) => warn(messageOf(error)));
  const timer =
    session === undefined
      ? setInterval(() => void look().catch((error: unknown) => warn(messageOf(error))), LOOK_MS)
      : undefined;
  await new Promise<void>((over) => {
    if (signal.aborted) over();
    else signal.addEventListener('abort', () => over(), { once: true });
  });
  clearInterval(timer);
  await server.close();
}
