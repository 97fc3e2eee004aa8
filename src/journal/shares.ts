/**
 * How much of a journal each thing may take that somebody outside chooses. Pure: numbers and what they hold for.
 *
 * Each number was asked which healthy call it harms (docs/decisions/2026-11-29-budgets.md); a call of two hours uses less
 * than the half of any of them. Together they bound a job's journal, however long the call and whoever is in it.
 */
import type { EntryKind } from './entry.ts';
import { ENTRY_CHARACTERS } from './json.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of one process's journal, by what it is that takes them. */
export const shares = {
  /** Attributes and metadata of the caller: of nobody else, so that no crowd takes their room. */
  caller: MIB,
  /** Attributes and metadata of everybody else together, each of them at most PARTICIPANT_BYTES. */
  participants: 3 * MIB,
  /** Comings and goings of those who are not the caller: more than 7,000 of them. */
  presence: 2 * MIB,
  /** The room's metadata. */
  room: MIB / 2,
  /** What was said, each utterance twice (recognised and committed): a day of talk without a pause is 5 MiB. */
  words: 6 * MIB,
  /** The SDK's own JSON of each item: the words once more, what tools were called with and gave, latencies. */
  history: 6 * MIB,
  /** Who is heard when, and the words of replies as they were played: 5 hours of it without a pause. */
  heard: 4 * MIB,
  /** What models were asked: 10,000 requests, or fewer with much that no item holds. */
  requests: 4 * MIB,
  /** Images in items: files beside the journal (blobs.ts), which nobody reads who folds it. */
  images: 32 * MIB,
  /** Keys of a telephone: 3,000. */
  keys: MIB / 2,
  /** What tools were called with and what they gave. That they were called is always written. */
  tools: 6 * MIB,
  /** Errors that something tried again after: a thousand with their stacks. */
  errors: MIB,
  /** Errors that nothing was tried after. Apart, so that the one that ended the call still finds room. */
  failures: MIB,
  /** `call.attach`. */
  attachments: 3 * MIB,
  /** What the models have used so far. */
  usage: 4 * MIB,
  /** Remarks, latencies, switches of providers. */
  notes: MIB,
} as const;
export type Share = keyof typeof shares;

/** A larger one is not kept: a picture from a telephone has 2 to 4 MB, a frame of 720p as pixels 3.7. */
export const IMAGE_BYTES = 4 * MIB;

/** Of one participant who is not the caller: four times all that LiveKit lets them have at once. */
export const PARTICIPANT_BYTES = 256 * KIB;
/** Last values that wait to be written, of everybody but the caller. */
export const WAITING_BYTES = MIB;
/** What may be written again before the end beyond the shares: last values and counts, each by its own. */
export const BETWEEN_BYTES = { caller: MIB / 2, others: MIB / 2 } as const;
/** Last values and counts are written at once, then after this long, and each time after twice as long as before. */
export const FIRST_PAUSE_MS = 10_000;
/** At most: what a crash may lose of a count or a last value. */
export const LONGEST_PAUSE_MS = 300_000;
/** LiveKit allows 256 bytes by default. Never cut of an identity that LiveKit would know: hang-ups go by it. */
export const NAME_CHARACTERS = KIB;
/** Participants that are told apart. More share what is left for everybody, and are counted together. */
export const NAMED = 10_000;
/** Participants whose withheld values are counted by name. */
export const COUNTED_BY_NAME = 100;

/**
 * `characters`: of one entry's texts, cut with a mark beyond. `share`: what pays for it; without one the entry is always
 * written: it is our own doing, or the life of the call.
 */
type Rule = { characters: number; share?: Share };

/** Our own words, and what the machine was told: no field of theirs is longer than a message (4 KiB). */
const life: Rule = { characters: 64 * KIB };

export const rules: Record<EntryKind, Rule> = {
  'session.accepted': { characters: ENTRY_CHARACTERS },
  'session.opened': { characters: ENTRY_CHARACTERS },
  'machine.began': life,
  event: life,
  limit: life,
  again: life,
  step: life,
  fact: life,
  transition: life,
  effect: life,
  spoken: life,
  transfer: life,
  hangup: life,
  withheld: life,
  'session.closed': life,
  'session.withdrawn': life,
  'handed.over': life,
  'keeper.noticed': life,
  'keeper.dispatched': life,
  'keeper.succeeded': life,
  'keeper.resumed': life,
  'keeper.sealed': life,
  /** A document that somebody pastes into the chat. */
  item: { characters: 256 * KIB, share: 'words' },
  transcript: { characters: 64 * KIB, share: 'words' },
  audible: { characters: 64 * KIB, share: 'heard' },
  request: { characters: 256 * KIB, share: 'requests' },
  blob: { characters: KIB, share: 'images' },
  key: { characters: KIB, share: 'keys' },
  tool: { characters: 512 * KIB, share: 'tools' },
  error: { characters: 16 * KIB, share: 'errors' },
  log: { characters: 64 * KIB, share: 'notes' },
  trace: life,
  provider: { characters: 16 * KIB, share: 'notes' },
  latency: { characters: KIB, share: 'notes' },
  attach: { characters: ENTRY_CHARACTERS, share: 'attachments' },
  usage: { characters: 64 * KIB, share: 'usage' },
  /** Checked before it is written (livekit/snapshot.ts). */
  snapshot: { characters: 64 * KIB, share: 'attachments' },
  /** LiveKit takes 64 KiB of attributes and as much of metadata. */
  participant: { characters: 128 * KIB, share: 'participants' },
  room: { characters: 64 * KIB, share: 'room' },
};

const sum = Object.values({ ...shares, images: 0 }).reduce((all, bytes) => all + bytes, 0);
/** Bytes that outsiders can make one process write, at most: the shares, what is written between, what waits at the end. */
export const STRANGERS_BYTES = sum + BETWEEN_BYTES.caller + BETWEEN_BYTES.others + 2 * WAITING_BYTES;
