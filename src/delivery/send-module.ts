/**
 * A module of the user's, run in a child of its own for each attempt: what it throws, leaks or blocks stays there.
 * At the deadline the child is killed, and only the child.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import { forward } from '../output/child-output.ts';
import { standardError } from '../output/standard-output.ts';
import { killGroup } from './kill-group.ts';
import type { Carried } from './courier-messages.ts';
import { messageOf } from '../errors/thrown.ts';

// Beside this file, in the sources as in the build.
const childUrl = new URL(import.meta.url.endsWith('.ts') ? './module-child.ts' : './module-child.js', import.meta.url);

/** What only processes of ours have a use for: a module is the user's. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !['LASTWORD_SOCKET', 'LASTWORD_TOKEN', 'UV_THREADPOOL_SIZE'].includes(name),
    ),
  );

/** Between its answer and its exit. */
const EXIT_MS = 1_000;

const reading = (message: unknown): DeliveryOutcome => {
  if (typeof message !== 'object' || message === null || !('ok' in message)) {
    return { kind: 'failed', error: 'the child of the module said something else than ok' };
  }
  if (message.ok === true) return { kind: 'done' };
  return { kind: 'failed', error: 'error' in message ? String(message.error).slice(0, 1_000) : 'the module failed' };
};

type ModuleOptions = {
  /** For tests: a build of module-child.ts. */
  moduleChild?: URL;
  /** It runs, or has ended. */
  onModule?: (pid: number, isThere: boolean) => void;
};

/** Effect. Never rejects. */
export const runModule = (
  url: string,
  delivery: Carried,
  signal: AbortSignal,
  { moduleChild: child = childUrl, onModule }: ModuleOptions = {},
): Promise<DeliveryOutcome> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve({ kind: 'failed', error: messageOf(signal.reason) });
      return;
    }
    const process_ = fork(fileURLToPath(child), [], {
      // Its output goes to our standard error: standard output may be a destination itself.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // a group of its own: what it starts ends with it
      env: environment(),
      // Loaders stay, so that a TypeScript module loads as the keeper's own; a second debugger port cannot be opened.
      execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
    });
    const { pid } = process_;
    if (pid !== undefined) onModule?.(pid, true);
    const kill = (): void => killGroup(pid);
    for (const stream of [process_.stdout, process_.stderr]) forward(stream, standardError());
    let lastChance: NodeJS.Timeout | undefined;
    const finish = (outcome: DeliveryOutcome): void => {
      signal.removeEventListener('abort', onAbort);
      // It leaves by itself once it has answered; a module that blocks its own exit does not.
      lastChance ??= setTimeout(kill, EXIT_MS);
      if (process_.exitCode !== null || process_.signalCode !== null) clearTimeout(lastChance);
      resolve(outcome);
    };
    const onAbort = (): void => {
      kill();
      finish({ kind: 'failed', error: messageOf(signal.reason) });
    };
    // An answer may still be in the pipe when the exit is known: the channel's end comes after the last message.
    let open = 2;
    const onEnd = (): void => {
      open -= 1;
      if (process_.exitCode !== null || process_.signalCode !== null) clearTimeout(lastChance);
      if (open > 0) return;
      const how = process_.signalCode ?? `exit ${process_.exitCode}`;
      finish({ kind: 'failed', error: `the module's process ended without an answer (${how})` });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    process_.once('message', (message) => finish(reading(message)));
    process_.once('error', (error) => finish({ kind: 'failed', error: `the module's child: ${error.message}` }));
    process_.once('exit', () => {
      kill(); // what it left behind in its group
      if (pid !== undefined) onModule?.(pid, false);
      onEnd();
    });
    process_.once('disconnect', onEnd);
    process_.send({ url, report: delivery.body, kind: delivery.kind }, (error) => {
      if (error) finish({ kind: 'failed', error: `the module's child: ${error.message}` });
    });
  });
