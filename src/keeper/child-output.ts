/**
 * What worker and jobs print on a terminal, on its way through the keeper. Node waits for a terminal: one that is stopped
 * (Ctrl-S), or whose network is away (ssh), would hold a job in the middle of a word, until its beats are missed. Here its
 * lines are dropped instead (output.ts). Pipes and files are inherited: Node does not wait for a pipe.
 */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Output } from '../output.ts';

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
