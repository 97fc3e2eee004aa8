/**
 * The inspector beside a keeper: a child that may die, hang and be flooded, and that nobody waits for.
 *
 *   B1  What it prints goes through us, as with every child (output/child-output.ts).
 *   B2  It ends with the keeper, however that ends: by a signal, or by the channel that closes. A group of its own: a
 *       terminal's Ctrl-C would else end it before the last calls are over.
 *   B3  It is started again, later each time; not when it says itself that trying again will not help.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from 'pino';
import { forward, wayTo } from '../output/child-output.ts';
import { standardError, standardOutput } from '../output/standard-output.ts';

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;
const HEALTHY_MS = 60_000;
const KILL_MS = 1_000;
/** As the command line ends where environment, files or keys are wrong. */
const HOPELESS: ReadonlySet<number> = new Set([2, 78]);

export type Beside = { readonly pid: number | undefined; stop(): void };

/** *Effect.* Never throws, and keeps no process alive. */
export function startBeside(options: {
  command: { file: string; args: readonly string[]; environment?: NodeJS.ProcessEnv };
  log: Pick<Logger, 'info' | 'warn'>;
  firstPauseMs?: number;
}): Beside {
  const { command, log, firstPauseMs = FIRST_PAUSE_MS } = options;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let pauseMs = firstPauseMs;

  const ended = (why: string, isHopeless: boolean) => {
    child = undefined;
    if (isStopped) return;
    log.warn({ why }, `the inspector has ended, calls go on${isHopeless ? '' : '; it is started again'}`);
    if (isHopeless) return;
    timer = setTimeout(launch, pauseMs).unref();
    pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
  };
  const launch = () => {
    const startedAt = performance.now();
    const started = spawn(command.file, command.args, {
      detached: true, // B2
      stdio: ['ignore', wayTo(standardOutput()), wayTo(standardError()), 'ipc'], // B1
      env: { ...process.env, ...command.environment },
    });
    child = started;
    started.unref();
    started.channel?.unref();
    forward(started.stdout, standardOutput());
    forward(started.stderr, standardError());
    for (const stream of [started.stdout, started.stderr]) (stream as { unref?: () => void } | null)?.unref?.();
    started.once('error', ({ message }) => ended(message, false));
    started.once('exit', (code, signal) => {
      if (performance.now() - startedAt > HEALTHY_MS) pauseMs = firstPauseMs;
      ended(signal ?? `exit ${code}`, code !== null && HOPELESS.has(code)); // B3
    });
    log.info({ inspectorPid: started.pid }, 'inspector started');
  };
  launch();

  return {
    get pid() {
      return child?.pid;
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      const last = child;
      if (!last) return;
      last.kill('SIGTERM');
      setTimeout(() => last.kill('SIGKILL'), KILL_MS).unref();
    },
  };
}
