/** One call in words: what happened, and what we said. `node dist/test/bench/ordinary/story.js SEED [from ms] [to ms]` */
import path from 'node:path';
import { root } from '../../e2e/harness/compiled.ts';
import { plants } from '../../ordinary/harness/planted.ts';
import { compose } from './compose.ts';
import { judge } from './judge.ts';
import { play } from './play.ts';
import { readTraces } from './trace.ts';

const [seed = 1, from = 0, to = Infinity] = process.argv.slice(2).map(Number);
const traces = await readTraces(path.join(root, 'test/bench/ordinary/traces'));
const call = compose(traces, seed);
const plant = plants.find((each) => each === process.env['LASTWORD_PLANT']);
const played = await play(call, plant);
const told = [
  ...call.items.map(({ at, ...item }) => ({ at, text: JSON.stringify(item) })),
  ...played.lines.flatMap(({ line, rung, asked, from: heard, to: over }) => [
    { at: asked, text: `>>> ${line} by ${rung}: asked` },
    ...(heard === undefined ? [] : [{ at: heard, text: `>>> ${line} by ${rung}: heard until ${over}` }]),
  ]),
  { at: call.end.at, text: `>>> ${call.end.event.type}` },
].toSorted((one, other) => one.at - other.at);
for (const { at, text } of told) if (at >= from && at <= to) console.log(String(at).padStart(8), text);
console.log(`${call.trace.name}, ${call.tempo}, ended as ${played.end?.reason}`, judge(call, played));
