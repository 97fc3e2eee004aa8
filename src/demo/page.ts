/**
 * The inspector's page beside a call in the terminal: a process of its own, which may fail without harm. What is typed
 * there is taken as if it were typed here, and what the caller hears is passed on.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PlayedSound } from '../inspector/playground.ts';
import type { SessionId } from '../journal/ids.ts';
import { settledWithin } from '../waiting/deadline.ts';

/** Its import and its port; a page that is later than this is not waited for. */
const READY_MS = 8_000;
const END_MS = 1_000;

export type ToPage =
  | { type: 'begin'; directory: string; store: string; session: SessionId; hasEars: boolean }
  | { type: 'heard'; sound: PlayedSound };
export type FromPage =
  | { type: 'address'; address: string }
  | { type: 'typed'; line: string }
  | { type: 'seen' }
  | { type: 'voice'; samples: string }
  | { type: 'failed'; why: string };

export type DemoPage = {
  /** Somebody has it open. */
  readonly isSeen: boolean;
  heard(sound: PlayedSound): void;
  close(): Promise<void>;
};

/** *Effect.* Never rejects: a call without a page is a call. */
export function openPage(options: {
  directory: string;
  store: string;
  session: SessionId;
  onAddress: (address: string) => void;
  onTyped: (line: string) => void;
  /** From a microphone. Undefined: nobody would understand it. */
  onVoice: ((samples: string) => void) | undefined;
  onFailed: (why: string) => void;
}): DemoPage {
  const { directory, store, session, onAddress, onTyped, onVoice, onFailed } = options;
  const file = fileURLToPath(new URL(`./page-child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  const child: ChildProcess = fork(file, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const say = (message: ToPage) => void (child.connected && child.send(message, () => {}));
  let isClosing = false;
  let isThere = false;
  let isSeen = false;
  const late = setTimeout(() => !isThere && onFailed(`no answer within ${READY_MS / 1_000} s`), READY_MS);
  child.on('message', (message: FromPage) => {
    if (message.type === 'typed') return onTyped(message.line);
    if (message.type === 'voice') return onVoice?.(message.samples);
    isThere = true;
    if (message.type === 'seen') return void (isSeen = true);
    if (message.type === 'address') return onAddress(message.address);
    return onFailed(message.why);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', ({ message }) => (onFailed(message), resolve()));
    child.once('exit', () => {
      clearTimeout(late);
      if (!isClosing && isThere) onFailed('its process has ended');
      resolve();
    });
  });
  say({ type: 'begin', directory, store, session, hasEars: onVoice !== undefined });
  child.unref();
  child.channel?.unref();
  return {
    get isSeen() {
      return isSeen && child.connected;
    },
    heard: (sound) => say({ type: 'heard', sound }),
    async close() {
      isClosing = true;
      clearTimeout(late);
      child.kill('SIGTERM');
      await settledWithin(ended, END_MS);
      child.kill('SIGKILL');
    },
  };
}
