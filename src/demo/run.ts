/**
 * `npm start` without a server: a whole deployment in one command, on loopback. Lab, receiver, the room and LiveKit's
 * stand-in are here; the keeper is a process of its own, and below it one for the worker's stand-in and one for the call,
 * as anywhere else. Each of the three may be killed.
 *
 *   N1  Everything the user sees of the call is read from its journal: the screen can show nothing that is not kept.
 *   N2  Ctrl-C is the keeper's SIGINT and ends the call with its goodbye; a second one kills the call's process, and the
 *       report is sealed and delivered all the same.
 *   N3  What was started is ended, whatever happens.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { destinationsFromEnvironment, file as fileDestination } from '../delivery/destinations.ts';
import { webhook } from '../delivery/webhook.ts';
import type { Entry } from '../journal/entry.ts';
import { jobIdOf, sessionIdOf } from '../journal/ids.ts';
import { messageOf } from '../errors/thrown.ts';
import { openChannel } from '../livekit/terminal/line-channel.ts';
import { ROOM, SOUND } from '../livekit/terminal/room-messages.ts';
import { openPage } from './page.ts';
import { oneLine } from '../output/for-people.ts';
import { type PaceName, receptionist, startLab } from '../testing/lab/index.ts';
import { CallEnd } from './call-end.ts';
import { callerOf } from './caller.ts';
import { CHANNEL, type ChannelOfHost, type FromHost, type ToHost } from './channel.ts';
import { openDesk } from './desk.ts';
import { startKeeperProcess } from './keeper.ts';
import { killsOf } from './kills.ts';
import { outcomeOf } from './outcome.ts';
import { TerminalRoom } from './room.ts';
import { openScreen } from './screen.ts';
import { playScript } from './script.ts';
import { isGood, summary } from '../show/summary.ts';
import { openStandIn } from './stand-in.ts';
import { stateName, timeline } from '../reads/timeline.ts';
import { watchJournal, type Watched } from './watched.ts';

/** Twice as quick as the lab's default: whoever tries it out should not have to wait for a script of four lines. */
const MS_PER_CHARACTER = 30;

const scriptedHello =
  'Nobody types here, so a scripted call plays. Models and webhook receiver are on loopback; no key, no account.';
const typedHello =
  'A call in this terminal. Models and webhook receiver are on loopback; no key, no account. There is no LiveKit server: a stand-in dispatches.\nType what you would say; /help lists what can go wrong.';

/** A call that has not begun by then has a reason, which stands in the log; the page says so, too. */
const BEGUN_MS = 40_000;

const spareHello = 'A spare process is warm: after /kill job the call goes on in it.';
const noApology = 'The apology is sound in a room of LiveKit; here is none, so nobody hears it.';

const ownHello =
  'A call with your agent and its own models, in this terminal. Type what you would say (it goes in as text); /help lists what else there is.';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** What is the last of a call, for its job or for its keeper. */
