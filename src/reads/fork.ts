/**
 * A call on another way: what its machine received, with some of it left out, changed, or something put in between. The
 * machine is walked in memory, and nothing else: nobody is called, and nothing is written. What comes out can be saved as
 * a test.
 *
 *   F1  Behind an edit the call may not fit any more (an effect settles that was never asked for): then it is shown as far
 *       as the machine goes, with what it could not receive. Nothing is guessed.
 */
import { walkReceived, type Received } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Forked } from './answers.ts';
import type { Asked } from './questions.ts';
import { refusedQuestion, ReadError } from './refusal.ts';
import { receivedIn, testText } from './saved-test.ts';
import type { Source } from './source.ts';

/** *Effect.* @throws ReadError, JournalError */
export async function fork(source: Source, { session, edits }: Asked<'fork'>): Promise<Forked> {
  const read = await source.session(session);
  const [walk] = receivedIn(read);
  if (!walk)
    throw new ReadError('NOT_FOUND', `${session}: expected a call whose machine began, got none; it has no other way`);
  const { received, refs } = walk;
  const wrong = edits.find(({ place }) => place > received.length);
  if (wrong)
    throw refusedQuestion('fork.edits', `places up to ${received.length}`, wrong.place, 'take them from `received`');
  const edited = withEdits(received, edits);
  const [path, other] = [asFarAsItGoes(received), asFarAsItGoes(edited)];
  const length = Math.max(path.states.length, other.states.length);
  const first = Array.from({ length }, (_, at) => at).find((at) => path.states[at] !== other.states[at]);
  return {
    session: read.session,
    received: received.map(({ at, kind, data }, place) => ({ place, at, kind, data, ref: refs[place] ?? null })),
    path: path.states,
    other: other.states,
    first: first ?? null,
    refused: other.refused,
    file: 'another-way.test.ts',
    text: other.refused === null ? testText('a call on another way', edited, other.states) : null,
  };
}

/** *Pure.* Places are those of the list as it was. */
const withEdits = (received: readonly Received[], edits: Asked<'fork'>['edits']): Received[] => {
  const eventAt = (place: number, event: object): Received => ({
    at: received[Math.min(place, received.length - 1)]?.at ?? 0,
    kind: 'event',
    data: event,
  });
  const all = [...received, undefined];
  return all.flatMap((one, place): Received[] => {
    const here = edits.filter((edit) => edit.place === place);
    const before = here.flatMap((edit) => (edit.does === 'insert' ? [eventAt(place, edit.event)] : []));
    if (!one || here.some(({ does }) => does === 'drop')) return before;
    const change = here.findLast((edit) => edit.does === 'change');
    return [...before, change?.does === 'change' ? { ...one, data: change.event } : one];
  });
};

/** F1: by halves, since whatever can be walked can be walked up to any place before. */
const asFarAsItGoes = (received: readonly Received[]): { states: string[]; refused: string | null } => {
  const walked = (count: number): string[] | Error => {
    try {
      return walkReceived(received.slice(0, count));
    } catch (error) {
      return new Error(messageOf(error));
    }
  };
  const whole = walked(received.length);
  if (Array.isArray(whole)) return { states: whole, refused: null };
  let [low, high] = [0, received.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (Array.isArray(walked(middle))) low = middle;
    else high = middle;
  }
  const states = low === 0 ? [] : walked(low);
  const why = walked(high);
  return { states: Array.isArray(states) ? states : [], refused: Array.isArray(why) ? whole.message : why.message };
};
