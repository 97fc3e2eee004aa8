/**
 * One attempt at one delivery: to the destination its row names, with the bytes that were sealed.
 *
 * It decides nothing (machines/delivery.ts does) and writes nothing to the store (relay.ts does). It never rejects, and
 * it settles within the deadline whatever the receiver, the disk or a user's module does.
 */
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import type { Destination, WebhookDestination } from '../link/destination.ts';
import { standardOutput, type Output } from '../output/standard-output.ts';
import type { Carried } from './courier-messages.ts';
import { readAddress, targetOf } from './metadata-url.ts';
import { openHttp } from './send-http.ts';
import type { HttpPost } from './send-http.ts';
import { printReport, writeReport } from './send-local.ts';
import { runModule } from './send-module.ts';
import { signHeaders } from './sign.ts';
import { unlessAborted } from '../waiting/deadline.ts';
import { slackBody } from './slack-text.ts';
import { messageOf } from '../errors/thrown.ts';

/** Standard Webhooks asks for 15 to 30 s. */
export const ATTEMPT_MS = 15_000;

export type SenderOptions = {
  /** For a whole attempt, in milliseconds; default 15,000. */
  attemptMs?: number;
  now?: () => number;
  /** Default: this process's standard output. */
  output?: Pick<Output, 'print'>;
  /** For tests: a build of module-child.ts. */
  moduleChild?: URL;
  /** How many operations on disks were given up and have not come back; each holds a thread. */
  onHung?: (count: number) => void;
  /** A process runs a user's module, or has ended. */
  onModule?: (pid: number, isThere: boolean) => void;
};

export type Sender = {
  /**
   * One attempt; never rejects. Whoever aborts `ending` ends it early, and the deadline does the same: then nothing is
   * known of what the receiver got.
   */
  attempt(destination: Destination, delivery: Carried, ending: AbortController): Promise<DeliveryOutcome>;
  close(): Promise<void>;
};

const failed = (error: unknown): DeliveryOutcome => ({
  kind: 'failed',
  error: messageOf(error),
});

export const stopped = (): Error => new Error('stopped during the attempt');

/** *Effect.* An attempt that ends when `stop` is aborted, which outlives it. */
export const endedBy = async <Result>(
  stop: AbortSignal,
  attempt: (ending: AbortController) => Promise<Result>,
): Promise<Result> => {
  const ending = new AbortController();
  const onStop = () => ending.abort(stopped());
  if (stop.aborted) onStop();
  stop.addEventListener('abort', onStop, { once: true });
  try {
    return await attempt(ending);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
};

/** Effect. Opens no connection yet. */
export const openSender = (options: SenderOptions = {}): Sender => {
  const { attemptMs = ATTEMPT_MS, now = Date.now } = options;
  const http = openHttp({ deadlineMs: attemptMs, now });
  const hung = new Set<string>();

  /**
   * Rejects with the signal's reason when it is aborted: a write to a dead network disk never comes back, and holds its
   * thread. A disk that holds one gets no second one.
   */
  const onDisk = async (place: string, begin: () => Promise<void>, signal: AbortSignal): Promise<void> => {
    if (hung.has(place)) throw new Error(`the last write to ${place} has not come back; is it a network disk?`);
    const work = begin();
    try {
      await unlessAborted(work, signal, () => signal.reason);
    } catch (error) {
      if (signal.aborted) {
        hung.add(place);
        options.onHung?.(hung.size);
        const isBack = () => hung.delete(place);
        void work.then(isBack, isBack);
      }
      throw error;
    }
  };

  const webhookPost = (webhook: WebhookDestination, delivery: Carried): HttpPost | { refused: string } => {
    const target = targetOf(webhook, readAddress(delivery.destination).url);
    if ('refused' in target) return target;
    const signed = signHeaders({ id: delivery.report, at: now(), body: delivery.body, secrets: webhook.secrets });
    return { ...target, headers: { ...webhook.headers, ...signed }, body: delivery.body };
  };

  const attempt = async (
    destination: Destination,
    delivery: Carried,
    signal: AbortSignal,
  ): Promise<DeliveryOutcome> => {
    switch (destination.kind) {
      case 'webhook': {
        const post = webhookPost(destination, delivery);
        return 'refused' in post ? { kind: 'refused', error: post.refused } : http.post(post, signal);
      }
      case 'slack':
        return http.post(
          { url: new URL(destination.url), untrusted: false, headers: {}, body: slackBody(delivery.body) },
          signal,
        );
      case 'file':
        await onDisk(destination.directory, () => writeReport(destination.directory, delivery), signal);
        return { kind: 'done' };
      case 'stdout': {
        const printed = printReport(options.output ?? standardOutput(), delivery.body, signal);
        await unlessAborted(printed, signal, () => signal.reason);
        return { kind: 'done' };
      }
      case 'module':
        return runModule(destination.url, delivery, signal, options);
    }
  };

  return {
    attempt: async (destination, delivery, ending) => {
      const timer = setTimeout(() => ending.abort(new Error(`no answer within ${attemptMs} ms`)), attemptMs);
      try {
        return await attempt(destination, delivery, ending.signal);
      } catch (error) {
        return failed(error);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => http.close(),
  };
};
