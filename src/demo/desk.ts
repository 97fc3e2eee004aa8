/**
 * What stands around a call in the terminal, on loopback: the receiver that a report is delivered to, and the opening
 * hours that the agent's tool looks up (and that hang when told).
 */
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyWebhook, type Verification } from '../delivery/sign.ts';

const MOST_BYTES = 16 * 1024 * 1024;
const HOURS = 'Monday to Friday from nine to five.';

export type Receipt = { body: string; verification: Verification };

export type Desk = {
  /** Where reports are to be sent, and the secret that signs them; made for this desk. */
  readonly webhook: { url: string; secret: string };
  readonly hoursUrl: string;
  /** Every delivery that came in, in order. */
  readonly receipts: readonly Receipt[];
  onReceipt(listen: (receipt: Receipt) => void): void;
  /** While true, whoever asks for the hours gets no answer; false answers them all. */
  hang(isHanging: boolean): void;
  /** While true, reports are answered with 503. */
  refuse(isRefusing: boolean): void;
  close(): Promise<void>;
};

/** *Effect.* Listens on 127.0.0.1, on any free port. */
export async function openDesk(): Promise<Desk> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const receipts: Receipt[] = [];
  const waiting = new Set<ServerResponse>();
  let listen: (receipt: Receipt) => void = () => {};
  let isHanging = false;
  let isRefusing = false;
  const answerHours = (response: ServerResponse) => response.end(HOURS);

  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/hours') {
      if (!isHanging) return answerHours(response);
      waiting.add(response);
      response.once('close', () => waiting.delete(response));
      return;
    }
    if (request.method !== 'POST' || request.url !== '/reports') return response.writeHead(404).end();
    const parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length > MOST_BYTES) request.destroy();
      else parts.push(part);
    });
    request.on('end', () => {
      if (isRefusing) return void response.writeHead(503).end('down for a while');
      const body = Buffer.concat(parts).toString('utf8');
      const verification = verifyWebhook({ headers: request.headers, body, secrets: [secret] });
      const receipt = { body, verification };
      receipts.push(receipt);
      response.writeHead(verification.ok ? 204 : 401).end();
      listen(receipt);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    webhook: { url: `${origin}/reports`, secret },
    hoursUrl: `${origin}/hours`,
    receipts,
    onReceipt: (given) => void (listen = given),
    hang(wanted) {
      isHanging = wanted;
      if (!wanted) for (const response of waiting) answerHours(response);
    },
    refuse: (wanted) => void (isRefusing = wanted),
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
