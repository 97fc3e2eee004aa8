/**
 * What the model saw at a request: its instructions, its tools, and each message. A request of the journal names its items
 * by id; those that it shares with the request before stand there (`after`); instructions stand once, by their hash.
 */
import { whenOf } from '../report/clock.ts';
import { countOf, listOf, recordOf, textOf, textsOf } from '../report/lenient.ts';
import type { ModelSaw, Reference } from './answers.ts';
import { wellFormedStart } from './cut-json.ts';
import { placeAsked } from './places.ts';
import type { Asked } from './questions.ts';
import { ReadError } from './refusal.ts';
import { refOf, type Placed, type SessionRead } from './session-read.ts';
import type { Source } from './source.ts';

const MOST_CHARACTERS = 20_000;
const MOST_REQUESTS = 2_000;
const MOST_MESSAGES = 2_000;
/** A request that leans on the one before it, and so on: a file that was made for it would lead round and round. */
const MOST_LINKS = 10_000;

/** *Effect.* The last request up to the entry that was asked for. @throws ReadError, JournalError */
export async function readModel(source: Source, asked: Asked<'model'>): Promise<ModelSaw> {
  const read = await source.session(asked.session);
  const requests = read.kept('requests', () => read.all.filter(({ entry }) => entry.kind === 'request'));
  const place = placeAsked(read, asked);
  const chosen = requests.findLast(({ index }) => index <= (place?.index ?? 0)) ?? requests[0];
  if (!chosen) {
    const advice = 'a realtime model is not asked, it hears';
    throw new ReadError(
      'NOT_FOUND',
      `${asked.session}: expected a request to a model, got a call without one; ${advice}`,
    );
  }
  const data = recordOf(chosen.entry.data);
  const ids = itemsOf(read, chosen);
  const known = knownItems(read);
  const requestOf = (placed: Placed) => ({
    ref: refOf(placed),
    at: whenOf(placed.entry),
    agent: textOf(recordOf(placed.entry.data)['agent']) ?? '',
  });
  return {
    session: read.session,
    ...requestOf(chosen),
    instructions: instructionsOf(read, chosen),
    tools: toolsOf(read, chosen, textsOf(data['tools'])),
    messages: ids.slice(-MOST_MESSAGES).map((id) => known.get(id) ?? { id, role: '', text: '', isKnown: false }),
    requests: requests.slice(-MOST_REQUESTS).map(requestOf),
  };
}

const requestAt = (read: SessionRead, file: Placed['file'], seq: number): Placed | undefined => {
  const index = read.indexOf(`${file}:${seq}` as Reference);
  const placed = index === undefined ? undefined : read.all[index];
  return placed?.entry.kind === 'request' ? placed : undefined;
};

/** Ids in order, through the chain of `after`. A request only leans on one before it: so every chain ends. */
function itemsOf(read: SessionRead, request: Placed): string[] {
  const parts: string[][] = [];
  let wanted = Infinity;
  let next: Placed | undefined = request;
  for (let links = 0; next && links < MOST_LINKS && wanted > 0; links += 1) {
    const data: Record<string, unknown> = recordOf(next.entry.data);
    const after = recordOf(data['after']);
    const before = countOf(after['seq']);
    const inherited: number = before > 0 && before < next.entry.seq ? countOf(after['count']) : 0;
    const own = textsOf(data['items']);
    // Of what this request was given the first `wanted` are meant: inherited ones first.
    parts.unshift(own.slice(0, Math.max(0, wanted - inherited)));
    wanted = Math.min(wanted, inherited);
    next = inherited > 0 ? requestAt(read, next.file, before) : undefined;
  }
  return parts.flat();
}

type Message = ModelSaw['messages'][number];

/** Items of the history, and what a hook added. The last version of an id counts. */
const knownItems = (read: SessionRead): Map<string, Message> =>
  read.kept('known items', () => {
    const known = new Map<string, Message>();
    const put = (id: unknown, role: unknown, text: string) => {
      if (typeof id === 'string') known.set(id, { id, role: textOf(role) ?? '', text: cut(text), isKnown: true });
    };
    for (const { entry } of read.all) {
      const data = recordOf(entry.data);
      if (entry.kind === 'item') put(data['id'], data['role'], textOf(data['text']) || wordsIn(data['sdk']));
      if (entry.kind === 'request')
        for (const item of listOf(recordOf(data['pii'])['items'])) {
          const own = recordOf(item);
          put(own['id'], own['role'] ?? own['type'], wordsIn(item));
        }
    }
    return known;
  });

/** Of the SDK's own JSON what a model reads: contents, a call and its arguments, an output. */
const wordsIn = (item: unknown): string => {
  const { content, name, args, arguments: given, output } = recordOf(item);
  const parts = [content, name, args ?? given, output].filter((part) => part !== undefined && part !== null);
  return parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : Array.isArray(part) && part.every((one) => typeof one === 'string')
          ? part.join('\n')
          : JSON.stringify(part),
    )
    .join(' ');
};

function instructionsOf(read: SessionRead, request: Placed): string | null {
  const hash = textOf(recordOf(request.entry.data)['instructions']);
  if (hash === null) return null;
  for (const { entry } of read.all) {
    if (entry.kind !== 'request') continue;
    const data = recordOf(entry.data);
    const text = textOf(recordOf(data['pii'])['instructions']);
    if (data['instructions'] === hash && text !== null) return cut(text);
  }
  return null;
}

/** By name; those of the request before where this one does not say. */
function toolsOf(read: SessionRead, request: Placed, own: string[]): string[] {
  if (Array.isArray(recordOf(request.entry.data)['tools'])) return own;
  const before = read.all
    .slice(0, request.index)
    .findLast(
      ({ file, entry }) =>
        file === request.file && entry.kind === 'request' && Array.isArray(recordOf(entry.data)['tools']),
    );
  return before ? textsOf(recordOf(before.entry.data)['tools']) : [];
}

const cut = (text: string): string =>
  text.length <= MOST_CHARACTERS
    ? text
    : `${wellFormedStart(text, MOST_CHARACTERS)}… (${text.length.toLocaleString('en-US')} characters)`;
