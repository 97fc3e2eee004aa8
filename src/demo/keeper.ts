/**
 * The keeper of a call in the terminal, as a process of its own: so that it can be killed like any other, and the next one
 * shows what it is there for.
 *
 *   P1  One that was killed is followed by the next one at once. One that ended by itself has ended the call.
 *   P2  It leads a process group of its own: a terminal's Ctrl-C is told to it once, by us.
 *   P3  Told to end before it has its directory, it just ends.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkerCommand } from '../keeper/worker-process.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { errorOf, type KeeperProblem } from './keeper-problem.ts';

/** In a row, before one of them had its directory: what kills them is no command of ours. */
const MOST_EARLY_DEATHS = 3;
/** For its own end, when the terminal fails under it. */
const CLOSE_MS = 5_000;

/** What it needs. A database's address may hold a password, so it is no argument. */
export type KeeperOrder = {
  directory: string;
  store: string;
  agentFile: string;
  logFile: string;
  command: WorkerCommand;
};
export type ToKeeperChild = ({ type: 'begin' } & KeeperOrder) | { type: 'signal'; name: NodeJS.Signals };
export type FromKeeperChild =
  /** The directory is its own. */
  { type: 'owned' } | { type: 'ended' } | ({ type: 'failed' } & KeeperProblem);

export type KeeperProcess = {
  /** Of the one that runs now. */
  readonly pid: number | undefined;
  /** Resolves when a keeper has ended by itself. Rejects with what it failed with. */
  readonly ended: Promise<void>;
  /** As if the signal had come to it. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL; P1. */
  kill(): void;
  close(): Promise<void>;
};

/** *Effect.* `environment`: on top of ours. `onNext`: one was killed, and the next one, of this pid, has the directory. */
export function startKeeperProcess(options: {
  order: KeeperOrder;
  environment: Readonly<Record<string, string>>;
  onDeath: () => void;
  onNext: (pid: number) => void;
}): KeeperProcess {
  const { order, environment, onDeath, onNext } = options;
  let child: ChildProcess;
  let isClosing = false;
  let earlyDeaths = 0;
  let started = 0;
  let resolveEnded: () => void = () => {};
  let rejectEnded: (error: unknown) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    resolveEnded = resolve;
    rejectEnded = reject;
  });
  ended.catch(() => {}); // whoever asks is told
  const say = (message: ToKeeperChild) => void (child.connected && child.send(message, () => {}));

  const start = () => {
    const current = forked(order.logFile, environment);
    child = current;
    started += 1;
    let isOwner = false;
    let outcome: FromKeeperChild | undefined;
    current.on('message', (message: FromKeeperChild) => {
      if (message.type !== 'owned') return void (outcome = message);
      isOwner = true;
      earlyDeaths = 0;
      if (started > 1) onNext(current.pid ?? 0);
    });
    current.once('error', rejectEnded);
    // Not at `exit`: what it said last may still be on its way.
    current.once('close', (code, signal) => {
      onDeath();
      if (outcome?.type === 'failed') return rejectEnded(errorOf(outcome));
      if (outcome || isClosing) return resolveEnded();
      if (!isOwner) earlyDeaths += 1;
      if (signal === 'SIGKILL' && earlyDeaths < MOST_EARLY_DEATHS) return start(); // P1
      if (!isOwner && signal === null && code !== null && code > 128) return resolveEnded(); // P3
      return rejectEnded(new Error(`the keeper ended with ${signal ?? `code ${code}`}; see ${order.logFile}`));
    });
    say({ type: 'begin', ...order });
  };
  start();

  return {
    get pid() {
      return child.pid;
    },
    ended,
    signal: (name) => say({ type: 'signal', name }),
    kill: () => void child.kill('SIGKILL'),
    async close() {
      isClosing = true;
      say({ type: 'signal', name: 'SIGTERM' });
      const { kind } = await settledWithin(ended, CLOSE_MS);
      if (kind === 'late') child.kill('SIGKILL');
    },
  };
}

function forked(logFile: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const file = fileURLToPath(new URL(`./keeper-child.${extension}`, import.meta.url));
  const log = openSync(logFile, 'a', 0o600);
  try {
    return fork(file, [], {
      detached: true, // P2
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}
