/** What ten watchers cost the keeper's event loop: nothing but the processor that they take from it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspectorOf } from '../../page/browser.ts';
import { median, shown } from '../figures.ts';
import { keeperWith } from '../keeper/our-relay.ts';
import type { Goal } from '../keeper/part.ts';
import { probed, probeEnvironment, probeFlags } from '../keeper/probed.ts';
import { letIn, watch } from './watchers.ts';

const CALLS = 100;
const WATCHERS = 10;
/** Each call writes so often. */
const ENTRY_MS = 1_000;
const ROUNDS = 3;
const ROUND_MS = 20_000;
const WARM_MS = 2_000;
const GOAL_MS = 2;

export async function loopPart(much: number): Promise<Goal[]> {
  await using keeper = await keeperWith([], []);
  const { siege } = keeper;
  const { pid } = await keeper.start(probeFlags, probeEnvironment(siege));
  for (let index = 0; index < CALLS; index += 1) await siege.offer(`AJ_${index}`, { isInside: true });
  const inspector = await inspectorOf(siege.directory);
  const over = new AbortController();
  const talking = talk(over.signal, async (index) => {
    const item = { role: 'user', text: 'A table for two at seven, please.', interrupted: false } as const;
    await siege.inside(`AJ_${index}`).append('item', { ...item, id: 'item', agent: 'ada', createdAt: Date.now() });
  });
  const roundMs = Math.max(5_000, ROUND_MS * much);
  const measured = async (): Promise<number> => {
    await sleep(WARM_MS);
    await probed(siege, pid);
    await sleep(roundMs);
    return (await probed(siege, pid)).p99;
  };
  const [alone, watched]: [number[], number[]] = [[], []];
  const entrance = await letIn(inspector.address);
  let seen = 0;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await measured());
      using watchers = await watch(entrance, paths);
      watched.push(await measured());
      seen += watchers.bytes;
    }
  } finally {
    over.abort();
    await talking;
    await inspector.kill();
  }
  if (seen === 0) throw new Error('the watchers saw nothing');
  const added = median(watched) - median(alone);
  return [
    {
      what: `keeper with ${CALLS} calls that write once a second: event loop p99 alone · with ${WATCHERS} watchers (${ROUNDS} rounds of ${shown(roundMs / 1_000)} s in turn, a timer of 1 ms in each)`,
      figure: `${shown(median(alone), 1)} ms · ${shown(median(watched), 1)} ms: ${shown(added, 1)} ms`,
      goal: `added ≤ ${GOAL_MS} ms`,
      isMet: added <= GOAL_MS,
    },
  ];
}

/** Half of them look at the list, half at a call each. */
const paths = Array.from({ length: WATCHERS }, (_, index) =>
  index % 2 === 0 ? '/api/stream/calls?asked=%7B%7D' : `/api/stream/session/AJ_${index}`,
);

async function talk(signal: AbortSignal, say: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; !signal.aborted; index = (index + 1) % CALLS) {
    await say(index);
    await sleep(ENTRY_MS / CALLS);
  }
}
