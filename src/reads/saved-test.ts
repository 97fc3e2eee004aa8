/**
 * A call as a test: what its session machine received becomes a vitest file that walks the same states, with nothing but
 * `lastword/machines`. Names, numbers and texts are replaced by others, unless they are asked for; a file that goes
 * another way with the replaced ones is not written.
 */
import { walkReceived, type Received } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import type { JournalName } from '../journal/folder.ts';
import { whenOf } from '../report/clock.ts';
import { recordOf, textsOf } from '../report/lenient.ts';
import type { Reference, SavedTest } from './answers.ts';
import type { Asked } from './questions.ts';
import { ReadError } from './refusal.ts';
import { Replacements } from './replacements.ts';
import { refOf, type SessionRead } from './session-read.ts';
import type { Source } from './source.ts';

/** A longer one is read by nobody, and a test runner would take seconds to load it. */
const MOST_RECEIVED = 5_000;

/** *Effect.* @throws ReadError, JournalError */
export async function savedTest(source: Source, { session, keepNames }: Asked<'test'>): Promise<SavedTest> {
  const read = await source.session(session);
  const walks = receivedIn(read);
  if (walks.length === 0) throw refused(session, 'an entry machine.began of the session machine, got none');
  const replacements = new Replacements();
  const tests = walks.map(({ file, received, recorded }) => {
    const shown = keepNames ? received : (replacements.in(received) as Received[]);
    const path = walked(session, shown);
    if (recorded.length > 0 && path.join('\n') !== recorded.join('\n'))
      throw refused(
        session,
        `the states that epoch ${file} recorded, got others: another build of the machines wrote it`,
      );
    return { file, received: shown, path };
  });
  const name = keepNames ? session : 'a call';
  return {
    session: read.session,
    file: `${keepNames ? session.replaceAll(/[^A-Za-z0-9_-]/g, '-').toLowerCase() : 'saved-call'}.test.ts`,
    text: textOf(name, tests, keepNames),
    replaced: replacements.count,
  };
}

/** What the session machine received, process by process. @throws ReadError */
export const receivedIn = (read: SessionRead): Walk[] =>
  read.files.flatMap(({ name }) => (name === 'keeper' ? [] : walkOf(read, name)));

type Walk = { file: JournalName; received: Received[]; refs: Reference[]; recorded: string[] };

const isReceived = (kind: string, data: Record<string, unknown>): boolean =>
  kind === 'event' ||
  kind === 'limit' ||
  kind === 'again' ||
  (kind === 'effect' && (data['phase'] === 'settled' || data['phase'] === 'failed'));

/** Of one process: its machine's first run. */
function walkOf(read: SessionRead, file: number): Walk[] {
  const received: Received[] = [];
  const refs: Reference[] = [];
  const recorded: string[] = [];
  let began: number | undefined;
  for (const placed of read.all) {
    const { kind } = placed.entry;
    const data = recordOf(placed.entry.data);
    if (placed.file !== file || (data['machine'] ?? 'session') !== 'session') continue;
    const at = whenOf(placed.entry);
    if (kind === 'machine.began') {
      if (began !== undefined) break;
      began = at;
    }
    if (began === undefined) continue;
    if (kind === 'transition') recorded.push(textsOf(data['to']).join(' + '));
    if (kind === 'machine.began' || isReceived(kind, data)) {
      received.push({ at: Math.round(at - began), kind, data: lasting(kind, data) });
      refs.push(refOf(placed));
    }
  }
  if (received.length > MOST_RECEIVED)
    throw refused(read.session, `at most ${MOST_RECEIVED} things that the machine received, got ${received.length}`);
  return began === undefined ? [] : [{ file, received, refs, recorded }];
}

/** What the machine looks at: not how long an effect took, nor which number it had. */
const lasting = (kind: string, data: Record<string, unknown>): Record<string, unknown> => {
  const { build: _build, id: _id, ms: _ms, digest: _digest, ...rest } = data;
  return kind === 'machine.began' || kind === 'effect' || kind === 'again' ? rest : data;
};

const refused = (session: string, expected: string): ReadError =>
  new ReadError('NOT_FOUND', `${session}: expected ${expected}; it cannot be saved as a test`);

const walked = (session: string, received: readonly Received[]): string[] => {
  try {
    return walkReceived(received);
  } catch (error) {
    throw refused(session, `a call that these machines can walk, got: ${messageOf(error)}`);
  }
};

/** As a source text: quotes, breaks and marks of direction of strangers stay inside their quotes. */
const literal = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[\u007F-\u009F\u2028\u2029]|\p{Cf}/gu, (mark) =>
    Array.from({ length: mark.length }, (_, at) => `\\u${mark.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );

/** One list of what a machine received, and the states that it goes through, as a vitest file. */
export const testText = (name: string, received: Received[], path: string[]): string =>
  textOf(name, [{ file: 1, received, path }], true);

function textOf(
  name: string,
  tests: readonly { file: JournalName; received: Received[]; path: string[] }[],
  keepNames: boolean,
): string {
  const lists = tests.map(({ received, path }, index) => {
    const suffix = index === 0 ? '' : String(index + 1);
    return [
      '// prettier-ignore',
      `const received${suffix}: Received[] = [`,
      ...received.map(({ at, kind, data }) => `  { at: ${at}, kind: ${literal(kind)}, data: ${literal(data)} },`),
      '];',
      '// prettier-ignore',
      `const path${suffix} = [`,
      ...path.map((states) => `  ${literal(states)},`),
      '];',
      '',
      `test('${name}${tests.length > 1 ? `, process ${index + 1},` : ''} walks through the states that it walked through', () => {`,
      `  expect(walkReceived(received${suffix})).toEqual(path${suffix});`,
      '});',
    ].join('\n');
  });
  return `/**
 * A call that happened, as a test: what its session machine received, in order, and the states that it went through.
 * Saved by \`lastword show ID --test FILE\`.${keepNames ? '' : ' Names, numbers and texts were replaced.'}
 * \`at\`: milliseconds since it began; nothing waits for them. It may be edited.
 */
import { type Received, walkReceived } from 'lastword/machines';
import { expect, test } from 'vitest';

${lists.join('\n\n')}
`;
}
