/**
 * Finds known recordings (an apology from a file) in what was heard, by comparing waveforms: codecs keep them well
 * enough, and no other speech resembles them.
 */
import type { Wav } from '../../sound/wav.ts';

/** Hertz of the copies that are compared: speech has most of its power below 2 kHz. */
export const KEPT_RATE = 4000;
const BLOCK = KEPT_RATE / 10;
const BLOCK_MS = 100;
/**
 * Correlation of a block from which it is the same. Measured through Opus: 0.8 to 0.98, worse where speech begins or is
 * soft; other speech of the same voice stays below 0.65.
 */
const ALIKE = 0.7;
/** The same for a block in its place between others that are sure. */
const LIKELY = 0.5;
/** Single blocks of the same voice may resemble each other by accident; this many in their places do not. */
const FEWEST = 3;
/** How far one block may have moved against the one before, in samples: receivers stretch time a little. */
const DRIFT = 40;
/** The same where a busy speaker left a hole, or a receiver filled one: 300 ms. */
const LEAP = 1200;
/** Sounds with pauses up to this are searched as one. */
const JOIN_MS = 700;

export type Recording = { name: string; samples: Int16Array };
export type HeardRecording = {
  name: string;
  /** Milliseconds since the epoch of its beginning. */
  at: number;
  /** Up to 400 ms too little where a receiver's buffer had yet to settle: the first words on a new track. */
  heardMs: number;
  totalMs: number;
};
export type SearchedSound = { from: number; to: number; codedMs: number; fromKept: number; toKept: number };

/** Makes a file comparable. */
export function recordingOf(name: string, wav: Wav): Recording {
  const samples = new Int16Array(Math.floor((wav.samples.length * KEPT_RATE) / wav.sampleRate));
  const ratio = wav.sampleRate / KEPT_RATE;
  if (!Number.isInteger(ratio)) {
    throw new Error(`${name}: expected a sample rate that is a multiple of ${KEPT_RATE}, got ${wav.sampleRate}`);
  }
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0;
    for (let at = 0; at < ratio; at += 1) sum += wav.samples[index * ratio + at] as number;
    samples[index] = sum / ratio;
  }
  return { name, samples };
}

export function findRecordings(
  recordings: readonly Recording[],
  kept: Int16Array,
  sounds: readonly SearchedSound[],
): HeardRecording[] {
  if (recordings.length === 0) return [];
  const found: HeardRecording[] = [];
  for (const region of regionsOf(sounds)) {
    const heard = kept.subarray(region.fromKept, region.toKept);
    const timeOf = (sample: number) => region.from + (sample / KEPT_RATE) * 1000;
    for (const recording of recordings) found.push(...findIn(recording, heard, 0, heard.length, timeOf));
  }
  return found.toSorted((one, other) => one.at - other.at);
}

/** Uncoded sounds, those with short pauses between them joined. */
function regionsOf(sounds: readonly SearchedSound[]): SearchedSound[] {
  const regions: SearchedSound[] = [];
  for (const sound of sounds) {
    if (sound.to - sound.from - sound.codedMs < 2 * BLOCK_MS) continue;
    const last = regions.at(-1);
    if (last && sound.from - last.to <= JOIN_MS) {
      last.to = sound.to;
      last.toKept = sound.toKept;
    } else {
      regions.push({ ...sound, fromKept: Math.max(0, sound.fromKept - BLOCK) });
      const region = regions.at(-1) as SearchedSound;
      region.from -= ((sound.fromKept - region.fromKept) / KEPT_RATE) * 1000;
    }
  }
  return regions;
}

