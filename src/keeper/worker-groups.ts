/**
 * The process groups of workers: who belongs to one, and what of one outlives its worker.
 *
 *   P5  Its jobs are in its group, and so is the SDK's process for turn detection, which lives for 15 s after its worker
 *       died; one that still imports lives on, too. The keeper does not leave before the group is empty.
 *   P6  A job is killed only inside the group of a worker that this keeper started or found in worker.json, and only when
 *       it is no older than that worker: a pid that somebody names over the link may be anybody's. While a group has
 *       members its number is nobody else's, so a group whose worker is dead still tells.
 *   P7  An earlier keeper's worker that does not connect is killed at once. Its jobs may connect by themselves, and serve
 *       callers: they are told like those of any worker that died, and only what is left after ORPHANS_MS is killed, each
 *       process by its pid and its start time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Owner } from '../journal/entry.ts';
import { groupOf, isAlive, isGroupAlive, membersOf, ownerOf } from '../journal/owner.ts';

/** An idle process leaves at once when its worker has died, and a killed one when the kernel has taken it apart. */
const LEAVING_MS = 1_000;
const LEAVING_POLL_MS = 50;
/** P7: a job waits for the next worker as long as its `shutdownBudgetMs` (25 s), and then says goodbye within as much. */
const ORPHANS_MS = 60_000;

export class WorkerGroups {
  readonly #log: Logger;
  readonly #orphansMs: number;
  /** P6: group → when its worker started. */
  readonly #startedAt = new Map<number, string>();
  #orphans: Owner[] = [];

  /** `orphansMs`: for tests; default 60,000. */
  constructor(log: Logger, orphansMs = ORPHANS_MS) {
    this.#log = log;
    this.#orphansMs = orphansMs;
  }

  /** A worker that leads a group of its own. */
  add(worker: Owner): void {
    this.#startedAt.set(worker.pid, worker.startTicks);
  }

  /** P6. Is this living process in the group of one of these workers? Never rejects. */
  async owns(owner: Owner): Promise<boolean> {
    const group = await groupOf(owner);
    const leaderTicks = group === undefined ? undefined : this.#startedAt.get(group);
    if (group === undefined || leaderTicks === undefined || Number(owner.startTicks) < Number(leaderTicks))
      return false;
    const { startTicks } = await ownerOf(group); // empty when it is dead; another one when its number was given anew
    return startTicks === '' || startTicks === leaderTicks;
  }

  /** *Effect.* Never throws: who is gone before the signal needs none. */
  signal(name: NodeJS.Signals, to: number | undefined): void {
    try {
      if (to !== undefined) process.kill(to, name);
    } catch (error) {
      this.#log.debug({ err: error, to }, 'the worker was gone before the signal');
    }
  }

  /** *Effect.* P7. A stranger is never hit: the list is made while the leader lives, and names each process by its start, too. */
  async endEarlier(leader: Owner, onOrphans: () => void): Promise<void> {
    this.#orphans = (await membersOf(leader.pid)).filter((member) => member.pid !== leader.pid);
    this.signal('SIGKILL', leader.pid);
    if (this.#orphans.length === 0) return;
    onOrphans();
    setTimeout(() => void this.#killOrphans(), this.#orphansMs).unref();
  }

  /** *Effect.* P5. What is left leaves within a second, or is killed. Takes 2 s at most, never rejects. */
  async clear(group: number | undefined): Promise<void> {
    await this.#killOrphans();
    if (await isGone(group)) return;
    this.#log.warn({ group }, 'processes of the worker outlived it; killing them');
    this.signal('SIGKILL', group && -group);
    if (!(await isGone(group))) this.#log.error({ group }, 'processes of the worker cannot be ended');
  }

  async #killOrphans(): Promise<void> {
    for (const orphan of this.#orphans.splice(0)) {
      if ((await isAlive(orphan)) !== 'alive') continue;
      this.#log.warn({ pid: orphan.pid }, 'a process of an earlier worker outlived it; killing it');
      this.signal('SIGKILL', orphan.pid);
    }
  }
}

const isGone = async (group: number | undefined): Promise<boolean> => {
  for (const until = performance.now() + LEAVING_MS; performance.now() < until; await sleep(LEAVING_POLL_MS))
    if (group === undefined || !(await isGroupAlive(group))) return true;
  return false;
};
