/** All transitions of a call at once: whoever goes through it asks for this once, and not for a state at each entry. */
import type { Moves } from './answers.ts';
import type { Asked } from './questions.ts';
import type { Source } from './source.ts';
import { transitionsIn } from './state.ts';

/** Of a call with more the first ones are left out; what was lit there is asked for one by one. */
const MOST_MOVES = 20_000;
/** A file may hold anything at all; no machine of ours has more leaves, nor longer ones. */
const MOST_LEAVES = 64;
const MOST_CHARACTERS = 200;

/** *Effect.* @throws ReadError, JournalError */
export async function readMoves(source: Source, { session }: Asked<'moves'>): Promise<Moves> {
  const read = await source.session(session);
  const places = new Map<string, number>();
  const placesOf = (leaves: readonly string[]): number[] =>
    leaves.slice(0, MOST_LEAVES).map((leaf) => {
      const name = leaf.slice(0, MOST_CHARACTERS);
      const place = places.get(name) ?? places.size;
      places.set(name, place);
      return place;
    });
  const moves = transitionsIn(read)
    .slice(-MOST_MOVES)
    .map(({ index, ref, machine, event, from, to }) => ({
      index,
      ref,
      machine: machine.slice(0, MOST_CHARACTERS),
      event: event.slice(0, MOST_CHARACTERS),
      from: placesOf(from),
      to: placesOf(to),
    }));
  return { session: read.session, states: [...places.keys()], moves };
}
