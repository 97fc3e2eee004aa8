/** How late the keeper's event loop is while calls run and rows are delivered. */
import { shown } from '../figures.ts';
import { hook, keeperWith, rowFor } from './our-relay.ts';
import { machine, missedOf, withGoals, type Goal, type Part } from './part.ts';
import { probed, probeEnvironment, probeFlags } from './probed.ts';
import { startReceiver } from './receiver.ts';
import { bodyOfReport } from './report-body.ts';

const CALLS = 200;
const ROWS = 5_000;
const ANSWER_MS = 50;
const GOAL_MS = 20;
const LIMIT_MS = 60_000;

export async function loopPart(): Promise<Part> {
  using receiver = await startReceiver();
  const web = hook('web', receiver.url());
  await using keeper = await keeperWith([web], []);
  const { siege } = keeper;
  const { pid } = await keeper.start(probeFlags, probeEnvironment(siege));
  for (let index = 0; index < CALLS; index += 1) await siege.offer(`AJ_${index}`, { isInside: true });
  const arriving = receiver.expect({ count: ROWS, answerMs: ANSWER_MS }, LIMIT_MS);
  await siege.withStore((store) =>
    store.enqueue(Array.from({ length: ROWS }, (_, index) => rowFor(web, `r-${index}`, bodyOfReport))),
  );
  await probed(siege, pid);
  const arrived = await arriving;
  const { p50, p99, max } = await probed(siege, pid);
  if (!arrived) throw new Error(`not all of ${ROWS} rows came within ${LIMIT_MS / 1_000} s`);
  const seconds = (arrived.lastAt - arrived.firstAt) / 1_000;
  const rows: Goal[] = [
    {
      what: `event loop of the keeper: ${CALLS} calls that beat, ${ROWS} rows due (delivered in ${shown(seconds, 1)} s)`,
      figure: `p50 ${shown(p50, 1)} ms, p99 ${shown(p99, 1)} ms, longest ${shown(max, 1)} ms`,
      goal: `p99 ≤ ${GOAL_MS} ms`,
      isMet: p99 <= GOAL_MS,
    },
  ];
  const body = `### The keeper's event loop

Measured within the keeper by a timer of 1 ms, which is in each figure, from the moment when the rows are due until the last has arrived. The calls are held by one process with a socket, a journal and beats for each: ${CALLS} processes would measure the machine. ${machine()}.

${withGoals(rows)}
`;
  return { body, missed: missedOf(rows) };
}
