/** Another queue that delivers rows by HTTP: what the bench asks of one, in a process of its own. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Agent, request } from 'undici';

export type Row = { id: string; body: string };
/** Durable in the queue's own way, and none of them taken yet. */
export type Peer = { fill(rows: Row[]): Promise<void>; start(): Promise<void>; stop(): Promise<void> };
export type PeerOptions = { connection: string; post: (row: Row) => Promise<void> };
export type OpenPeer = (folder: string, options: PeerOptions) => Promise<Peer>;

export const peerNames = ['pg-boss', 'graphile-worker', 'BullMQ'] as const;
export type PeerName = (typeof peerNames)[number];

/** The newest releases when this was written. */
export const peerPackages = ['pg-boss@12.38.0', 'graphile-worker@0.18.0', 'bullmq@6.7.0', 'ioredis@5.11.1'];

/** What the bench installed in a folder of its own: none of it is a dependency of ours, so its types are what we use of it. */
export async function installed(folder: string, name: string): Promise<unknown> {
  const file = createRequire(join(folder, 'package.json')).resolve(name);
  const found = (await import(pathToFileURL(file).href)) as { default?: unknown };
  return found.default !== undefined && Object.keys(found).length === 1 ? found.default : found;
}

/** Our courier's client. Rejects unless the receiver takes it. */
export function poster(url: string): (row: Row) => Promise<void> {
  const dispatcher = new Agent();
  return async ({ id, body }) => {
    const headers = { 'content-type': 'application/json', 'webhook-id': id };
    const answer = await request(url, { method: 'POST', headers, body, dispatcher });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`the receiver answered ${answer.statusCode}`);
  };
}
