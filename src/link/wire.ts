/**
 * What goes over the socket, byte for byte: one JSON object a line, each checked before anybody acts on it.
 *
 *   W1  A line that is no message, or is longer than MAX_LINE, ends that connection and nothing else.
 */
import type { Socket } from 'node:net';
import type { z } from 'zod';
import { fromKeeper, type FromKeeper, toKeeper, type ToKeeper } from './messages.ts';

/** In characters. The largest honest line is an offer with its metadata, which LiveKit limits to 64 KiB. */
export const MAX_LINE = 1_048_576;

export type Parsed<Message> = { ok: true; message: Message } | { ok: false; problem: string };

const parse =
  <Message>(schema: z.ZodType<Message>) =>
  (line: string): Parsed<Message> => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { ok: false, problem: `expected a line of JSON, got ${line.length} characters that are none` };
    }
    const result = schema.safeParse(value);
    if (result.success) return { ok: true, message: result.data };
    const [issue] = result.error.issues;
    // Only the place and the rule: the value may be personal.
    return { ok: false, problem: `${issue?.path.join('.') || 'type'}: ${issue?.message ?? 'not a message'}` };
  };

/** *Pure.* */
export const parseToKeeper = parse(toKeeper);
/** *Pure.* */
export const parseFromKeeper = parse(fromKeeper);

/** *Pure.* A message as it is written: JSON has no bare line breaks, so the line break ends it. */
export const encode = (message: ToKeeper | FromKeeper): string => `${JSON.stringify(message)}\n`;

/**
 * *Effect.* Calls `onLine` for each whole line. After `onProblem` nothing more is read (W1). What is left of a line is kept
 * in pieces and each piece is looked at once: a long line that comes in small ones costs no more than one that comes whole.
 */
export function readLines(
  socket: Socket,
  { onLine, onProblem }: { onLine: (line: string) => void; onProblem: (problem: string) => void },
): void {
  let pieces: string[] = [];
  let length = 0;
  let broken = false;
  const keep = (piece: string) => {
    pieces.push(piece);
    length += piece.length;
    broken ||= length > MAX_LINE;
  };
  socket.setEncoding('utf8'); // a character that is torn between two chunks stays whole
  socket.on('data', (chunk: string | Buffer) => {
    if (broken) return;
    const text = chunk.toString();
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0 && !socket.destroyed; end = text.indexOf('\n', from)) {
      keep(text.slice(from, end));
      if (broken) break;
      const line = pieces.join('');
      pieces = [];
      length = 0;
      from = end + 1;
      onLine(line);
    }
    if (!broken) keep(text.slice(from));
    if (!broken) return;
    pieces = [];
    onProblem(`expected a line of at most ${MAX_LINE} characters, got a longer one`);
  });
}
