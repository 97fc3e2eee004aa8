/**
 * What a listener heard, from the audio alone.
 *
 * Owns one stream of PCM: reads coded speech from it, measures where anything sounds at all, and keeps a small copy, in
 * which recordings that are not coded (an apology from a file) can be found afterwards.
 *
 *   D1  An utterance, or a leap within one, is believed after two windows that agree; otherwise each readable window
 *       counts its piece.
 *   D2  A piece counts once in `heardMs`, however often it sounds; sounding again is a repeat.
 *   D3  Times are those of the sound, not of the process that listens (see StreamClock).
 */
import { PIECE_MS, wholeSamples } from './code.ts';
import type { Piece } from './code.ts';
import { findRecordings, KEPT_RATE } from './recordings.ts';
import type { HeardRecording, Recording } from './recordings.ts';
import { StreamClock } from './stream-clock.ts';
import { ToneReader } from './tones.ts';

const HOP_MS = 10;
/** Root mean square of 10 ms above which something sounds: -47 dB of full scale; comfort noise lies below. */
const AUDIBLE = 150;
/** Pauses shorter than this belong to the speech around them. */
const BRIDGE_MS = 150;

export type HeardUtterance = {
  /** The number under which it was synthesised. */
  utterance: number;
  firstPiece: number;
  lastPiece: number;
  /** Distinct pieces heard, in milliseconds. */
  heardMs: number;
  /** How many times it began, or began again from an earlier piece: 1 is as it should be. */
  times: number;
  /** Pieces that sounded more than once. */
  repeatedPieces: number;
  /** Runs of pieces between the first and the last that were not heard, both ends included. */
  gaps: { from: number; to: number }[];
  /** Milliseconds since the epoch. */
  firstAt: number;
  lastAt: number;
};

/** A stretch in which something sounded. `codedMs` of it could be read as coded speech. */
export type Sound = { from: number; to: number; codedMs: number };

export type Heard = {
  utterances: HeardUtterance[];
  sounds: Sound[];
  /** Time of the first and last sample, sounding or not; undefined before any. */
  from?: number;
  to?: number;
};

type Listening = { pieces: Map<number, number>; last: number; times: number; firstAt: number; lastAt: number };

export class SpeechDecoder {
  readonly #sampleRate: number;
  readonly #hop: number;
  readonly #reader: ToneReader;
  readonly #window: Float32Array;
  readonly #recordings: readonly Recording[];
  readonly #clock = new StreamClock();
  readonly #utterances = new Map<number, Listening>();
  readonly #sounds: (Sound & { fromKept: number; toKept: number })[] = [];
  #kept = new Int16Array(KEPT_RATE * 60);
  #keptLength = 0;
  #pending = new Float32Array(0);
  #hops = 0;
  #before: Piece | undefined;
  #codedTo: number | undefined;
  #firstAt: number | undefined;
  #lastAt: number | undefined;

  /**
   * @param sampleRate - hertz: 16000 (cheapest), 24000 or 48000
   * @param recordings - uncoded audio that may be heard, to be recognised by comparison
   */
  constructor(sampleRate: number, recordings: readonly Recording[] = []) {
    this.#sampleRate = sampleRate;
    this.#hop = wholeSamples(sampleRate, HOP_MS);
    this.#reader = new ToneReader(sampleRate);
    this.#window = new Float32Array(this.#reader.windowLength);
    this.#recordings = recordings;
  }

