import type { Json } from './entry.ts';

/** Number, times, kind and checksum of a line, generously. */
const FRAME_BYTES = 120;

/** *Pure.* What an entry takes on the disk, a little more rather than less. */
export const lineBytes = (data: Json | object): number => Buffer.byteLength(JSON.stringify(data)) + FRAME_BYTES;
