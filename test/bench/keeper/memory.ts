/** What the keeper holds after many calls. */
import { shown } from '../figures.ts';
import { hook, keeperWith } from './our-relay.ts';
import { machine, missedOf, withGoals, type Goal, type Part } from './part.ts';
import { probed, probeEnvironment, probeFlags } from './probed.ts';
import type { Probed } from './probe.ts';
import { startReceiver } from './receiver.ts';

const SAMPLES = [1_000, 5_000, 10_000];
const CALLERS = 16;
/** A quarter of a kilobyte for each of 9,000 sessions would be more. */
const HEAP_GOAL = 2_097_152;
const RSS_GOAL = 1.15;
const LIMIT_MS = 1_800_000;
const LINES = 20;

const mebibytes = (bytes: number) => `${shown(bytes / 1_048_576, 1)} MiB`;

export async function memoryPart(much: number): Promise<Part> {
  const samples = SAMPLES.map((count) => Math.round(count * much));
  using receiver = await startReceiver();
  await using keeper = await keeperWith([hook('web', receiver.url())], []);
  const { siege } = keeper;
  const { pid } = await keeper.start(probeFlags, probeEnvironment(siege));
  let last = 0;
  const callsUntil = async (count: number) => {
    while (last < count) {
      const session = `AJ_${(last += 1)}`;
      if (!(await siege.offer(session, { isInside: true }))) throw new Error(`${session} was declined`);
      const item = { role: 'user', text: 'A table for two at seven, please.', interrupted: false } as const;
      await siege.inside(session).append('item', { ...item, id: 'item', agent: 'ada', createdAt: Date.now() }, LINES);
      await siege.inside(session).close();
      siege.livekit.rooms.delete(`room-${session}`);
    }
  };
  const found: Probed[] = [];
  const begunAt = performance.now();
  for (const count of samples) {
    const arriving = receiver.expect({ count: count - last, answerMs: 0 }, LIMIT_MS);
    await Promise.all(Array.from({ length: CALLERS }, () => callsUntil(count)));
    await arriving;
    found.push(await probed(siege, pid));
    console.log(`${count} calls: ${JSON.stringify(found.at(-1))}`);
  }
  const perSecond = (last * 1_000) / (performance.now() - begunAt);
  const [first, end] = [found[0], found.at(-1)];
  if (!first || !end) throw new Error('expected samples, got none');
  const rows: Goal[] = [
    {
      what: 'heap after a collection',
      figure: found.map(({ heap }) => mebibytes(heap)).join(', '),
      goal: `flat: the last ≤ ${mebibytes(HEAP_GOAL)} above the first`,
      isMet: end.heap - first.heap <= HEAP_GOAL,
    },
    {
      what: 'resident memory of the process',
      figure: found.map(({ rss }) => mebibytes(rss)).join(', '),
      goal: `flat: the last ≤ ${RSS_GOAL} × the first`,
      isMet: end.rss <= first.rss * RSS_GOAL,
    },
  ];
  const body = `### The keeper's memory

After ${samples.join(', ')} calls that were accepted, written, closed, sealed and delivered, ${CALLERS} at a time, ${shown(perSecond)} a second; measured within the keeper, after a collection. ${machine()}.

${withGoals(rows)}
`;
  return { body, missed: missedOf(rows) };
}
