/** A receiver of webhooks that fails now and then, and writes down of every request what came, and what it answered when. */
import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebhookDestination } from '../../../src/link/destination.ts';
import type { Random } from '../../machine/random.ts';

export type Received = {
  id: string;
  cameAt: number;
  /** Undefined: it was cut before all of it had come. */
  body?: string;
  /** When an answer was given to the system, and which; undefined: none was, or the other end was gone. */
  answeredAt?: number;
  status?: number;
  /** It was to fail: no answer for ever, or the connection reset. */
  isRefused?: boolean;
};
type Plan = { status: number; afterMs: number } | 'never' | 'reset';

/** Mostly well and at once, as receivers are; a few are slow, busy, gone, asleep, or hang up. */
const planOf = (random: Random): Plan => {
  const share = random.next();
  if (share < 0.93) return { status: 204, afterMs: random.below(40) };
  if (share < 0.965) return { status: 200, afterMs: 200 + random.below(400) };
  if (share < 0.98) return { status: 503, afterMs: random.below(20) };
  if (share < 0.985) return { status: 410, afterMs: random.below(20) };
  return share < 0.99 ? 'never' : 'reset';
};

export type RecordingReceiver = AsyncDisposable & {
  destination: WebhookDestination;
  received: Received[];
  /** `came`, `answered`. */
  moments: EventEmitter;
  /** From now on every request is answered well, at once. */
  recover(): void;
};

export async function recordingReceiver(random: Random): Promise<RecordingReceiver> {
  const received: Received[] = [];
  const moments = new EventEmitter().setMaxListeners(0);
  let isWell = false;
  const answer = (one: Received, response: ServerResponse) => {
    const plan: Plan = isWell ? { status: 204, afterMs: 0 } : planOf(random);
    if (typeof plan === 'string') {
      one.isRefused = true;
      if (plan === 'reset') response.destroy();
      return;
    }
    setTimeout(() => {
      if (response.destroyed) return; // whoever asked is dead
      one.status = plan.status;
      one.answeredAt = Date.now();
      response.writeHead(plan.status).end();
      moments.emit('answered');
    }, plan.afterMs);
  };
  const server = createServer((request: IncomingMessage, response) => {
    const one: Received = { id: String(request.headers['webhook-id']), cameAt: Date.now() };
    received.push(one);
    moments.emit('came');
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      one.body = Buffer.concat(parts).toString();
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    received,
    moments,
    recover: () => void (isWell = true),
    destination: {
      kind: 'webhook',
      name: 'web',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      secrets: [],
      headers: {},
      allowPrivate: true,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
