/** Orders to a process that a test did not start itself: JSON over HTTP on the loopback, its port in a file. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../e2e/harness/until.ts';

export type Orders = Record<string, (body: never) => unknown>;

const START_MS = 20_000;
const ANSWER_MS = 20_000;

/** Takes orders until the process ends; the port is written when they can come. */
export async function takeOrders(portFile: string, orders: Orders): Promise<void> {
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const order = orders[request.url?.slice(1) ?? ''] as ((body: unknown) => unknown) | undefined;
      try {
        if (!order) throw new Error(`no such order: ${request.url}`);
        const answer = await order(JSON.parse(Buffer.concat(parts).toString()));
        response.end(JSON.stringify({ answer: answer ?? null }));
      } catch (error) {
        response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await writeFile(`${portFile}.new`, String((server.address() as AddressInfo).port));
  await rename(`${portFile}.new`, portFile); // whole or not there
}

/** Gives an order and waits for its answer; rejects when nobody takes it, or with what went wrong there. */
export async function order(portFile: string, name: string, body: unknown = {}): Promise<unknown> {
  const port = await until(`a port in ${portFile}`, () => readFile(portFile, 'utf8').catch(() => undefined), START_MS);
  const response = await fetch(`http://127.0.0.1:${port}/${name}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const { answer, error } = (await response.json()) as { answer?: unknown; error?: string };
  if (error !== undefined) throw new Error(`${name}: ${error}`);
  return answer;
}
