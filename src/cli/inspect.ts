/** `inspect`: the inspector's page, from a process of its own. */
import { spawn } from 'node:child_process';
import { isIP } from 'node:net';
import { makeActionSecret, openActions } from '../inspector/act.ts';
import { openInspector, DEFAULT_PORT } from '../inspector/open.ts';
import { RequestProblem } from '../inspector/problem.ts';
import { askToEnd } from '../link/ask-keeper.ts';
import { whenStarterIsGone } from '../link/starter.ts';
import { forPeople, oneLine } from '../output/for-people.ts';
import { openStore } from '../store/open.ts';
import { Source } from '../reads/source.ts';
import { none } from './arguments.ts';
import type { Command, CommandContext, Given } from './command.ts';
import { exitCodes, UsageError } from './problems.ts';
import { notFound, sessionNamed, storedJournal } from './stored.ts';

export const inspect: Command = {
  name: 'inspect',
  usage: '',
  summary: 'Shows sessions in a browser: living and ended ones, and every step between.',
  details: `Prints an address that opens the page once; the page stays open after that, also over a restart. It reads journals and
database by itself: a keeper may run or not, and calls notice nothing. Ctrl-C ends it.
--port N          where it listens, default ${DEFAULT_PORT} or the next free one
--host H          listens on this address; default 127.0.0.1, which only this machine reaches
--open            opens the address in the browser of this machine
--stately ID|live calls in Stately's inspector instead: an address for a browser that is online, and one for a receiver of
                  @statelyai/inspect; names of states and events, no texts
--texts           with --stately: also what events and effects carried
--allow-actions   lets the page deliver again and end calls, with a secret that is printed here and typed there`,
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    open: { type: 'boolean' },
    stately: { type: 'string' },
    texts: { type: 'boolean' },
    'allow-actions': { type: 'boolean' },
  },
  async run(given, context) {
    none(given, 'inspect');
    const [port, host] = [portOf(given.values['port'], '--port'), hostOf(given.values['host'])];
    const { say, tell } = speech(given, context);
    const stately = given.values['stately'];
    if (typeof stately === 'string') return inStately(stately, port ?? 0, { given, context, tell });
    const { directory, store } = context.settings;
    const secret = given.values['allow-actions'] === true ? makeActionSecret() : undefined;
    const endCall = async (session: Parameters<typeof askToEnd>[1]) => {
      const why = await askToEnd(directory, session);
      if (why !== undefined) throw new RequestProblem(409, why);
      tell(`session ${session}: an operator ends it`);
    };
    let isOpened = given.values['open'] !== true;
    const inspector = await openInspector({
      directory,
      store,
      host,
      port,
      ...(secret !== undefined && {
        actions: openActions({ secret, endCall, openStore: () => openStore(store, { inThread: true }) }),
      }),
      printAddress: (address) => {
        say(address);
        if (!isOpened) openBrowser(address, tell);
        isOpened = true;
      },
      warn: tell,
    });
    if (secret !== undefined) tell(`secret for what acts: ${secret}`);
    await untilTold();
    await inspector.close();
    return exitCodes.ok;
  },
};

/** Until it is told to end. */
async function inStately(
  which: string,
  port: number,
  { given, context, tell }: { given: Given; context: CommandContext; tell: (text: string) => void },
): Promise<number> {
  const session = which === 'live' ? undefined : await sessionNamed(context.settings, which);
  if (session !== undefined && (await storedJournal(context.settings, session)) === undefined)
    return notFound(context.settings, session);
  const source = new Source(context.settings);
  const over = new AbortController();
  void untilTold().then(() => over.abort());
  const print = ({ page, socket }: { page: string; socket: string }) =>
    given.isJson
      ? context.print(JSON.stringify({ page, socket }))
      : context.print(`For a browser that is online: ${page}\nFor a receiver of @statelyai/inspect: ${socket}`);
  const withTexts = given.values['texts'] === true;
  const { showInStately } = await import('../inspector/show-in-stately.ts'); // with a WebSocket server, which no keeper needs
  await showInStately({ source, session, withTexts, port, onOpen: print, warn: tell, signal: over.signal });
  source.close();
  return exitCodes.ok;
}

/** Lines for people, or of JSON as the keeper writes them. */
function speech(
  { isJson }: Given,
  { print }: CommandContext,
): { say: (address: string) => void; tell: (text: string) => void } {
  const line = (message: string, more: object = {}) =>
    print(JSON.stringify({ level: 30, time: Date.now(), pid: process.pid, ...more, msg: message }));
  return isJson
    ? {
        say: (url) => line('the inspector is here; this address opens it once', { url }),
        tell: (text) => line(forPeople(text)),
      }
    : { say: (url) => print(`The inspector is here, once: ${url}`), tell: (text) => print(oneLine(text)) };
}

/** *Pure.* @throws UsageError */
export function portOf(value: string | boolean | undefined, option: string): number | undefined {
  if (value === undefined) return undefined;
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (port <= 65_535) return port;
  throw new UsageError(
    `${option}: expected a port from 0 to 65535, got ${JSON.stringify(value)}; leave it out for the default`,
  );
}

/** *Pure.* @throws UsageError */
function hostOf(value: string | boolean | undefined): string {
  if (value === undefined) return '127.0.0.1';
  if (typeof value === 'string' && (isIP(value) > 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(value)))
    return value;
  throw new UsageError(
    `--host: expected an address or a name of this machine, got ${JSON.stringify(value)}; leave it out for 127.0.0.1`,
  );
}

/** Without a shell: the address is an argument. Whoever has no browser has the address all the same. */
function openBrowser(address: string, tell: (text: string) => void): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(program, [address], { stdio: 'ignore', detached: true });
  child.once('error', () => tell(`--open: ${program} cannot be started; open the address by hand`));
  child.unref();
}

/** A signal, or a keeper that is gone. A second signal ends it as it ends any process. */
const untilTold = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    whenStarterIsGone(resolve);
  });
