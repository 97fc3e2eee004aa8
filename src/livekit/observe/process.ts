/**
 * What happens to the process itself, as machine events: the second net inside the job. The first is the keeper.
 */
import type { EventEmitter } from 'node:events';
import { endOf } from '../../../machines/index.ts';
import { messageOf, stackOf } from '../../errors/thrown.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';

/**
 * From its request to end on, the SDK waits 15 s for the entry; then it closes the session and leaves the room. LiveKit
 * is less patient where the request is its own: 3 s later it removes the agent (measured), and what is said then is cut.
 */
const REQUEST_GRACE_MS = 14_000;
/** LiveKit asks for it with each room that is deleted, by us too; the job hears of the room itself 45 ms later. */
const ROOM_GONE_MS = 250;

/** Whoever listens late is told of the one that came before, too. */
export type EndRequests = { onRequest: (take: () => void) => void };

/**
 * LiveKit terminates the job, or the worker closes in spite of it: the SDK says it here, and to nobody else. Heard from
 * the first moment of the job on: LiveKit ends a job whose dispatch is deleted while it begins.
 */
export function hearEndRequests(): EndRequests {
  let isAsked = false;
  let taken: (() => void) | undefined;
  process.on('message', (message: unknown) => {
    if (!isShutdownRequest(message)) return;
    isAsked = true;
    taken?.();
  });
  return {
    onRequest(take) {
      taken = take;
      if (isAsked) take();
    },
  };
}

/**
 * Attached for the life of the process: after the session there is nobody left to harm.
 * @param onWorkerLost its worker is gone: the channel to it is closed
 */
export function observeProcess(job: LiveJob, onWorkerLost: () => void, requests = hearEndRequests()): void {
  process.on('uncaughtException', (error) => {
    noteError(job, 'process', error, false);
    const end = endOf('system', 'process_crashed', 'application', `uncaught: ${messageOf(error)}`);
    job.run.send({ type: 'session.failed', end });
  });
  // The SDK raises some of these by itself when a provider fails; a call outlives them.
  process.on('unhandledRejection', (error) => {
    if (closesAgain(error)) job.log.debug({ error: messageOf(error) }, 'a stream was closed twice');
    else noteError(job, 'process', error);
  });
  requests.onRequest(() => void setTimeout(() => takeRequest(job), ROOM_GONE_MS).unref());
  process.on('disconnect', onWorkerLost);
  // What the SDK sends to a worker that has just been killed (the answer to a ping) fails a moment before that, and a
  // failure to send that nobody listens to is an uncaught exception: the end of a call that goes on.
  (process as EventEmitter).on('error', (error: Error) => {
    job.log.debug({ error: messageOf(error) }, 'a message to the worker was lost');
  });
}

/**
 * *Pure.* A stream that is closed already is to be closed: nothing is lost. The SDK does so by itself, in a healthy call,
 * with the VAD of a recogniser that does not stream (its vad.js, `close()`), and ignores the same error elsewhere.
 */
export const closesAgain = (error: unknown): boolean =>
  messageOf(error).includes('WritableStream is closed') && (stackOf(error) ?? '').includes('writableStreamClose');

/** Nothing of it is left to shorten once the caller is being let go, which is where a deleted room leads, too. */
function takeRequest({ run }: LiveJob): void {
  if (run.hasTag('released') || run.hasTag('hangingUp')) return;
  const end = endOf('operator', 'worker_shutdown', 'none', 'the worker or LiveKit asked this job to end');
  run.send({ type: 'shutdown.requested', end, graceMs: REQUEST_GRACE_MS });
}

const isShutdownRequest = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'case' in message && message.case === 'shutdownRequest';
