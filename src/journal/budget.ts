/**
 * What of all that comes in is written down. Pure: it decides, and whoever holds the journal writes.
 *
 * A caller can set attributes at 3 MB/s: 512 MiB in three minutes, which nobody could fold any more. So whatever an
 * outsider chooses has a share of the journal (shares.ts), and beyond it:
 *   B1  Of states (attributes, metadata, attachments, usage) the last value counts: changes wait, the newest of them is
 *       written now and then and before the end.
 *   B2  Of what happened (words, keys, errors, remarks) the first are kept, whole.
 *   B3  That a tool was called, the caller came or left, and all that the machine did is always written; of these only
 *       the texts are cut.
 *   B4  Whatever was not written as it came is counted, and said: at the first of it, now and then, and before the end.
 */
import { Counts } from './counts.ts';
import type { EntryData, EntryKind, Json } from './entry.ts';
import { toJson } from './json.ts';
import { lineBytes } from './line-bytes.ts';
import {
  BETWEEN_BYTES,
  FIRST_PAUSE_MS,
  LONGEST_PAUSE_MS,
  NAME_CHARACTERS,
  NAMED,
  PARTICIPANT_BYTES,
  rules,
  type Share,
  shares,
} from './shares.ts';
import { Waiting } from './waiting.ts';

export type Draft = { [Kind in EntryKind]: { kind: Kind; data: EntryData[Kind] } }[EntryKind];
type Participant = EntryData['participant'];
type Item = EntryData['item'];

