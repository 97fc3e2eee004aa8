/** Kills keeper and courier at random moments: around claim, request, answer, settle, seal, or whenever. */
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Owner } from '../../../src/journal/entry.ts';
import { isAlive } from '../../../src/journal/owner.ts';
import type { Random } from '../../machine/random.ts';
import type { Keeper, Siege } from './siege.ts';

export type Kill = { at: number; whom: 'keeper' | 'courier' | 'both'; moment: string };

/** What is waited for, and up to how many milliseconds more. */
const MOMENTS: readonly (readonly [name: string, event: string | undefined, upToMs: number])[] = [
  ['request', 'came', 4],
  ['answer', 'answered', 2],
  ['settle', 'answered', 12],
  ['seal, claim', 'closing', 40],
  ['whenever', undefined, 300],
];
/** Nothing comes while everybody waits for a schedule. */
const MOMENT_MS = 1_000;
/** A courier comes with the first row, and a second after the last one. */
const COURIER_MS = 1_500;

const couriersOf = async (directory: string): Promise<number[]> => {
  try {
    const owners = JSON.parse(readFileSync(join(directory, 'courier.json'), 'utf8')) as Owner[];
    const living = await Promise.all(owners.map(async (owner) => (await isAlive(owner)) === 'alive'));
    return owners.filter((_, index) => living[index]).map(({ pid }) => pid);
  } catch {
    return []; // none yet
  }
};
const comingCouriers = async (directory: string): Promise<number[]> => {
  for (const until = performance.now() + COURIER_MS; ; await pause(20)) {
    const pids = await couriersOf(directory);
    if (pids.length > 0 || performance.now() > until) return pids;
  }
};
const strike = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was quicker.
  }
};

/** @returns who was killed when; a keeper that was killed is started again at once, and the last one runs */
export async function killAtRandom(
  siege: Siege,
  first: Keeper,
  { kills, random, moments }: { kills: number; random: Random; moments: EventEmitter },
): Promise<{ done: Kill[]; keeper: Keeper }> {
  const done: Kill[] = [];
  let keeper = first;
  while (done.length < kills) {
    const [moment, event, upToMs] = random.pick(MOMENTS);
    const share = random.next();
    const whom = share < 0.5 ? 'keeper' : share < 0.9 ? 'courier' : 'both';
    // Before the moment: looking for it afterwards takes longer than the moment lasts.
    const couriers = whom === 'keeper' ? [] : await comingCouriers(siege.directory);
    if (whom !== 'keeper' && couriers.length === 0) continue;
    if (event !== undefined)
      await once(moments, event, { signal: AbortSignal.timeout(MOMENT_MS) }).catch(() => undefined);
    await pause(random.next() * upToMs);
    for (const pid of couriers) strike(pid);
    if (whom !== 'courier') strike(keeper.pid);
    done.push({ at: Date.now(), whom, moment });
    if (whom === 'courier') continue;
    await keeper.ended;
    keeper = await siege.keeper();
  }
  return { done, keeper };
}
