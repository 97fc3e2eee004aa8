/**
 * The screen of a call in the terminal: lines that stay, and on a real terminal a last line that shows the state, how
 * long it has lasted, and what is being typed.
 */
import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { isColoured, oneLine, paintWith, spellMs, type Paint } from '../show/paint.ts';
import type { TimelineRow } from '../reads/timeline.ts';
import { printed } from '../show/printed.ts';

/** Often enough to see that it lives. */
const TICK_MS = 200;

export type Screen = {
  readonly paint: Paint;
  print: (text: string) => void;
  row(row: TimelineRow, startedAt: number): void;
  /** From now on the call is in this state. */
  state(name: string): void;
  onLine(listen: (line: string) => void): void;
  /** Input is over: Ctrl-D, or a pipe that has ended. */
  onEnd(listen: () => void): void;
  /** No more typing; what is printed from here on stands alone. */
  close(): void;
};

export type ScreenOptions = {
  input: Readable & { isTTY?: boolean };
  output: Writable & { isTTY?: boolean };
  env: Readonly<Record<string, string | undefined>>;
  /** False: nothing is read. */
  isInteractive: boolean;
  /** Ctrl-C, where the terminal does not make a signal of it itself. */
  onInterrupt: () => void;
};

/** *Effect.* */
export function openScreen({ input, output, env, isInteractive, onInterrupt }: ScreenOptions): Screen {
  const isLive = isInteractive && input.isTTY === true && output.isTTY === true && env['TERM'] !== 'dumb';
  const paint = paintWith(isColoured(output, env));
  const lines: Interface | undefined = isInteractive
    ? createInterface({ input, ...(isLive && { output }), terminal: isLive })
    : undefined;
  let name = 'starting';
  let since = Date.now();
  let isClosed = false;

  const prompt = () => {
    if (!isLive || !lines || isClosed) return;
    lines.setPrompt(`${paint('state', `${name} ${spellMs(Date.now() - since)}`)} › `);
    lines.prompt(true);
  };
  const timer = isLive ? setInterval(prompt, TICK_MS) : undefined;
  const print = (text: string) => {
    if (isLive && !isClosed) {
      cursorTo(output, 0);
      clearLine(output, 0);
    }
    output.write(`${text}\n`);
    prompt();
  };
  lines?.on('SIGINT', onInterrupt);

  return {
    paint,
    print,
    row: (row, startedAt) => print(printed(row, startedAt, paint)),
    state(next) {
      if (next === name) return;
      name = next;
      since = Date.now();
      prompt();
    },
    onLine: (listen) => void lines?.on('line', (line) => listen(oneLine(line))),
    onEnd: (listen) => void lines?.on('close', () => !isClosed && listen()),
    close() {
      if (isClosed) return;
      clearInterval(timer);
      if (isLive) {
        cursorTo(output, 0);
        clearLine(output, 0);
      }
      isClosed = true;
      lines?.close();
      input.pause();
    },
  };
}