function findIn(
  recording: Recording,
  heard: Int16Array,
  from: number,
  to: number,
  timeOf: (sample: number) => number,
): HeardRecording[] {
  if (to - from < BLOCK) return [];
  const blocks = blocksOf(recording.samples);
  // The loudest blocks first: three, because part of a recording may have been cut off.
  for (const anchor of blocks.toSorted((one, other) => other.power - one.power).slice(0, 3)) {
    const place = bestPlace(recording.samples, anchor.at, heard, from, to - BLOCK);
    if (place.likeness < ALIKE) continue;
    const start = place.at - anchor.at;
    const index = blocks.indexOf(anchor);
    const near = follow(recording.samples, blocks, index, heard, { from, to, start, leap: 0 });
    if (near.filter(({ likeness }) => likeness >= ALIKE).length < FEWEST) continue;
    // Now that it is known to be this one, holes may be looked across.
    const found = follow(recording.samples, blocks, index, heard, { from, to, start, leap: LEAP });
    const first = found.findIndex(({ likeness }) => likeness >= LIKELY);
    const last = found.findLastIndex(({ likeness }) => likeness >= LIKELY);
    const heardBlocks = found.filter(
      ({ likeness, loud }, index) => likeness >= LIKELY || (index > first && index < last && loud),
    ).length;
    const totalMs = (recording.samples.length / KEPT_RATE) * 1000;
    const one = {
      name: recording.name,
      at: timeOf(Math.max(0, start)),
      totalMs,
      heardMs: (totalMs * heardBlocks) / blocks.length,
    };
    const end = start + recording.samples.length;
    return [...findIn(recording, heard, from, start, timeOf), one, ...findIn(recording, heard, end, to, timeOf)];
  }
  return [];
}

/**
 * Outwards from the anchor, each block near where the one before it was: receivers stretch time. `loud`: what sounded
 * there has about the power of the block; codecs bend the waveform of sharp sounds more than their power.
 */
function follow(
  samples: Int16Array,
  blocks: readonly { at: number; power: number }[],
  anchor: number,
  heard: Int16Array,
  { from, to, start, leap }: { from: number; to: number; start: number; leap: number },
): { likeness: number; loud: boolean }[] {
  const found = blocks.map(() => ({ likeness: 0, loud: false }));
  for (const step of [1, -1]) {
    let shift = start;
    for (let index = anchor; index >= 0 && index < blocks.length; index += step) {
      const block = blocks[index] as { at: number; power: number };
      const near = shift + block.at;
      const search = (reach: number) =>
        bestPlace(samples, block.at, heard, Math.max(from, near - reach), Math.min(to - BLOCK, near + reach));
      let place = search(DRIFT);
      if (place.likeness < LIKELY && leap > 0) {
        const wide = search(leap);
        if (wide.likeness >= ALIKE) place = wide;
      }
      if (place.likeness >= ALIKE) shift = place.at - block.at;
      const at = shift + block.at;
      const ratio = at >= from && at + BLOCK <= to ? powerOf(heard, at) / block.power : 0;
      found[index] = { likeness: place.likeness, loud: ratio > 1 / 4 && ratio < 4 };
    }
  }
  return found;
}

/** Blocks that have anything in them: pauses resemble everything. */
function blocksOf(samples: Int16Array): { at: number; power: number }[] {
  const blocks: { at: number; power: number }[] = [];
  for (let at = 0; at + BLOCK <= samples.length; at += BLOCK) blocks.push({ at, power: powerOf(samples, at) });
  const loudest = Math.max(...blocks.map((block) => block.power));
  return blocks.filter((block) => block.power > loudest / 200);
}

function powerOf(samples: Int16Array, from: number): number {
  let power = 0;
  for (let at = from; at < from + BLOCK; at += 1) power += (samples[at] as number) ** 2;
  return power;
}

function bestPlace(template: Int16Array, templateAt: number, heard: Int16Array, from: number, to: number) {
  const templatePower = powerOf(template, templateAt);
  let best = { at: from, likeness: 0 };
  if (to < from) return best;
  let power = powerOf(heard, from);
  for (let at = from; at <= to; at += 1) {
    if (at > from) power += (heard[at + BLOCK - 1] as number) ** 2 - (heard[at - 1] as number) ** 2;
    let product = 0;
    for (let index = 0; index < BLOCK; index += 1) {
      product += (template[templateAt + index] as number) * (heard[at + index] as number);
    }
    const likeness = product / Math.sqrt(templatePower * Math.max(power, 1));
    if (likeness > best.likeness) best = { at, likeness };
  }
  return best;
}
