/**
 * `npm start` without a server: a whole deployment in one command, on loopback. Lab and receiver are here; the keeper,
 * too, and below it a process for the worker's stand-in and one for the call, as anywhere else.
 *
 *   N1  Everything the user sees of the call is read from its journal: the screen can show nothing that is not kept.
 *   N2  Ctrl-C is the keeper's SIGINT and ends the call with its goodbye; a second one kills the call's process, and the
 *       report is sealed and delivered all the same.
 *   N3  What was started is ended, whatever happens.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { destinationsFromEnvironment, file as fileDestination } from '../delivery/destinations.ts';
import { webhook } from '../delivery/webhook.ts';
import { fileNameOf } from '../delivery/send-local.ts';
import type { Entry } from '../journal/entry.ts';
import { readSession } from '../journal/read.ts';
import { type SessionId, sessionIdOf } from '../journal/ids.ts';
import { runKeeper } from '../keeper/main.ts';
import { fold } from '../report/fold.ts';
import type { Report } from '../report/schema.ts';
import { messageOf } from '../errors/thrown.ts';
import { SOUND } from '../livekit/terminal/sound.ts';
import { openPage } from './page.ts';
import { oneLine } from '../output/for-people.ts';
import { type PaceName, receptionist, startLab } from '../testing/lab/index.ts';
import { callerOf } from './caller.ts';
import { CHANNEL, openTerminal, type DemoChannel, type FromHost, type ToHost } from './channel.ts';
import { openDesk, type Receipt } from './desk.ts';
import { openScreen } from './screen.ts';
import { playScript } from './script.ts';
import { isGood, summary, type CallSummary } from '../show/summary.ts';
import { stateName, timeline } from '../reads/timeline.ts';
import { watchJournal, type Watched } from './watched.ts';

/** Twice as quick as the lab's default: whoever tries it out should not have to wait for a script of four lines. */
const MS_PER_CHARACTER = 30;

const scriptedHello =
  'Nobody types here, so a scripted call plays. Models and webhook receiver are on loopback; no key, no account.';
const typedHello =
  'A call in this terminal. Models and webhook receiver are on loopback; no key, no account.\nType what you would say; /help lists what can go wrong.';

/** A call that has not begun by then has a reason, which stands in the log; the page says so, too. */
const BEGUN_MS = 40_000;

const ownHello =
  'A call with your agent and its own models, in this terminal. Type what you would say (it goes in as text); /help lists what else there is.';

export type TerminalOptions = {
  /** LASTWORD_DIR. */
  directory: string;
  /** LASTWORD_STORE. */
  store: string;
  /** Of the models. */
  pace: PaceName;
  /** Compiled. */
  agentFile: string;
  input: Readable & { isTTY?: boolean };
  output: Writable & { isTTY?: boolean };
  env: Readonly<Record<string, string | undefined>>;
  /** Nobody types: the script plays. */
  isScripted: boolean;
  /** The agent's own models and keys, instead of those of the lab. */
  isOwn?: boolean;
};

/**
 * *Effect.* One call, from ring to delivered report.
 * @returns 0 when the report was delivered and its signature verified (and the script, if it played, went as written)
 * @throws ConfigError, StoreError, KeeperRunsError before the call begins
 */
