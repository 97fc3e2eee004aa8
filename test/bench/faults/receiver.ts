/** Where the reports of both sides go. It can be told to be away for the report about a room. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Posted = { room?: { name?: string } };
export type Receiver = {
  readonly url: string;
  /** Bodies that were taken, by the name of the room. */
  taken(room: string): unknown[];
  all(): unknown[];
  /** Answers 503 to the next attempts about this room, and until then. */
  refuse(room: string, span: { times?: number; untilAt?: number }): void;
  close(): void;
};

export async function startReceiver(): Promise<Receiver> {
  const taken: { room: string; body: unknown }[] = [];
  const refused = new Map<string, { times: number; untilAt: number }>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      const room = (body as Posted).room?.name ?? '';
      const refusal = refused.get(room);
      if (refusal && (refusal.times > 0 || Date.now() < refusal.untilAt)) {
        refusal.times -= 1;
        response.writeHead(503).end();
        return;
      }
      taken.push({ room, body });
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    taken: (room) => taken.filter((each) => each.room === room).map(({ body }) => body),
    all: () => taken.map(({ body }) => body),
    refuse: (room, { times = 0, untilAt = 0 }) => void refused.set(room, { times, untilAt }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
