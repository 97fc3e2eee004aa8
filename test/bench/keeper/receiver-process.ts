/**
 * A receiver of webhooks in a process of its own, which takes as little of the machine as one can: what is measured is who
 * sends. It reads a request to its end, counts it by its id, and answers 204: after `answerMs`, at `/slow` after 10 s, at
 * `/never` never. All loopback addresses are its own: as many receivers as one wants.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Arrived, Expected, FromReceiver } from './receiver.ts';

const END_OF_HEAD = '\r\n\r\n';
const ANSWER = 'HTTP/1.1 204 No Content\r\n\r\n';
const SLOW_MS = 10_000;

let expected: Expected = { count: 0, answerMs: 0 };
let requests = 0;
let firstAt = 0;
let came = new Map<string, number>();

const say = (message: FromReceiver) => void process.send?.(message);
const field = (head: string, name: string): string | undefined => {
  const from = head.search(new RegExp(`\r\n${name}: *`, 'i'));
  return from < 0 ? undefined : head.slice(head.indexOf(':', from) + 1, head.indexOf('\r\n', from + 2)).trim();
};

const waitOf = (head: string): number | undefined => {
  if (head.startsWith('POST /never')) return undefined;
  return head.startsWith('POST /slow') ? SLOW_MS : expected.answerMs;
};
const take = (head: string, answer: () => void): void => {
  const waitMs = waitOf(head);
  if (waitMs === undefined) return;
  const now = Date.now();
  if (requests === 0) firstAt = now;
  requests += 1;
  came.set(field(head, 'webhook-id') ?? '', now);
  if (waitMs === 0) answer();
  else setTimeout(answer, waitMs);
  if (came.size !== expected.count) return;
  const arrived: Arrived = { firstAt, lastAt: now, requests };
  say({ type: 'arrived', arrived });
};

const serve = (socket: Socket): void => {
  let head = '';
  let left = 0;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (;;) {
      if (left > 0) {
        const taken = Math.min(left, rest.length);
        left -= taken;
        rest = rest.subarray(taken);
        if (left > 0) return;
        const whole = head;
        head = '';
        take(whole, () => void (socket.destroyed || socket.write(ANSWER)));
      }
      if (rest.length === 0) return;
      const before = head.length;
      head += rest.toString('latin1');
      const end = head.indexOf(END_OF_HEAD);
      if (end < 0) return;
      rest = rest.subarray(end + END_OF_HEAD.length - before);
      head = head.slice(0, end + 2);
      left = Number(field(head, 'content-length') ?? 0);
    }
  });
};

const server = createServer(serve);
server.listen(0, '0.0.0.0', () => say({ type: 'port', port: (server.address() as AddressInfo).port }));
process.on('message', (next: Expected | 'came') => {
  if (next === 'came') return say({ type: 'came', at: Object.fromEntries(came) });
  expected = next;
  came = new Map();
  requests = 0;
});
process.once('disconnect', () => process.exit(0));
