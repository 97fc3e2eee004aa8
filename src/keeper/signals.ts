/**
 * The signals of a keeper.
 *
 *   M2  Only the first SIGTERM counts. A second SIGINT (an impatient terminal), `ECHO_MS` later, shortens the budget, and nothing else.
 */
import type { Logger } from 'pino';

/** One order that comes by two ways, no impatience: pm2 tells every process of the tree, and the one in front tells us. */
const ECHO_MS = 500;

/** *Effect.* Takes SIGTERM, SIGINT and SIGHUP for itself, until it is told to forget them. */
export function takeSignals(log: Logger) {
  let ask: () => void = () => undefined;
  let hurry: () => void = () => undefined;
  const asked = new Promise<undefined>((done) => (ask = () => done(undefined)));
  const hurried = new Promise<void>((done) => (hurry = done));
  let askedAt: number | undefined;
  const take = (signal: NodeJS.Signals) => {
    const again = askedAt !== undefined;
    const hurries = signal === 'SIGINT' && performance.now() - (askedAt ?? Infinity) >= ECHO_MS;
    log.info({ signal, again, hurries }, 'signal');
    if (hurries) hurry();
    askedAt ??= performance.now();
    ask();
  };
  const names: NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const name of names) process.on(name, take);
  return {
    asked,
    hurried,
    forget: () => {
      for (const name of names) process.removeListener(name, take);
    },
  };
}
