/** How long the user's code is waited for: hooks, toolsets and tools alike. */
import { setMaxListeners } from 'node:events';
import { Task, voice } from '@livekit/agents';
import { isA } from '../../errors/thrown.ts';
import { type Settled, settledWithin } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { awaitedByCall } from '../current-call.ts';
import { noteError } from '../note-error.ts';

/**
 * Is an AgentTask in the middle of its conversation on behalf of `asking`? Its own hooks and tools are not its
 * conversation: one of them that hangs is late like any other.
 */
export const isTaskAtWork = ({ session }: LiveJob, asking: voice.Agent | undefined): boolean => {
  const current = session?.currentAgent;
  return current instanceof voice.AgentTask && current !== asking;
};

export type Patience = {
  limitMs: number;
  /** What is left once the caller has been let go. */
  graceMs: number;
  /** False: somebody else is at work for it, or nobody waits for it, and the limit begins anew. */
  isOnItsOwn: () => boolean;
};
/** `isLetGo`: the limit was not reached, the call was over before. */
type Late = { kind: 'late'; isLetGo: boolean };

/** Never rejects. What is late goes on by itself. */
export async function settledUnlessLetGo<Value>(
  { letGo }: LiveJob,
  work: Promise<Value>,
  { limitMs, graceMs, isOnItsOwn }: Patience,
): Promise<Exclude<Settled<Value>, { kind: 'late' }> | Late> {
  const wake = new AbortController();
  setMaxListeners(0, letGo.signal); // a model may call a hundred tools at once; each leaves when it is done
  const released = new Promise<{ kind: 'late' }>((resolve) => {
    const leave = () => resolve({ kind: 'late' });
    if (letGo.signal.aborted) leave();
    else letGo.signal.addEventListener('abort', leave, { once: true, signal: wake.signal });
  });
  try {
    for (;;) {
      let outcome = await Promise.race([settledWithin(work, limitMs), released]);
      if (letGo.signal.aborted && outcome.kind === 'late') outcome = await settledWithin(work, graceMs);
      if (outcome.kind !== 'late') return outcome;
      if (letGo.signal.aborted || isOnItsOwn()) return { kind: 'late', isLetGo: letGo.signal.aborted };
    }
  } finally {
    wake.abort();
  }
}

/** As `work` settles, and no later; what is late (or the call is over) rejects with what `giveUp` makes of it. */
export function unlessLate<Value>(
  job: LiveJob,
  work: Promise<Value>,
  patience: Patience,
  giveUp: (isLetGo: boolean) => Error,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    void settledUnlessLetGo(job, work, patience).then((outcome) => {
      if (outcome.kind === 'late') reject(giveUp(outcome.isLetGo));
    });
  });
}

/**
 * A hook of `agent`, by its name; undefined when it did its work in time. What went wrong is journaled. Rejects only where
 * the SDK cancelled the task that the hook is called in: it waits for the hook to say so.
 */
export async function bounded(
  job: LiveJob,
  agent: voice.Agent | undefined,
  hook: string,
  limitMs: number,
  run: () => unknown,
): Promise<{ error: unknown } | undefined> {
  if (job.guarded.isOver) {
    await run();
    return undefined;
  }
  const graceMs = job.definition.policy.closeMs / 3; // the SDK's close() waits for what still runs
  const isOnItsOwn = () => !isTaskAtWork(job, agent);
  const outcome = await settledUnlessLetGo(job, awaitedByCall(job.call, run), { limitMs, graceMs, isOnItsOwn });
  if (outcome.kind === 'settled') return undefined;
  if (outcome.kind === 'failed' && isCancellation(outcome.error)) throw outcome.error;
  const late =
    outcome.kind === 'late' && outcome.isLetGo
      ? `${hook} had not settled when the call was over`
      : `${hook} did not settle within ${limitMs} ms; the call went on without it`;
  const error = outcome.kind === 'failed' ? outcome.error : new Error(late);
  noteError(job, `hook ${hook}`, error);
  return { error };
}

/** What the SDK itself means by it. */
const isCancellation = (error: unknown): boolean => {
  const { controller } = (Task.current() ?? {}) as { controller?: AbortController };
  return controller?.signal.aborted === true && isA(error, Error) && error.name === 'AbortError';
};
