/**
 * Where a writer goes on in a file that is there already. Looks from the end, block by block: how long the file is says
 * nothing of how long that takes (65 MB: 4 ms, where reading the whole took 80 ms), and its last line is nearly always whole.
 */
import type { DiskFile } from './disk.ts';
import { entryOf, isWhole, LINE_BYTES } from './line.ts';

const NEWLINE = 0x0a;
/** A few hundred lines as they are written; doubled while a line is longer than that. */
const BLOCK_BYTES = 64 * 1024;

export type Tail = {
  /** Where the last good line ends, its newline included; in bytes. */
  length: number;
  /** Its number, and one more for each line behind it that was written to its end and is damaged. */
  lastSeq: number;
  /** Of the file, with what has to be cut off. */
  size: number;
};

/**
 * *Effect.* After a power cut the tail may be zeros or an older block, newline and all: passed over. A line that was whole
 * once keeps its number, so that whoever reads the journal finds a gap there, and no history that looks complete.
 */
export const tailOf = async (file: Pick<DiskFile, 'size' | 'read'>, blockBytes = BLOCK_BYTES): Promise<Tail> => {
  const size = await file.size();
  /** From `position` to a newline, that included; empty while none is found. */
  let held: Buffer = Buffer.alloc(0);
  let damaged = 0;
  for (let position = size; position > 0;) {
    const length = Math.min(position, Math.max(blockBytes, held.length));
    position -= length;
    held = withNewline(Buffer.concat([await readAll(file, position, length), held]));
    while (held.length > 0) {
      const before = held.length > 1 ? held.lastIndexOf(NEWLINE, held.length - 2) : -1;
      if (before < 0 && position > 0) {
        if (held.length > LINE_BYTES) held = Buffer.alloc(0); // no line of ours: only its end is still looked for
        break;
      }
      const line = held.subarray(before + 1, held.length - 1);
      const entry = entryOf(line);
      if (entry) return { length: position + held.length, lastSeq: entry.seq + damaged, size };
      if (isWhole(line)) damaged += 1;
      held = held.subarray(0, before + 1);
    }
  }
  return { length: 0, lastSeq: 0, size };
};

const withNewline = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);

/** A read may give less than was asked for. */
const readAll = async (file: Pick<DiskFile, 'read'>, position: number, length: number): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (let done = 0; done < length;) {
    const part = await file.read(position + done, length - done);
    if (part.length === 0) throw new Error('the file ends sooner than its size says');
    parts.push(part);
    done += part.length;
  }
  return Buffer.concat(parts);
};
