/**
 * What a child prints, on its way through us to our own output. Where a child inherits a pipe, a socket or a terminal,
 * Node puts it back into the mode in which a write waits, for everybody who shares it (libuv does at each start of a
 * child, Node at its end): then one reader who sleeps holds the keeper and every job in the middle of a word, until
 * their beats are missed. Measured: a job with 100 KB to print stood still for as long as nobody read. So children get
 * pipes of their own, which we always empty; lines that our output does not take are dropped (standard-output.ts).
 *
 * A file is inherited: it has no reader, and a worker that outlives its keeper goes on writing there.
 */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Output } from './standard-output.ts';

/** A line that is longer is handed on in parts. */
const LONGEST = 65_536;
/** A progress bar, a prompt: whoever prints half a line wants it seen. */
const HALF_LINE_MS = 250;

/** *Effect.* Whole lines, so that none of our own gets between two halves of theirs. */
export function forward(from: Readable | null, to: Pick<Output, 'write'>): void {
  const decoder = new StringDecoder('utf8'); // a character may be torn between two chunks
  let rest = '';
  let timer: NodeJS.Timeout | undefined;
  const release = () => {
    clearTimeout(timer);
    if (rest !== '') to.write(rest);
    rest = '';
  };
  from?.on('data', (chunk: Buffer) => {
    clearTimeout(timer);
    rest += decoder.write(chunk);
    const end = rest.lastIndexOf('\n') + 1;
    if (end > 0) to.write(rest.slice(0, end));
    rest = rest.slice(end);
    if (rest.length > LONGEST) release();
    else if (rest !== '') timer = setTimeout(release, HALF_LINE_MS).unref();
  });
  from?.on('end', release);
  from?.on('error', release);
}

/** *Pure.* How a child gets an output that goes where ours goes. */
export const wayTo = ({ isShared }: Output): 'pipe' | 'inherit' => (isShared ? 'pipe' : 'inherit');
