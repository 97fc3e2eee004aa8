import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web';
import { replaceMethod } from './replace-method.ts';

/**
 * The stream itself, and no other one behind it: what the SDK reads comes no later than it would, and what it asks of
 * the stream (`cancel`, `locked`) is answered by it.
 *
 * One that is not what it should be is left alone.
 *
 * @param look gets each chunk as it is read, and may say that it has seen enough. Never throws
 * @param over the stream has ended, and was read to its end. Never throws
 */
export function watchStream<Chunk>(
  stream: ReadableStream<Chunk>,
  look: (chunk: Chunk) => 'on' | 'enough',
  over: () => void = () => {},
): ReadableStream<Chunk> {
  if (typeof stream.getReader !== 'function') return stream;
  replaceMethod(stream, 'getReader', (_options, getReader) => {
    const reader = getReader() as ReadableStreamDefaultReader<Chunk>;
    let isLooking = true;
    replaceMethod(reader, 'read', (_given, read) => {
      const reading = read() as ReturnType<typeof reader.read>;
      if (isLooking)
        reading
          .then(({ done, value }) => {
            if (!isLooking) return;
            if (done) over();
            isLooking = !done && look(value) === 'on';
          })
          .catch(() => {}); // the SDK is told
      return reading;
    });
    return reader;
  });
  return stream;
}