const last: readonly Entry['kind'][] = ['session.closed', 'session.withdrawn', 'keeper.sealed'];

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
 * @throws what the keeper cannot start for: ConfigError, StoreError, that another one runs here
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
    const script = { ...receptionist, msPerCharacter: MS_PER_CHARACTER };
    const lab = await startLab({ script, pace: options.pace });
    closers.push(() => lab.close());
    const desk = await openDesk();
    closers.push(() => desk.close());
    const hosts = await openChannel<ToHost, FromHost>();
    closers.push(() => hosts.close());
    const room = await TerminalRoom.open(session);
    closers.push(() => room.close());
    const self = process.pid;
    const screen = openScreen({
      ...options,
      isInteractive: !isScripted,
      onInterrupt: () => process.kill(self, 'SIGINT'),
    });
    closers.push(() => screen.close());

    let host: { channel: ChannelOfHost; pid: number | undefined; isSpareWarm: boolean } | undefined;
    let isSpareTold = false;
    let failure: string | undefined;
    let jobs = 1;
    const standIn = await openStandIn({
      room,
      onDispatch: (dispatch) => {
        jobs += 1;
        const told = host ? 'the worker is offered a job' : 'no worker is here to be offered a job';
        screen.print(screen.paint('quiet', `LiveKit's stand-in dispatches (${dispatch}): ${told}`));
        if (host) host.isSpareWarm = false;
        host?.channel.send({ type: 'dispatch', dispatch, job: jobIdOf(`${session}-${jobs}`) });
      },
      onUndispatch: (dispatch) => host?.channel.send({ type: 'undispatch', dispatch }),
    });
    closers.push(() => standIn.close());

    // ── the keeper ──
    const keeper = startKeeperProcess({
      order: { directory, store, agentFile, logFile, command: { file: process.execPath, args: [hostFile] } },
      environment: { [CHANNEL]: hosts.path },
      onDeath: () => end.keeperDied(),
      onNext: (pid) => screen.print(screen.paint('quiet', `the next keeper runs (process ${pid})`)),
    });
    closers.push(() => keeper.close());
    const end = new CallEnd({ tell: (name) => keeper.signal(name), isHeard: () => room.isHeard });

    // ── the call, as its journal has it (N1) ──
    const rowOf = timeline();
    const call: Watched = watchJournal(directory, session, (entry: Entry, file) => {
      if (entry.kind === 'transition' && entry.data.machine === 'session') {
        screen.state(stateName(entry.data.to));
        if (!isScripted && entry.data.to[0]?.startsWith('live.conversing') === true)
          host?.channel.send({ type: 'spare' });
      }
      const row = rowOf(entry, file);
      if (row) screen.row(row, call.entries[0]?.at ?? row.at);
      if (entry.kind === 'spoken' && entry.data.line === 'apology' && file === 'keeper')
        screen.print(screen.paint('quiet', noApology));
      if (last.includes(entry.kind)) end.settled();
    });
    room.onLost(() => {
      lab.play(script); // what was said to it, and not understood, nobody has heard
      end.look();
    });

    // ── who calls ──
    const kills = killsOf({
      call,
      screen,
      keeper,
      worker: () => host?.pid,
      killUnopened: () => host?.channel.send({ type: 'kill' }),
      isSpareWarm: () => host?.isSpareWarm === true,
      isEnding: () => end.isAsked,
    });
    const caller = callerOf({
      lab,
      desk,
      screen,
      call,
      does: (act) => room.does(act),
      isHeard: () => room.isHeard,
      kill: (victim) => void kills(victim),
      shutDown: () => process.kill(self, 'SIGTERM'),
      isOwn,
    });
    screen.onLine((line) => caller.take(line));
    screen.onEnd(() => caller.hangUp());
    let interrupts = 0;
    const onSignal = (name: NodeJS.Signals) => {
      end.ask(name);
      if (name === 'SIGINT') interrupts += 1;
      if (interrupts > 1) void kills('job'); // N2
    };
    for (const name of signals) process.on(name, onSignal);
    const forget = () => {
      for (const name of signals) process.off(name, onSignal);
    };
    closers.push(forget);

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
          onVoice: isOwn ? (samples) => room.does({ type: 'voice', samples }) : undefined,
          onFailed: (why) =>
            screen.print(screen.paint('quiet', `the page cannot be shown (${oneLine(why)}); the call goes on`)),
        });
    if (page) closers.push(() => page.close());
    room.onHeard((sound) => page?.heard(sound));

    // ── the host ──
    let isGreeted = false;
    let played: Promise<boolean> | undefined;
    hosts.onPeer((channel) => {
      if (!isGreeted) screen.print(isOwn ? ownHello : isScripted ? scriptedHello : typedHello);
      if (!isGreeted && isScripted) played = playScript({ ...caller, until: call.until, print: screen.print });
      isGreeted = true;
      const isFirst = call.entries.length === 0; // or an earlier one has begun the call
      const one: NonNullable<typeof host> = { channel, pid: undefined, isSpareWarm: false };
      host = one;
      channel.onGone(() => {
        if (host === one) host = undefined;
      });
      channel.onMessage((message) => {
        if (message.type === 'here') one.pid = message.pid;
        if (message.type === 'welcome') end.workerIsKnown();
        if (message.type === 'warm') {
          one.isSpareWarm = true;
          if (isFirst && !isSpareTold) screen.print(screen.paint('quiet', spareHello));
          isSpareTold = true;
        }
        if (message.type !== 'failed') return;
        failure = message.why;
        end.ask('SIGTERM'); // a second one would fail as well
      });
      channel.send({
        type: 'begin',
        session,
        isFirst,
        room: { name: room.name, sid: room.sid },
        livekit: standIn.access,
        agentFile,
        logFile,
        reports: [webhook({ ...desk.webhook, name: 'npm start' }), fileDestination({ dir: reports }), ...extra],
        environment: {
          [ROOM]: room.path,
          ...(page && { [SOUND]: '1' }), // nobody listens without a page
          ...(!isOwn && {
            OPENAI_API_KEY: 'lab',
            OPENAI_BASE_URL: lab.urls.openai,
            CARTESIA_API_KEY: 'lab',
            CARTESIA_BASE_URL: lab.urls.cartesia,
            SHOP_HOURS_URL: desk.hoursUrl,
          }),
        },
      });
    });

    try {
      await keeper.ended;
    } finally {
      forget();
      await call.stop().catch((error: unknown) => screen.print(`the journal cannot be read: ${messageOf(error)}`));
    }
    screen.close();
    const wentAsWritten = played === undefined || (await played);

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
    for (const name of signals) process.once(name, () => resolve());
  });

const hostFile = fileURLToPath(new URL(`./host.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
