/**
 * What the worker told this keeper: destinations, keys, limits. In memory only (there are secrets in it), so a new
 * keeper knows nothing until a worker has said hello, and whoever needs it waits, but not for ever.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerHello } from '../link/messages.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { openRooms } from '../rooms/server-api.ts';
import type { Log } from '../session/ports.ts';
import { apologist } from './apologize.ts';
import type { Apologize } from './recover.ts';

/** From the start of this keeper: a worker starts in 1 to 3 s, one that lives connects within 2 s. */
const HELLO_MS = 10_000;

export type WorkerFacts = {
  readonly now: WorkerHello | undefined;
  take(hello: WorkerHello): void;
  /** The last hello; undefined when none has come within the first ten seconds of this keeper. */
  known(): Promise<WorkerHello | undefined>;
  /** The last hello; pending while there was none. */
  hello(): Promise<WorkerHello>;
  rooms(): Promise<Rooms | null>;
  apologize(): Apologize | undefined;
};

export function workerFacts(options: { apologizes: boolean; audio?: string; log: Log }): WorkerFacts {
  const { apologizes, audio, log } = options;
  let hello: WorkerHello | undefined;
  let rooms: Rooms | null = null;
  let arrive: (first: WorkerHello) => void = () => undefined;
  const arrived = new Promise<WorkerHello>((resolve) => (arrive = resolve));
  const first = Promise.race([arrived, pause(HELLO_MS, undefined, { ref: false })]);
  return {
    get now() {
      return hello;
    },
    take(next) {
      const access = JSON.stringify(next.livekit);
      if (!hello || JSON.stringify(hello.livekit) !== access) rooms = next.livekit && openRooms(next.livekit, { log });
      hello = next;
      arrive(next);
    },
    async known() {
      await first;
      return hello;
    },
    async hello() {
      const first = await arrived;
      return hello ?? first;
    },
    async rooms() {
      await first;
      return rooms;
    },
    apologize() {
      if (!apologizes || !rooms || !hello?.livekit) return undefined;
      return apologist({ access: hello.livekit, rooms, ...(audio !== undefined && { audio }) });
    },
  };
}