export async function runTerminal(options: TerminalOptions): Promise<number> {
  const { directory, store, agentFile, env, isScripted, isOwn = false } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const session = sessionIdOf(`terminal-${Date.now().toString(36)}`);
  const logFile = join(directory, 'start.log');
  const reports = join(directory, 'reports');
  const extra = destinationsFromEnvironment(env);
  const closers: (() => Promise<void> | void)[] = [];
  try {
    const toFile = pino.destination({ dest: logFile, sync: true });
    closers.push(() => toFile.end());
    const lab = await startLab({ script: { ...receptionist, msPerCharacter: MS_PER_CHARACTER }, pace: options.pace });
    closers.push(() => lab.close());
    const desk = await openDesk();
    closers.push(() => desk.close());
    const terminal = await openTerminal();
    closers.push(() => terminal.close());
    const self = process.pid;
    const screen = openScreen({
      ...options,
      isInteractive: !isScripted,
      onInterrupt: () => process.kill(self, 'SIGINT'),
    });
    closers.push(() => screen.close());

    let host: DemoChannel<ToHost, FromHost> | undefined;
    let failure: string | undefined;
    const does = (what: (ToHost & { type: 'caller' })['does']) => host?.send({ type: 'caller', does: what });
    const kill = () => host?.send({ type: 'kill' });

    // ── the call, as its journal has it (N1) ──
    const rowOf = timeline();
    let hasJoined = false;
    const call: Watched = watchJournal(directory, session, (entry: Entry, file) => {
      if (entry.kind === 'transition' && entry.data.machine === 'session') {
        if (!hasJoined) does({ type: 'join' }); // from its first state on the job listens
        hasJoined = true;
        screen.state(stateName(entry.data.to));
      }
      const row = rowOf(entry, file);
      if (row) screen.row(row, call.entries[0]?.at ?? row.at);
    });

    // ── who calls ──
    const shutDown = () => process.kill(self, 'SIGTERM');
    const caller = callerOf({ lab, desk, screen, call, does, kill, shutDown, isOwn });
    screen.onLine((line) => caller.take(line));
    screen.onEnd(() => caller.hangUp());
    let interrupts = 0;
    const onInterrupt = () => {
      interrupts += 1;
      if (interrupts > 1) kill(); // N2
    };
    process.on('SIGINT', onInterrupt);
    closers.push(() => void process.off('SIGINT', onInterrupt));

    // ── the page ──
    const page = isScripted
      ? undefined
      : openPage({
          directory,
          store,
          session,
          // Before its first entry there is no such call, and a page that asked would be told so.
          onAddress: (address) =>
            void call
              .until(() => true, BEGUN_MS)
              .then(() => screen.print(`See it, hear it and break it in a browser: ${address}`)),
          onTyped: (line) => {
            screen.print(screen.paint('quiet', `(page) ${oneLine(line)}`));
            caller.take(line);
          },
          onVoice: isOwn ? (samples) => does({ type: 'voice', samples }) : undefined,
          onFailed: (why) =>
            screen.print(screen.paint('quiet', `the page cannot be shown (${oneLine(why)}); the call goes on`)),
        });
    /** Nobody listens without a page: the job then sends no sound. */
    const sound = page ? { [SOUND]: '1' } : {};
    if (page) closers.push(() => page.close());

    // ── the host ──
    let script: Promise<boolean> | undefined;
    terminal.onHost((channel) => {
      if (host) return channel.close(); // one call; a second host has nothing to do
      host = channel;
      channel.onMessage((message) => {
        if (message.type === 'failed') failure = message.why;
        if (message.type === 'heard') page?.heard(message.sound);
      });
      channel.send({
        type: 'begin',
        session,
        agentFile,
        logFile,
        reports: [webhook({ ...desk.webhook, name: 'npm start' }), fileDestination({ dir: reports }), ...extra],
        environment: isOwn
          ? sound
          : {
              ...sound,
              OPENAI_API_KEY: 'lab',
              OPENAI_BASE_URL: lab.urls.openai,
              CARTESIA_API_KEY: 'lab',
              CARTESIA_BASE_URL: lab.urls.cartesia,
              SHOP_HOURS_URL: desk.hoursUrl,
            },
      });
      screen.print(isOwn ? ownHello : isScripted ? scriptedHello : typedHello);
      if (isScripted) script = playScript({ ...caller, until: call.until, print: screen.print });
    });

    process.env[CHANNEL] = terminal.path; // for the host; the keeper hands its environment on
    try {
      const command = { file: process.execPath, args: [hostFile] };
      await runKeeper({ agentFile, mode: 'start', directory, store, args: [], command, log: pino({}, toFile) });
    } finally {
      delete process.env[CHANNEL];
      await call.stop().catch((error: unknown) => screen.print(`the journal cannot be read: ${messageOf(error)}`));
    }
    screen.close();
    const wentAsWritten = script === undefined || (await script);

    // ── the last word ──
    if (!existsSync(join(directory, 'sessions', session))) {
      const why = failure ?? 'it was ended before it began';
      screen.print(screen.paint('bad', `there was no call: ${why} (log: ${logFile})`));
      return 1;
    }
    const outcome = await outcomeOf({ directory, session, reports, receipts: desk.receipts });
    screen.print(`\n${summary(outcome, screen.paint)}`);
    if (failure !== undefined) screen.print(screen.paint('bad', failure));
    if (page?.isSeen) {
      screen.print('\nThe page shows the call until you end this: Ctrl-C.');
      await untilTold();
    }
    return wentAsWritten && failure === undefined && isGood(outcome) ? 0 : 1;
  } finally {
    for (const close of closers.toReversed()) await close(); // N3
  }
}

/** There is no call any more: whatever tells it to end, ends it. */
const untilTold = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });

const hostFile = fileURLToPath(new URL(`./host.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));

async function outcomeOf(call: {
  directory: string;
  session: SessionId;
  reports: string;
  receipts: readonly Receipt[];
}): Promise<CallSummary> {
  const { directory, session, reports, receipts } = call;
  const path = join(reports, `${fileNameOf(session)}.json`);
  const written = await readFile(path, 'utf8').catch(() => undefined);
  const receipt = receipts.findLast(({ body }) => body.includes(session));
  const body = written ?? receipt?.body;
  // Where nothing was delivered, the journal still tells what happened.
  const report = body === undefined ? fold(await readSession(directory, session)) : (JSON.parse(body) as Report);
  return { report, file: written === undefined ? undefined : path, delivered: receipt?.verification };
}
