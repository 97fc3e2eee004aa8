/** Kills, freezes and restarts at random, and counts. It stops only what the deployment started. */
import { setTimeout as sleep } from 'node:timers/promises';
import { askToReload } from '../../src/link/ask-keeper.ts';
import type { Deployment, LiveKitServer } from '../e2e/harness/index.ts';
import type { Random } from '../machine/random.ts';

/** Who is hit, and how often: a process of a call dies more often than what is above it. A reload hits nobody by itself. */
const often = {
  job: 5,
  'frozen job': 1,
  worker: 2,
  keeper: 1,
  livekit: 1,
  'job and keeper': 1,
  'worker and keeper': 1,
  reload: 1,
  'reload and worker': 1,
  'reload and keeper': 1,
};
export type Victim = keyof typeof often;
const victims = (Object.keys(often) as Victim[]).flatMap((victim) => Array<Victim>(often[victim]).fill(victim));
export const isVictim = (name: string): name is Victim => Object.hasOwn(often, name);

/** A person needs time for a turn between two blows, or every call is one that is not taken over any more. */
const FIRST_MS = 6_000;
const MORE_MS = 14_000;
const LIVEKIT_AWAY_MS = 1_000;
const KEEPER_MS = 5_000;
/** Until the next worker serves. */
const RELOAD_MS = 8_000;

export type Kills = Record<Victim, number>;

export function killAtRandom(given: {
  deployment: Deployment;
  server: LiveKitServer;
  random: Random;
  /** Rooms in which a call is going on. */
  rooms: () => string[];
  only?: Victim | undefined;
  onKill: (what: string) => void;
}): { kills: Kills; stop(): Promise<void> } {
  const { deployment, server, random, rooms, only, onKill } = given;
  const kills = Object.fromEntries(Object.keys(often).map((victim) => [victim, 0])) as Kills;
  const over = new AbortController();

  const hit = (pid: number | undefined, signal: NodeJS.Signals): boolean => {
    try {
      return pid !== undefined && process.kill(pid, signal);
    } catch {
      return false; // it ended by itself
    }
  };
  /** The process that has the call now: of its last epoch. */
  const jobOf = async (room: string): Promise<number | undefined> => {
    const first = (await deployment.journalOf(room))?.epochs.at(-1)?.entries[0];
    return first?.kind === 'session.opened' ? first.data.owner.pid : undefined;
  };
  const strikeKeeper = async (): Promise<true> => {
    deployment.signal('SIGKILL');
    await deployment.ended(KEEPER_MS);
    await deployment.restart();
    return true;
  };
  const strike = async (victim: Victim): Promise<boolean> => {
    if (victim === 'job and keeper') return (await strike('job')) && (await strikeKeeper());
    if (victim === 'worker and keeper') return (await strike('worker')) && (await strikeKeeper());
    if (victim === 'reload') return !('why' in (await askToReload(deployment.directory)));
    if (victim === 'reload and worker' || victim === 'reload and keeper') {
      const asked = askToReload(deployment.directory);
      await sleep(random.below(RELOAD_MS));
      await strike(victim === 'reload and worker' ? 'worker' : 'keeper');
      await asked;
      return true;
    }
    if (victim === 'keeper') return strikeKeeper();
    if (victim === 'worker') return hit(await deployment.workerPid(), 'SIGKILL');
    if (victim === 'livekit') {
      await server.kill();
      await sleep(LIVEKIT_AWAY_MS);
      await server.restart();
      return true;
    }
    const going = rooms();
    if (going.length === 0) return false;
    return hit(await jobOf(random.pick(going)), victim === 'job' ? 'SIGKILL' : 'SIGSTOP');
  };

  const running = (async () => {
    for (;;) {
      await sleep(FIRST_MS + random.below(MORE_MS), undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      const victim = only ?? random.pick(victims);
      const isHit = await strike(victim).catch((error: unknown) => {
        onKill(`${victim}: ${String(error).split('\n')[0]}`);
        return false;
      });
      if (!isHit) continue;
      kills[victim] += 1;
      onKill(victim);
    }
  })();
  return {
    kills,
    async stop() {
      over.abort();
      await running;
    },
  };
}
