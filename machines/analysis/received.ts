/**
 * What a session machine received, as a test has it: it walks the machine through the states that it went through. Pure.
 * A call that was saved (`lastword show ID --test FILE`) is such a list; it may be edited.
 */
import { replayerOf, type SeenStep } from './replay.ts';

/** Like an entry of the journal. `at`: milliseconds since it began; nothing waits for them. */
export type Received = { at: number; kind: string; data: unknown };

/** Timers fire late, and clocks are cut to whole milliseconds: never much too early. */
const EARLY_MS = 50;
const BUILD = 'of the test';

/**
 * Pure. The states that it went through, in order, each as `live.conversing.dialogue.active.quiet + …`.
 *
 * @throws Error for what this machine cannot receive where it is, and for a limit that passes before its time
 */
export function walkReceived(received: readonly Received[]): string[] {
  const seen: SeenStep[] = [];
  const replayer = replayerOf(BUILD, (step) => seen.push(step));
  for (const [index, { at, kind, data }] of received.entries()) {
    const early = kind === 'limit' ? earlyBy(seen.at(-1), received, at, data) : undefined;
    if (early !== undefined) throw new Error(`entry ${index + 1}: ${early}`);
    const began = kind === 'machine.began' ? { ...(data as object), build: BUILD } : data;
    replayer.take({ seq: index + 1, kind, data: began });
  }
  replayer.stop();
  const [walk] = replayer.walks;
  if (!walk) throw new Error('expected a first entry machine.began, got none');
  if (walk.refused) throw new Error(`it cannot go this way: ${walk.refused.why}`);
  const path = seen.map(({ states }) => states.join(' + '));
  return path.filter((states, index) => states !== path[index - 1]);
}

const earlyBy = (
  last: SeenStep | undefined,
  received: readonly Received[],
  at: number,
  data: unknown,
): string | undefined => {
  const { limit, state } = data as { limit: string; state: string };
  const armed = last?.armed.find((one) => one.limit === limit && one.state === state);
  if (!armed) return undefined; // the replay says so
  const after = at - (received[armed.seq - 1]?.at ?? 0);
  return after < armed.ms - EARLY_MS
    ? `${limit} passes after ${armed.ms} ms, and only ${after} ms have gone by`
    : undefined;
};
