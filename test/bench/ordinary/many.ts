/** Many healthy calls, one after the other; what became of them. */
import path from 'node:path';
import { root } from '../../e2e/harness/compiled.ts';
import type { Plant } from '../../ordinary/harness/planted.ts';
import { compose } from './compose.ts';
import { judge } from './judge.ts';
import { play } from './play.ts';
import { readTraces } from './trace.ts';

export type Counts = {
  calls: number;
  harmed: number;
  fillers: number;
  met: number;
  spokenInto: number;
  unasked: number;
};
export type Many = Counts & {
  /** By the name of the trace that they were composed of. */
  byTrace: Map<string, Counts>;
  byTempo: Map<string, Counts>;
  minutes: number;
  /** What was done to them: the first ten, each with the seed that has it again. */
  first: string[];
};

const none = (): Counts => ({ calls: 0, harmed: 0, fillers: 0, met: 0, spokenInto: 0, unasked: 0 });

/** @param seed of the first call; each of the next has the next one */
export async function playMany(
  calls: number,
  { plant, seed = 1, told = () => {} }: { plant?: Plant; seed?: number; told?: (call: number) => void } = {},
): Promise<Many> {
  const traces = await readTraces(path.join(root, 'test/bench/ordinary/traces'));
  const many: Many = { ...none(), byTrace: new Map(), byTempo: new Map(), minutes: 0, first: [] };
  for (let index = 0; index < calls; index += 1) {
    const call = compose(traces, seed + index);
    const { harm, fillers, met, spokenInto, unasked } = judge(call, await play(call, plant));
    const { name } = call.trace;
    const counted = [many, of(many.byTrace, name), of(many.byTempo, call.tempo)];
    for (const counts of counted) {
      counts.calls += 1;
      counts.harmed += harm.length > 0 ? 1 : 0;
      counts.fillers += fillers;
      counts.met += met;
      counts.spokenInto += spokenInto;
      counts.unasked += unasked;
    }
    many.minutes += call.end.at / 60_000;
    if (harm.length > 0 && many.first.length < 10)
      many.first.push(`seed ${seed + index}, ${name}, ${call.tempo}: ${harm.join('; ')}`);
    told(index + 1);
  }
  return many;
}

const of = (all: Map<string, Counts>, name: string): Counts => {
  const counts = all.get(name) ?? none();
  all.set(name, counts);
  return counts;
};
