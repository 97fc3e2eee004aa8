/**
 * Which calls a worker takes: no more than `maxCalls`, none that cannot begin in time, none that the keeper does not
 * have on disk. A refusal is an answer, given at once: another worker may have room.
 */
import type { JobRequest } from '@livekit/agents';
import type { JobFacts } from '../journal/entry.ts';
import { isJobId } from '../journal/ids.ts';
import type { Link } from '../link/client.ts';
import { factsOfJob } from '../livekit/job-facts.ts';
import { openRooms } from '../rooms/server-api.ts';

/**
 * A call waits for this answer; a keeper that is that slow could not look after it. 500 ms were too few: on two busy
 * cores a keeper answered after 600 ms, and a declined dispatch is never offered again (the server gives 10 s).
 */
const OFFER_MS = 2000;
/** From an accepted job to LiveKit's assignment (the SDK warns after 7.5 s), and from there to a process. */
const ASSIGNED_MS = 60_000;
/** From a warm process to an open journal, on a busy machine. */
const BEGIN_MS = 3_000;

export type Access = { url: string; apiKey: string; apiSecret: string };

/** The calls of this worker: those that run, and those that were accepted and have no process yet. */
export class Seats {
  readonly #accepted = new Map<string, NodeJS.Timeout>();
  readonly #maxCalls: number;
  readonly #running: () => string[];
  constructor(maxCalls: number, running: () => string[]) {
    this.#maxCalls = maxCalls;
    this.#running = running;
  }
  get taken(): number {
    return new Set([...this.#running(), ...this.#accepted.keys()]).size;
  }
  get isFull(): boolean {
    return this.taken >= this.#maxCalls;
  }
  /** Accepted, and not with a process yet. */
  get coming(): number {
    const running = new Set(this.#running());
    return [...this.#accepted.keys()].filter((job) => !running.has(job)).length;
  }
  take(job: string): void {
    // LiveKit may never assign it, and says nothing then; one that is assigned has its process by that time, or none.
    this.#accepted.set(job, setTimeout(() => this.leave(job), ASSIGNED_MS).unref());
  }
  leave(job: string): void {
    clearTimeout(this.#accepted.get(job));
    this.#accepted.delete(job);
  }
}

/** What cannot begin within `startMs` is declined at once: another worker may have a process for it. */
export const isTooLate = (
  pool: { expectedMs(before: number): number } | undefined,
  seats: Seats,
  startMs: number,
): boolean => (pool?.expectedMs(seats.coming) ?? 0) > startMs - Math.min(BEGIN_MS, startMs / 2);

/**
 * The same request, whose `accept` takes a seat and asks the keeper first: only what it has on disk is a call. A
 * `requestFunc` may have thought for a while, so what was free before is looked at again.
 */
export function seated(
  request: JobRequest,
  {
    seats,
    isLate,
    link,
    livekit,
    onRefused,
  }: {
    seats: Seats;
    isLate: () => boolean;
    link: Link | undefined;
    livekit: Access;
    /** By the application, which is obeyed; not by us, who may have room in a moment. */
    onRefused: (roomSid: string) => void;
  },
): JobRequest {
  const acceptNow = request.accept.bind(request);
  const rejectNow = request.reject.bind(request);
  request.reject = async () => {
    onRefused(request.job.room?.sid ?? '');
    await rejectNow();
  };
  request.accept = async (...given) => {
    const { job } = request;
    // An id that can be no folder's name has no journal (journal/ids.ts).
    if (seats.isFull || isLate() || !isJobId(job.id)) return rejectNow();
    seats.take(job.id);
    try {
      if (!link) return await acceptNow(...given);
      const facts = factsOfJob(job);
      const [isThere, isRecorded] = await Promise.all([roomIsThere(livekit, facts.room), link.offer(facts, OFFER_MS)]);
      if (isThere && isRecorded) return await acceptNow(...given); // resolves when its process has it
      if (isRecorded) link.send({ type: 'job.withdrawn', job: facts.job, why: 'the dispatched room was gone' });
    } finally {
      seats.leave(job.id);
    }
    await rejectNow();
  };
  return request;
}

/** A deleted room can be dispatched once more (sdk-facts, 12). No answer in time counts as: it is there. */
async function roomIsThere(livekit: Access, room: JobFacts['room']): Promise<boolean> {
  try {
    const sid = await openRooms(livekit).sidOf(room.name, AbortSignal.timeout(500));
    return room.sid === '' || sid === room.sid;
  } catch {
    return true;
  }
}
