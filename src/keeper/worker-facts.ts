/**
 * What the worker told this keeper: destinations, keys, limits. In memory only (there are secrets in it), so a new
 * keeper knows nothing until a worker has said hello, and whoever needs it waits until one has, or none will come. A
 * limit of time would be wrong: an agent file may take a while to load, and a caller of the keeper before this one
 * still has to be hung up on.
 */
import { defaultPolicy, lastWordsMs, type Policy } from '../../machines/index.ts';
import type { Shutdown, WorkerHello } from '../link/messages.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { openRooms } from '../rooms/server-api.ts';
import { openWaitingRooms, type WaitingRooms } from '../rooms/waiting-rooms.ts';
import { strategyFor } from '../session/hang-up-strategy.ts';
import type { Log } from '../session/ports.ts';
import { apologist, type ApologyRecording } from './apologize.ts';
import type { Apologize } from './recover.ts';
import type { TellReach } from './tell-caller.ts';

/** Who has waited for so long may be a telephone that is still to be picked up. */
const UNANSWERED_MS = 4_000;

export type WorkerFacts = {
  readonly now: WorkerHello | undefined;
  take(hello: WorkerHello): void;
  /** No worker has come, and none will: whoever waits is answered with nothing. */
  giveUp(): void;
  /** The last hello; undefined when none has come and none will. */
  known(): Promise<WorkerHello | undefined>;
  /** The last hello; pending while there was none. */
  hello(): Promise<WorkerHello>;
  rooms(): Promise<Rooms | null>;
  /** How long calls get that have to end, and with how much of it left they are told: all of it, or what a goodbye takes. */
  readonly shutdown: { budgetMs: number; graceMs: number };
  /** As the last hello had it; undefined while there was none, or when there is no LiveKit. */
  readonly livekit: (TellReach & { rooms: Rooms }) | undefined;
  apologize(recording: ApologyRecording): Apologize | undefined;
};

type Ends = { policy: Policy; shutdown?: Shutdown };

export function workerFacts(options: {
  /** Finds out where this URL's host is, before it is needed. */
  know?: (url: string) => void;
  log: Log;
}): WorkerFacts {
  const { know = () => undefined, log } = options;
  let hello: WorkerHello | undefined;
  let rooms: Rooms | null = null;
  let waiting: WaitingRooms | undefined;
  let arrive: (first: WorkerHello) => void = () => undefined;
  const arrived = new Promise<WorkerHello>((resolve) => (arrive = resolve));
  let giveUp: () => void = () => undefined;
  const first = Promise.race([arrived, new Promise<void>((resolve) => (giveUp = resolve))]);
  return {
    get now() {
      return hello;
    },
    take(next) {
      const isAnother = JSON.stringify(hello?.livekit) !== JSON.stringify(next.livekit);
      if (isAnother) rooms = next.livekit && openRooms(next.livekit, { log });
      if (isAnother || hello?.agentName !== next.agentName)
        waiting = next.livekit && rooms ? openWaitingRooms(next.livekit, rooms) : undefined;
      hello = next;
      if (next.livekit) know(next.livekit.url); // for when it counts
      arrive(next);
    },
    giveUp: () => giveUp(),
    async known() {
      await first;
      return hello;
    },
    async hello() {
      const first = await arrived;
      return hello ?? first;
    },
    get shutdown() {
      const { policy, shutdown }: Ends = hello ?? { policy: defaultPolicy };
      const budgetMs = policy.shutdownBudgetMs;
      return { budgetMs, graceMs: shutdown === 'finish' ? Math.min(budgetMs, lastWordsMs(policy)) : budgetMs };
    },
    get livekit() {
      if (!hello?.livekit || !rooms || !waiting) return undefined;
      const { livekit, agentName, policy, hangUp, apology, waitsForTracks = false } = hello;
      const recording = apology && { file: undefined, ...apology };
      return {
        server: livekit.url,
        rooms,
        waiting,
        agentName,
        policy,
        strategy: strategyFor(null, hangUp), // as of a job that never began
        apologize: recording && apologist({ access: livekit, rooms, recording, log, subscriptionMs: UNANSWERED_MS }),
        waitsForTracks,
      };
    },
    async rooms() {
      await first;
      return rooms;
    },
    apologize(recording) {
      if (!rooms || !hello?.livekit) return undefined;
      return apologist({ access: hello.livekit, rooms, recording, log });
    },
  };
}
