/**
 * The worker as a process: started, started again when it dies, told once to end.
 *
 *   P1  It has a process group of its own, so a terminal's Ctrl-C reaches the keeper alone; and it gets one signal, for
 *       the second would make it leave its calls at once.
 *   P2  What it prints goes through us, unless it goes to a file (child-output.ts says why). It may outlive this keeper:
 *       then its lines are lost, and it lives on (own-output.ts).
 *   P3  One that ends before it said hello, when none ever did, will not do better the next time: that is the end, with
 *       its code. Later on a failing start is tried again, at most MAX_FAILED_STARTS times in a row.
 *   P4  One that ends by itself with 0 was done; so is the keeper.
 *
 * Who belongs to it, and what outlives it: worker-groups.ts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Owner } from '../journal/entry.ts';
import { forward, wayTo } from '../output/child-output.ts';
import { isAlive, ownerOf } from '../journal/owner.ts';
import { standardError, standardOutput } from '../output/standard-output.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { WorkerGroups } from './worker-groups.ts';

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;
/** After so long a worker counts as healthy, and the next pause is the shortest again. */
const HEALTHY_MS = 60_000;
const MAX_FAILED_STARTS = 5;
/** From the start to hello: the import of the agent file, no more. */
const HELLO_MS = 60_000;
/** How long a worker that an earlier keeper started gets to connect: the client's longest pause, and a slow machine. */
const ADOPTION_MS = 4_000;
const ADOPTED_POLL_MS = 200;
/** What a process printed last is in its pipe when its exit is known; its jobs may hold that pipe open for long. */
const LAST_LINES_MS = 100;
const TERMINATED = 128 + constants.signals.SIGTERM;

export type WorkerCommand = { file: string; args: string[] };
export type WorkerEnd = {
  /** As a shell has it: 128 + the signal's number for one that was killed. */
  code: number;
  /** It never worked: what to tell the operator. */
  failure?: string;
};

export type WorkerProcess = {
  /** Adopts the worker of an earlier keeper, or starts one. */
  start(): Promise<void>;
  /** A worker said hello over the link. */
  hello(pid: number): void;
  /** SIGTERM, once. */
  drain(): void;
  /** One that did not end in time, and its group with it; it counts as ended by SIGTERM. */
  kill(): void;
  /** Is this living process in the group of a worker that this keeper started or found? Never rejects. */
  owns(owner: Owner): Promise<boolean>;
  /** After `ended`: what is left of its group leaves within a second, or is killed. Takes 2 s at most, never rejects. */
  clear(): Promise<void>;
  readonly pid: number | undefined;
  /** Resolves when it has ended for good; never rejects. */
  readonly ended: Promise<WorkerEnd>;
};

const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** What prints in colours on a terminal goes on doing so: its lines end there, through us. */
const colours = (): NodeJS.ProcessEnv => {
  const { FORCE_COLOR: forced, NO_COLOR: none } = process.env;
  return standardOutput().isTerminal && forced === undefined && none === undefined ? { FORCE_COLOR: '1' } : {};
};

