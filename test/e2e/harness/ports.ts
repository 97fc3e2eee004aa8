/**
 * Ports for those who are told their port before they start, and keep it when they start again. Below the range that
 * Linux gives out by itself (32,768 and up): a port of that range, free a moment ago, may be the local end of anybody's
 * connection when its owner binds it. That was seen: a keeper that could not start for its health check.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const FIRST = 12_000;
const COUNT = 18_000;
/** Processes of one run have neighbouring ids: each begins at its own place and goes on from there. */
let next = (process.pid * 23) % COUNT;

/** A TCP port that nobody has and nobody is given by chance. */
export const freePort = (): Promise<number> => firstFree((port) => createServer().listen(port, '127.0.0.1'));

/** The same for UDP. */
export const freeUdpPort = (): Promise<number> => firstFree((port) => createSocket('udp4').bind(port, '127.0.0.1'));

async function firstFree(take: (port: number) => Server | Socket): Promise<number> {
  for (let tried = 0; tried < COUNT; tried += 1) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    try {
      const taken = take(port);
      await once(taken, 'listening');
      taken.close();
      await once(taken, 'close');
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`expected a free port from ${FIRST} to ${FIRST + COUNT - 1}, and there is none`);
}
