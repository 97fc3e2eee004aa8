/**
 * The words of each reply, into the journal as they are played: the SDK commits a reply when its playout is over, and
 * whoever dies before that has said it all the same.
 *
 *   W1  Words belong to the speech that is current while they are read, as sound does (P2 of playout.ts).
 *   W2  How far they were played is told from the sound: of so much that was made so much was heard. While more of it is
 *       still being made nobody knows how long it will be; then no more than a quick speaker says in that time.
 *   W3  Each word once: an entry has those since the one before.
 */
import { type llm, voice } from '@livekit/agents';
import type { Recorder } from '../../session/ports.ts';
import type { Segment } from './segment.ts';

/** What a crash may lose of the words; and 3,600 entries of 120 bytes in a call of two hours. */
const EACH_MS = 1000;
/** W2: 200 words a minute. */
const QUICK_CHARACTERS_A_MS = 0.02;
/** Replies that are not committed: one, or two when one is cut for the other. What says nothing to the history stays. */
const REPLIES = 16;

type Text = string | voice.TimedString;
/** At this instant; heard, or not yet. */
type Speaking = { handle: voice.SpeechHandle | undefined; agent: string | undefined };

type Reply = {
  handle: voice.SpeechHandle | undefined;
  text: string;
  /** All of its text was read. */
  isComplete: boolean;
  /** W3: characters in the journal. */
  told: number;
  segments: Set<Segment>;
  sounding: Set<Segment>;
};

export class HeardWords {
  readonly #recorder: Pick<Recorder, 'append'>;
  readonly #speaking: () => Speaking;
  /** Newest last. */
  #replies: Reply[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(recorder: Pick<Recorder, 'append'>, speaking: () => Speaking) {
    this.#recorder = recorder;
    this.#speaking = speaking;
  }

  /** A text begins to be read. @returns what is to be told of it */
  begins(): { read(text: Text): void; over(): void } {
    let reply: Reply | undefined;
    return {
      read: (text) => {
        reply ??= this.#newReply(this.#speaking().handle); // W1
        reply.text += voice.isTimedString(text) ? text.text : text;
      },
      over: () => {
        if (reply) reply.isComplete = true;
      },
    };
  }

  /** One playback is heard, or it is not any more. */
  sounding(segment: Segment, isSounding: boolean): void {
    const reply = this.#replyOf(segment);
    reply.segments.add(segment);
    const wasHeard = reply.sounding.size > 0;
    if (isSounding) reply.sounding.add(segment);
    else reply.sounding.delete(segment);
    const isHeard = reply.sounding.size > 0;
    if (isHeard === wasHeard) return;
    const speech = speechOf(reply);
    if (isHeard) {
      const { agent } = this.#speaking();
      this.#recorder.append('audible', {
        who: 'agent',
        change: 'begins',
        ...speech,
        ...(agent !== undefined && { agent }),
      });
      this.#timer ??= setInterval(() => this.upToNow(), EACH_MS).unref();
      return;
    }
    const isWhole = isOver(reply);
    this.#recorder.append('audible', {
      who: 'agent',
      change: 'ends',
      ...speech,
      heardMs: Math.round(heardMsOf(reply)),
      ...(isWhole && { isWhole }),
      ...this.#newWords(reply),
    });
    if (this.#replies.some(({ sounding }) => sounding.size > 0)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The speech that said this item; it is in the history from now on. */
  committed(item: llm.ChatMessage): string | undefined {
    const text = (item.textContent ?? '').trim();
    const current = this.#speaking().handle;
    const said =
      this.#replies.find(({ handle }) => handle?.chatItems.includes(item)) ??
      this.#replies.find((reply) => text !== '' && reply.text.trim().startsWith(text)) ??
      this.#replies.findLast(({ handle }) => handle !== undefined && handle === current);
    this.#replies = this.#replies.filter((reply) => reply !== said || reply.sounding.size > 0);
    return said?.handle?.id;
  }

  /** What was heard until now of a reply that plays. Each second by itself, and before its process goes. */
  upToNow(): void {
    for (const reply of this.#replies) {
      if (reply.sounding.size === 0) continue;
      const words = this.#newWords(reply);
      if (words) this.#recorder.append('audible', { who: 'agent', change: 'goes-on', ...speechOf(reply), ...words });
    }
  }

  /** W3. */
  #newWords(reply: Reply): { pii: { text: string } } | undefined {
    const played = playedOf(reply);
    const text = reply.text.slice(reply.told, played);
    if (played <= reply.told || text.trim() === '') return undefined;
    reply.told = played;
    return { pii: { text } };
  }

  #replyOf(segment: Segment): Reply {
    return (
      this.#replies.find(({ segments }) => segments.has(segment)) ??
      this.#replies.findLast(({ handle }) => handle === segment.handle) ??
      this.#newReply(segment.handle) // sound without words
    );
  }

  #newReply(handle: voice.SpeechHandle | undefined): Reply {
    const reply: Reply = {
      handle,
      text: '',
      isComplete: false,
      told: 0,
      segments: new Set(),
      sounding: new Set(),
    };
    this.#replies = [...this.#replies.slice(1 - REPLIES), reply];
    return reply;
  }
}

const speechOf = ({ handle }: Reply): { speech?: string } => (handle ? { speech: handle.id } : {});

const heardMsOf = ({ segments }: Reply): number => {
  const now = performance.now();
  return [...segments].reduce((sum, each) => sum + (each.isAudible ? each.positionMs(now) : 0), 0);
};

/** It was played to its end. */
const isOver = ({ segments, isComplete }: Reply): boolean =>
  isComplete && [...segments].every(({ ended }) => ended?.isInterrupted === false);

/** W2: characters of the text that were played, whole words. */
const playedOf = (reply: Reply): number => {
  const { text, segments, isComplete } = reply;
  if (isOver(reply)) return text.length;
  const heardMs = heardMsOf(reply);
  const madeMs = [...segments].reduce((sum, { pushedMs }) => sum + pushedMs, 0);
  if (madeMs === 0) return 0;
  const isMade = isComplete && [...segments].every(({ isWhole }) => isWhole);
  const shared = text.length * Math.min(1, heardMs / madeMs);
  const characters = Math.floor(isMade ? shared : Math.min(shared, heardMs * QUICK_CHARACTERS_A_MS));
  return characters >= text.length ? text.length : wholeWords(text, characters);
};

/** Languages without spaces have no words to be cut. */
const LONGEST_WORD = 40;
const wholeWords = (text: string, characters: number): number => {
  const end = text.slice(0, characters + 1).search(/\s\S*$/);
  if (end >= 0 && characters - end <= LONGEST_WORD) return end;
  return /[\uD800-\uDBFF]$/.test(text.slice(0, characters)) ? characters - 1 : characters;
};
