/**
 * The port of the SDK's health check, which the next worker needs while this one still serves its calls. The SDK keeps its
 * server to itself and closes it with its last call, so it is met where it begins to listen.
 */
import { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { portProblem } from './worker-options.ts';

const POLL_MS = 50;
/** The worker before gives it up when it is asked, which takes as long as a message. */
const FREE_MS = 20_000;

export type HealthPort = {
  /** Nobody listens there any more. What is asked of it meanwhile is still answered. */
  giveUp(): void;
};

/** *Effect.* To be called before the SDK's server runs. */
export function meetHealthPort(port: number): HealthPort {
  let server: Server | undefined;
  const listen = Reflect.get(Server.prototype, 'listen') as Server['listen'];
  const meet = (found: Server) => {
    server = found;
    Server.prototype.listen = listen;
  };
  Server.prototype.listen = function listening(this: Server, ...given: unknown[]) {
    if (given[0] === port) meet(this);
    return Reflect.apply(listen, this, given) as Server;
  } as typeof listen;
  return {
    giveUp() {
      const given = server;
      if (!given) return;
      server = undefined;
      given.close();
      // The SDK closes it, too, and takes it for a failure that it is closed.
      given.close = (done) => {
        done?.();
        return given;
      };
    },
  };
}

/** *Effect.* @returns what is wrong with the port after FREE_MS; undefined: it is free */
export async function freePort(port: number): Promise<string | undefined> {
  const until = performance.now() + FREE_MS;
  for (;;) {
    const problem = await portProblem(port);
    if (problem === undefined || performance.now() > until) return problem;
    await sleep(POLL_MS);
  }
}
