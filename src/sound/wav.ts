/** WAV files with 16-bit mono PCM: the only audio files that Lastword reads or writes. */
import { readFileSync } from 'node:fs';

export type Wav = { sampleRate: number; samples: Int16Array };

/**
 * Reads a 16-bit mono PCM WAV file.
 *
 * @throws Error that names the file and says what was expected and what came.
 */
export function readWav(file: string | URL): Wav {
  return parseWav(readFileSync(file), String(file));
}

/**
 * Parses a 16-bit mono PCM WAV file in memory. Chunks other than `fmt ` and `data` are skipped; a `data` chunk whose
 * length is a placeholder (streams write 0 or 0xffffffff) runs to the end of the file.
 *
 * @param name - for error messages only
 */
export function parseWav(bytes: Uint8Array, name = 'WAV data'): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => (at + 4 <= bytes.length ? String.fromCharCode(...bytes.subarray(at, at + 4)) : '');
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') {
    throw new Error(`${name}: expected a WAV file (RIFF … WAVE), got ${bytes.length} bytes of something else`);
  }
  let sampleRate: number | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const start = at + 8;
    const declared = view.getUint32(at + 4, true);
    if (tag(at) === 'fmt ' && start + 16 <= bytes.length) {
      const [format, channels, bits] = [
        view.getUint16(start, true),
        view.getUint16(start + 2, true),
        view.getUint16(start + 14, true),
      ];
      if (format !== 1 || channels !== 1 || bits !== 16) {
        throw new Error(
          `${name}: expected 16-bit mono PCM (format 1), got format ${format}, ${channels} channels, ${bits} bits; convert it`,
        );
      }
      sampleRate = view.getUint32(start + 4, true);
    }
    if (tag(at) === 'data') {
      if (sampleRate === undefined) throw new Error(`${name}: expected a "fmt " chunk before "data", got none`);
      const left = bytes.length - start;
      const length = declared === 0 || declared > left ? left : declared;
      const samples = new Int16Array(length >> 1);
      for (let index = 0; index < samples.length; index += 1) samples[index] = view.getInt16(start + index * 2, true);
      return { sampleRate, samples };
    }
    at = start + declared + (declared % 2);
  }
  throw new Error(`${name}: expected a "data" chunk, got none`);
}

/** The samples as little-endian bytes, without a copy (every platform that Node runs on is little-endian). */
export function pcmBytes(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}
