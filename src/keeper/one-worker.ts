/**
 * One process of the worker: started by this keeper, or found from an earlier one.
 *
 *   P1  It has a process group of its own, so a terminal's Ctrl-C reaches the keeper alone; and it gets one signal, for
 *       the second would make it leave its calls at once.
 *   P2  What it prints goes through us, unless it goes to a file (child-output.ts says why). It may outlive this keeper:
 *       then its lines are lost, and it lives on (own-output.ts).
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Owner } from '../journal/entry.ts';
import { isAlive, ownerOf } from '../journal/owner.ts';
import { forward, wayTo } from '../output/child-output.ts';
import { standardError, standardOutput } from '../output/standard-output.ts';
import { settledWithin } from '../waiting/deadline.ts';

const ADOPTED_POLL_MS = 200;
/** What a process printed last is in its pipe when its exit is known; its jobs may hold that pipe open for long. */
const LAST_LINES_MS = 100;

export type WorkerCommand = { file: string; args: string[] };
export type WorkerExit = {
  /** As a shell has it: 128 + the signal's number for one that was killed. */
  code: number;
  isKilled: boolean;
  /** It could not be started at all. */
  failure?: string;
};
export type OneWorker = {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined;
  readonly startedAt: number;
  /** Started by an earlier keeper: its exit code is not known. */
  readonly isFound: boolean;
  /** Who it is, for the next keeper; rejects when it was gone before that could be asked. */
  readonly owner: Promise<Owner>;
  /** It has said over the link who it is. */
  hasSaidHello: boolean;
  /** When it is gone, and its last lines have come; never rejects. */
  readonly exited: Promise<WorkerExit>;
};

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** What prints in colours on a terminal goes on doing so: its lines end there, through us. */
const colours = (): NodeJS.ProcessEnv => {
  const { FORCE_COLOR: forced, NO_COLOR: none } = process.env;
  return standardOutput().isTerminal && forced === undefined && none === undefined ? { FORCE_COLOR: '1' } : {};
};

/** *Effect.* */
export function startWorker({ file, args }: WorkerCommand, environment: NodeJS.ProcessEnv): OneWorker {
  const startedAt = performance.now();
  const child = spawn(file, args, {
    detached: true, // P1
    stdio: ['inherit', wayTo(standardOutput()), wayTo(standardError())], // P2
    env: { ...colours(), ...environment },
  });
  forward(child.stdout, standardOutput());
  forward(child.stderr, standardError());
  const printed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const exited = new Promise<WorkerExit>((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return; // a signal that did not arrive
      resolve({ code: 1, isKilled: false, failure: `${file} cannot be started: ${error.message}` });
    });
    child.once('exit', (code, killer) => {
      void settledWithin(printed, LAST_LINES_MS).then(() =>
        resolve({ code: codeOf(code, killer), isKilled: killer !== null }),
      );
    });
  });
  const owner = child.pid === undefined ? Promise.reject(new Error('it was not started')) : ownerOf(child.pid);
  owner.catch(() => undefined); // whoever asks for it handles it
  return { pid: child.pid, startedAt, isFound: false, owner, hasSaidHello: false, exited };
}

/** *Effect.* No child of ours, so nobody tells us: asked until it is gone. */
export function foundWorker(owner: Owner): OneWorker {
  const exited = new Promise<WorkerExit>((resolve) => {
    const watch = async (): Promise<void> => {
      if ((await isAlive(owner)) !== 'alive') return resolve({ code: 1, isKilled: true });
      setTimeout(() => void watch(), ADOPTED_POLL_MS);
    };
    void watch();
  });
  return {
    pid: owner.pid,
    startedAt: performance.now(),
    isFound: true,
    owner: Promise.resolve(owner),
    hasSaidHello: true,
    exited,
  };
}