  /**
   * Takes the next samples of the stream.
   *
   * @param arrivedAt - milliseconds since the epoch; default now
   */
  push(samples: Int16Array, arrivedAt: number = performance.timeOrigin + performance.now()): void {
    const position = this.#hops * HOP_MS + ((this.#pending.length + samples.length) / this.#sampleRate) * 1000;
    const offset = this.#clock.heard(arrivedAt, position);
    const all = new Float32Array(this.#pending.length + samples.length);
    all.set(this.#pending);
    all.set(samples, this.#pending.length);
    let at = 0;
    for (; at + this.#hop <= all.length; at += this.#hop) this.#take(all.subarray(at, at + this.#hop), offset);
    this.#pending = all.slice(at);
  }

  /** What was heard so far. */
  heard(): Heard {
    const sounds = this.#sounds.map(({ from, to, codedMs }) => ({ from, to, codedMs }));
    const utterances = [...this.#utterances].map(([utterance, listening]) => summaryOf(utterance, listening));
    return {
      utterances: utterances.toSorted((one, other) => one.firstAt - other.firstAt),
      sounds,
      ...(this.#firstAt === undefined ? {} : { from: this.#firstAt }),
      ...(this.#lastAt === undefined ? {} : { to: this.#lastAt }),
    };
  }

  /** Which of the known recordings were heard. Costs about 10 ms for each second that was not coded. */
  recordings(): HeardRecording[] {
    return findRecordings(this.#recordings, this.#kept.subarray(0, this.#keptLength), this.#sounds);
  }

  #take(hop: Float32Array, offset: number): void {
    const from = this.#hops * HOP_MS + offset;
    const to = from + HOP_MS;
    this.#hops += 1;
    this.#firstAt ??= from;
    this.#lastAt = to;
    this.#window.copyWithin(0, hop.length);
    this.#window.set(hop, this.#window.length - hop.length);
    this.#keep(hop);
    let power = 0;
    for (const sample of hop) power += sample * sample;
    if (Math.sqrt(power / hop.length) < AUDIBLE) return;
    const read = this.#reader.read(this.#window);
    this.#sounded(from, to, read !== undefined);
    if (read) this.#believe(read, to);
    this.#before = read;
  }

  #sounded(from: number, to: number, coded: boolean): void {
    let sound = this.#sounds.at(-1);
    if (!sound || from - sound.to > BRIDGE_MS) {
      sound = { from, to, codedMs: 0, fromKept: this.#keptLength, toKept: this.#keptLength };
      this.#sounds.push(sound);
    }
    sound.to = to;
    sound.toKept = this.#keptLength;
    if (!coded) return;
    // Windows that straddle two pieces are not read: what lies between two readings is coded all the same.
    const since = this.#codedTo;
    sound.codedMs += since !== undefined && to - since <= PIECE_MS ? to - since : HOP_MS;
    this.#codedTo = to;
  }

  #believe(read: Piece, to: number): void {
    const before = this.#before;
    const agrees = before?.utterance === read.utterance && [0, 1].includes(read.piece - before.piece);
    let listening = this.#utterances.get(read.utterance);
    if (!listening) {
      if (!agrees) return; // D1
      const firstAt = to - HOP_MS - (this.#window.length / this.#sampleRate) * 1000;
      listening = { pieces: new Map([[before.piece, 1]]), last: before.piece, times: 1, firstAt, lastAt: to };
      this.#utterances.set(read.utterance, listening);
    }
    // D1 again: what does not go on where it was is believed when the next window says so too.
    if (![0, 1].includes(read.piece - listening.last) && !agrees) return;
    if (read.piece < listening.last) listening.times += 1;
    if (read.piece !== listening.last) {
      listening.pieces.set(read.piece, (listening.pieces.get(read.piece) ?? 0) + 1); // D2
    }
    listening.last = read.piece;
    listening.lastAt = to;
  }

  /** The mean of neighbouring samples: 4 kHz is enough to compare speech by. */
  #keep(hop: Float32Array): void {
    const ratio = this.#sampleRate / KEPT_RATE;
    const count = hop.length / ratio;
    if (this.#keptLength + count > this.#kept.length) {
      const larger = new Int16Array(this.#kept.length * 2);
      larger.set(this.#kept);
      this.#kept = larger;
    }
    for (let index = 0; index < count; index += 1) {
      let sum = 0;
      for (let at = 0; at < ratio; at += 1) sum += hop[index * ratio + at] as number;
      this.#kept[this.#keptLength + index] = sum / ratio;
    }
    this.#keptLength += count;
  }
}

function summaryOf(utterance: number, listening: Listening): HeardUtterance {
  const pieces = [...listening.pieces.keys()].toSorted((one, other) => one - other);
  const gaps: HeardUtterance['gaps'] = [];
  pieces.forEach((piece, index) => {
    const before = pieces[index - 1];
    if (before !== undefined && piece - before > 1) gaps.push({ from: before + 1, to: piece - 1 });
  });
  return {
    utterance,
    firstPiece: pieces[0] as number,
    lastPiece: pieces.at(-1) as number,
    heardMs: pieces.length * PIECE_MS,
    times: listening.times,
    repeatedPieces: [...listening.pieces.values()].filter((count) => count > 1).length,
    gaps,
    firstAt: listening.firstAt,
    lastAt: listening.lastAt,
  };
}
