/**
 * One entry as one line, and back: its JSON, and last in it a CRC-32 of all the bytes before.
 *
 *   {"seq":7,"at":…,"up":…,"kind":"log","data":{…},"crc":"0f3a9c71"}
 *
 *   L1  A line that changed is no line. CRC-32 finds every single flipped bit and every burst of up to 32; of anything
 *       longer it misses one in four thousand million. It is no signature: whoever may write the file may write lines.
 *   L2  A line without a checksum is one of an earlier version only if it holds the four fields of such a line and no
 *       other. A line of ours always has more (`up` or `boot`, and `crc`), so none that lost the name of its checksum to a
 *       flipped bit passes for an old one.
 *   L3  The checksum is looked at as bytes, before anything decodes or parses them.
 */
import { crc32 } from 'node:zlib';
import type { Entry } from './entry.ts';

/** Longest line that is read. The writer cuts an entry at 1 Mi characters: 3 MiB of UTF-8, 6 MiB where JSON escapes all. */
export const LINE_BYTES = 8 * 1024 * 1024;

const MARK = ',"crc":"';
/** `,"crc":"0f3a9c71"}` */
const TAIL_BYTES = MARK.length + 8 + 2;

const tailOf = (checksum: number): string => `${MARK}${checksum.toString(16).padStart(8, '0')}"}`;

/** *Pure.* With its newline. What `data` holds is JSON already (json.ts). */
export const lineOf = (entry: Entry): string => {
  const open = JSON.stringify(entry).slice(0, -1); // without its closing brace
  return `${open}${tailOf(crc32(open))}\n`;
};

/** *Pure.* Does it end as a line of ours does? Then it was written to its end, whatever became of it since. */
export const isWhole = (line: Buffer): boolean => {
  const tail = line.toString('latin1', Math.max(0, line.length - TAIL_BYTES));
  return tail.length === TAIL_BYTES && tail.startsWith(MARK) && tail.endsWith('"}');
};

/** *Pure.* The entry of a line (without its newline); undefined for what is none, or changed since it was written. */
export const entryOf = (line: Buffer): Entry | undefined => {
  if (line.length > LINE_BYTES) return undefined;
  if (!isWhole(line)) return earlierEntry(line);
  const end = line.length - TAIL_BYTES;
  if (line.toString('latin1', end) !== tailOf(crc32(line.subarray(0, end)))) return undefined; // L1, L3
  const value = parsed(`${line.toString('utf8', 0, end)}}`);
  return isEntry(value) ? value : undefined;
};

/** L2. */
const earlierEntry = (line: Buffer): Entry | undefined => {
  const value = parsed(line.toString('utf8'));
  return isEntry(value) && Object.keys(value).length === 4 ? value : undefined;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const isEntry = (value: unknown): value is Entry => {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, at, kind, data } = value as Record<string, unknown>;
  const isNumbered = Number.isSafeInteger(seq) && (seq as number) > 0 && typeof at === 'number';
  return isNumbered && typeof kind === 'string' && data !== undefined;
};