export function superviseWorker(options: {
  command: WorkerCommand;
  /** For messages. */
  agentFile: string;
  environment: NodeJS.ProcessEnv;
  /** Where `worker.json` names the worker, for the next keeper. */
  directory: string;
  log: Logger;
  /** It died, and jobs of it may live on. */
  onDied: () => void;
  /** For tests: after how long what an earlier worker left is ended. */
  orphansMs?: number;
}): WorkerProcess {
  const { command, agentFile, environment, directory, log, onDied, orphansMs } = options;
  const record = join(directory, 'worker.json');
  const groups = new WorkerGroups(log, orphansMs);
  let child: ChildProcess | undefined;
  let pid: number | undefined;
  let group: number | undefined;
  let startedAt = 0;
  let hasSaidHello = false;
  let hasEverSaidHello = false;
  let isDraining = false;
  let isGivenUp = false;
  let failedStarts = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let adoptedHello: (() => void) | undefined;
  let end: (end: WorkerEnd) => void = () => undefined;
  const ended = new Promise<WorkerEnd>((resolve) => (end = resolve));

  const onExit = (code: number, isKilled: boolean) => {
    clearTimeout(timer);
    const wasHello = hasSaidHello;
    const exited = { workerPid: pid, code };
    pid = undefined;
    child = undefined;
    hasSaidHello = false;
    void rm(record, { force: true });
    if (isDraining) return end({ code: isGivenUp ? TERMINATED : code });
    if (wasHello && code === 0) {
      log.info(exited, 'the worker has ended by itself'); // P4
      return end({ code });
    }
    if (!wasHello) {
      failedStarts += 1;
      const isHopeless = (!hasEverSaidHello && !isKilled) || failedStarts >= MAX_FAILED_STARTS;
      if (isHopeless) {
        const advice =
          code === 0
            ? 'does it call runWorker(import.meta.url)?'
            : 'its own error is printed above; correct the file and start again.';
        return end({
          code: code || 1,
          failure: `${agentFile} ended with code ${code} before it was a worker: ${advice}`,
        });
      }
    }
    if (performance.now() - startedAt > HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
    log.error({ ...exited, againInMs: pauseMs }, 'the worker died; starting it again');
    onDied();
    timer = setTimeout(launch, pauseMs);
    pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
  };

  const launch = () => {
    startedAt = performance.now();
    const started = spawn(command.file, command.args, {
      detached: true, // P1
      stdio: ['inherit', wayTo(standardOutput()), wayTo(standardError())], // P2
      env: { ...colours(), ...environment },
    });
    forward(started.stdout, standardOutput());
    forward(started.stderr, standardError());
    const printed = new Promise<void>((resolve) => void started.once('close', () => resolve()));
    child = started;
    pid = started.pid;
    group = pid;
    started.once('error', (error) => {
      if (started.pid !== undefined) return; // a signal that did not arrive
      end({ code: 1, failure: `${command.file} cannot be started: ${error.message}` });
    });
    started.once('exit', (code, killer) => {
      void settledWithin(printed, LAST_LINES_MS).then(() => onExit(codeOf(code, killer), killer !== null));
    });
    timer = setTimeout(() => {
      log.error({ workerPid: pid }, `the worker did not say hello within ${HELLO_MS} ms; killing it`);
      groups.signal('SIGKILL', pid);
    }, HELLO_MS);
    log.info({ workerPid: pid, file: command.file }, 'worker started'); // an argument may be a key
    if (started.pid !== undefined) void remember(started.pid);
  };

  /** For the next keeper. Without it a worker that outlives us is not waited for, and a second one starts. */
  const remember = async (workerPid: number) => {
    try {
      const owner = await ownerOf(workerPid);
      groups.add(owner);
      await rm(record, { force: true }); // made anew: a link that somebody planted is not followed
      await writeFile(record, JSON.stringify(owner), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      log.warn({ err: error }, 'the worker could not be written down for the next keeper');
    }
  };

  /** No child of ours, so nobody tells us: ask until it is gone. */
  const watchAdopted = async (owner: Owner) => {
    if ((await isAlive(owner)) !== 'alive') return onExit(isDraining ? 0 : 1, true);
    setTimeout(() => void watchAdopted(owner), ADOPTED_POLL_MS);
  };

  const adopt = async (): Promise<boolean> => {
    const owner = await readFile(record, 'utf8').then(
      (text) => JSON.parse(text) as Owner,
      () => undefined,
    );
    if (!owner) return false;
    const liveness = await isAlive(owner);
    if (liveness !== 'unknown') groups.add(owner);
    if (liveness !== 'alive') return false;
    pid = owner.pid;
    group = pid;
    if (!hasSaidHello) {
      const isThere = await new Promise<boolean>((resolve) => {
        const waiting = setTimeout(() => resolve(false), ADOPTION_MS);
        adoptedHello = () => {
          clearTimeout(waiting);
          resolve(true);
        };
        if (earlyHellos.has(owner.pid)) adoptedHello();
      });
      if (!isThere) {
        log.error(
          { workerPid: pid },
          `an earlier worker lives and did not connect within ${ADOPTION_MS} ms; ending it`,
        );
        await groups.endEarlier(owner, onDied);
        pid = undefined;
        group = undefined;
        return false;
      }
    }
    hasSaidHello = true;
    hasEverSaidHello = true;
    startedAt = performance.now();
    log.info({ workerPid: pid }, 'worker adopted');
    if (standardOutput().isShared) log.warn({ workerPid: pid }, 'what the adopted worker and its jobs print is lost'); // P2
    void watchAdopted(owner);
    return true;
  };
  const earlyHellos = new Set<number>();

  return {
    ended,
    get pid() {
      return pid;
    },
    async start() {
      if (!(await adopt()) && !isDraining) launch();
      else if (pid === undefined) end({ code: 0 });
    },
    hello(from) {
      earlyHellos.add(from);
      if (from !== pid) return;
      if (child) clearTimeout(timer);
      hasSaidHello = true;
      hasEverSaidHello = true;
      failedStarts = 0;
      adoptedHello?.();
    },
    drain() {
      if (isDraining) return;
      isDraining = true;
      if (pid === undefined) {
        clearTimeout(timer);
        end({ code: 0 });
      } else groups.signal('SIGTERM', pid);
    },
    kill() {
      isGivenUp = true;
      groups.signal('SIGKILL', group && -group);
    },
    owns: (owner) => groups.owns(owner),
    clear: () => groups.clear(group),
  };
}