export class Budget {
  readonly #left = new Map<Share, number>(Object.entries(shares) as [Share, number][]);
  /** Of those who are not the caller, by identity: what each may still set. */
  readonly #leftOf = new Map<string, number>();
  readonly #between = new Map<boolean, number>([
    [true, BETWEEN_BYTES.caller],
    [false, BETWEEN_BYTES.others],
  ]);
  /** What is kept of them, by its hash. */
  readonly #images = new Set<string>();
  readonly #counts = new Counts();
  readonly #waiting = new Waiting();
  #caller: string | undefined;
  #pauseMs = 0;
  /** When counts and last values are due; never, as long as nothing was withheld. */
  #dueAt = Infinity;

  /** What is to be written for this entry, in this order: itself, whole or cut, or nothing; and what is due besides. */
  take<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind], atMs: number): Draft[] {
    const cut = cutOf(kind, data);
    const isLast = kind === 'session.closed';
    if (isLast) return [...this.#waiting.take(() => true), ...this.#unsaid(() => true), cut];
    const written = this.#decide(cut, atMs);
    return atMs >= this.#dueAt ? [...written, ...this.#due(atMs)] : written;
  }

  #decide(draft: Draft, atMs: number): Draft[] {
    switch (draft.kind) {
      case 'participant':
        return this.#participant(draft.data, atMs);
      case 'room':
        if (draft.data.change !== 'metadata') return [draft];
        return this.#lastOf('room', draft, atMs);
      case 'attach':
        return this.#lastOf(`attach ${draft.data.key}`, draft, atMs);
      case 'usage':
        return this.#lastOf('usage', draft, atMs);
      case 'tool':
        return [this.#tool(draft.data, atMs)];
      case 'item':
        return this.#item(draft.data, atMs);
      case 'blob':
        return this.#image(draft, atMs);
      case 'error':
        return this.#firstOf(draft, draft.data.recoverable ? 'errors' : 'failures', atMs);
      default: {
        const { share } = rules[draft.kind];
        return share === undefined ? [draft] : this.#firstOf(draft, share, atMs);
      }
    }
  }

  /** B2. A shorter one may still find room. */
  #firstOf(draft: Draft, share: Share, atMs: number): Draft[] {
    const bytes = lineBytes(draft.data);
    if (this.#pays(share, bytes)) return [draft];
    this.#withhold(share, bytes, atMs);
    return [];
  }

  /** B1. While an older value waits, the newer one does too, however short: it may not be written before that. */
  #lastOf(name: string, draft: Draft, atMs: number): Draft[] {
    const share = rules[draft.kind].share as Share;
    const bytes = lineBytes(draft.data);
    if (!this.#waiting.has(name) && this.#pays(share, bytes)) return [draft];
    this.#waiting.keep(name, draft, false);
    this.#withhold(share, bytes, atMs);
    return [];
  }

  /** The words first: a report is made of them. Of a tool there are none here. */
  #item({ sdk, ...words }: Item, atMs: number): Draft[] {
    const isTool = words.role === 'tool';
    const draft: Draft = { kind: 'item', data: words };
    const kept = isTool ? [draft] : this.#firstOf(draft, 'words', atMs);
    if (sdk === undefined || kept.length === 0) return kept;
    const bytes = lineBytes(sdk);
    if (this.#pays('history', bytes)) return [{ kind: 'item', data: { ...words, sdk } }];
    this.#withhold('history', bytes, atMs);
    return isTool ? [] : kept;
  }

  /** One that was kept already costs nothing. */
  #image(draft: Draft & { kind: 'blob' }, atMs: number): Draft[] {
    const { sha256, bytes } = draft.data;
    const isKept = sha256 !== undefined && (this.#images.has(sha256) || this.#pays('images', bytes));
    if (!isKept) this.#withhold('images', bytes, atMs);
    else this.#images.add(sha256);
    return isKept ? [draft] : [];
  }

  /** B3. */
  #tool(data: EntryData['tool'], atMs: number): Draft {
    const { args, output, error } = data;
    const bytes = lineBytes([args ?? null, output ?? null, error ?? null]);
    // A model may ask for a tool that there is none of, by any name.
    const cut: EntryData['tool'] = { ...data, name: nameOf(data.name), call: nameOf(data.call) };
    if (this.#pays('tools', bytes)) return { kind: 'tool', data: cut };
    this.#withhold('tools', bytes, atMs);
    const mark = (value: Json): Json => toJson(value, 0);
    if (args !== undefined) cut.args = mark(args);
    if (output !== undefined) cut.output = mark(output);
    if (error !== undefined) cut.error = nameOf(error);
    return { kind: 'tool', data: cut };
  }

  // ── who is in the room ─────────────────────────────────────────────────────────────────────────────────────────

  #participant(given: Participant, atMs: number): Draft[] {
    const { attributes, metadata, ...facts } = { ...given, identity: nameOf(given.identity) };
    const { identity, change } = facts;
    if (facts.isCaller === true) this.#caller = identity;
    const isCallers = identity === this.#caller;
    const isPlain = facts.isCaller === undefined && (change === 'attributes' || change === 'metadata');
    if (!isPlain && !isCallers && !this.#pays('presence', lineBytes(facts))) {
      this.#withhold('presence', lineBytes(given), atMs);
      return [];
    }
    if (attributes === undefined && metadata === undefined) return [{ kind: 'participant', data: facts }];
    const [told, said] = [`attributes ${identity}`, `metadata ${identity}`];
    if (change === 'joined') for (const name of [told, said]) this.#waiting.drop(name);
    const isWaiting = this.#waiting.has(attributes ? told : said); // B1
    const bytes = lineBytes({ attributes, metadata });
    if (!isWaiting && this.#paysFor(identity, bytes, isCallers))
      return [{ kind: 'participant', data: { ...given, identity } }];

    this.#withhold(isCallers ? 'caller' : 'participants', bytes, atMs, identity);
    if (attributes) this.#waiting.keepAttributes(identity, attributes, isCallers);
    const last: Draft = { kind: 'participant', data: { change: 'metadata', identity, metadata: metadata ?? '' } };
    if (metadata !== undefined) this.#waiting.keep(said, last, isCallers);
    if (isPlain) return [];
    // Who comes again has none of the attributes that they had before.
    return [{ kind: 'participant', data: change === 'joined' ? { ...facts, attributes: {} } : facts }];
  }

  #paysFor(identity: string, bytes: number, isCallers: boolean): boolean {
    if (isCallers) return this.#pays('caller', bytes);
    const isKnown = this.#leftOf.has(identity) || this.#leftOf.size < NAMED;
    const own = isKnown ? (this.#leftOf.get(identity) ?? PARTICIPANT_BYTES) : 0;
    if (bytes > own || !this.#pays('participants', bytes)) return false;
    this.#leftOf.set(identity, own - bytes);
    return true;
  }

  #pays(share: Share, bytes: number): boolean {
    const left = this.#left.get(share) ?? 0;
    if (bytes > left) return false;
    this.#left.set(share, left - bytes);
    return true;
  }

  // ── what was withheld ──────────────────────────────────────────────────────────────────────────────────────────

  /** B4. */
  #withhold(part: Share, bytes: number, atMs: number, identity?: string): void {
    this.#counts.add(part, bytes, identity);
    if (this.#dueAt === Infinity) this.#dueAt = atMs;
  }

  #due(atMs: number): Draft[] {
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs === 0 ? FIRST_PAUSE_MS : this.#pauseMs * 2);
    const isFirst = this.#pauseMs === FIRST_PAUSE_MS;
    this.#dueAt = atMs + this.#pauseMs;
    const last = isFirst ? [] : this.#waiting.take(({ bytes, isCallers }) => this.#paysBetween(bytes, isCallers));
    return [...last, ...this.#unsaid((bytes) => this.#paysBetween(bytes, false))];
  }

  #paysBetween(bytes: number, isCallers: boolean): boolean {
    const left = this.#between.get(isCallers) ?? 0;
    if (bytes <= left) this.#between.set(isCallers, left - bytes);
    return bytes <= left;
  }

  #unsaid(pays: (bytes: number) => boolean): Draft[] {
    return this.#counts.take(pays).map((data) => ({ kind: 'withheld', data }));
  }
}

/** Texts cut to what one entry may hold: of an item its words, and apart from them what the SDK says of it. */
const cutOf = <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): Draft => {
  const { characters } = rules[kind];
  if (kind !== 'item') return { kind, data: toJson(data, characters) } as unknown as Draft;
  const { sdk, ...words } = data as Item;
  const cut = toJson(words, characters) as unknown as Item;
  return { kind, data: sdk === undefined ? cut : { ...cut, sdk: toJson(sdk, characters) } } as Draft;
};

const nameOf = (name: string): string => name.slice(0, NAME_CHARACTERS);
