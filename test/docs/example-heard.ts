/** What the tests of the examples look at: what the caller hears, and which rooms are left. */
import { expect } from 'vitest';
import { type Caller, HEARD, HEARD_WHOLE, type HeardLine, type LiveKitAddress, roomsOf } from '../e2e/harness/index.ts';
import type { RunningExample } from './run-example.ts';

/** Resolves when the line was heard. Where it is not, the error has what the processes of the example said last. */
export async function heard(example: RunningExample, caller: Caller, line: string, ms = 30_000): Promise<HeardLine> {
  const spoken = () => {
    const [first] = caller.line(example.lab, line);
    return first && first.share > HEARD && first;
  };
  try {
    return await caller.until(`"${line}"`, spoken, ms);
  } catch (error) {
    throw new Error(`${String(error)}\nlast said by its processes:\n${(await example.log()).slice(-6000)}`, {
      cause: error,
    });
  }
}

/** Heard to its end, and a single time. */
export const onceOnly = (example: RunningExample, caller: Caller, line: string): void => {
  const times = caller.line(example.lab, line);
  expect(times).toHaveLength(1);
  expect(times[0]).toMatchObject({ times: 1 });
  expect(times[0]?.share).toBeGreaterThan(HEARD_WHOLE);
};

export const roomsSeen = (server: LiveKitAddress) => {
  const rooms = () => roomsOf(server);
  return { rooms, isGone: async (room: string) => !(await rooms().names()).includes(room) };
};
