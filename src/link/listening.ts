import { connect } from 'node:net';

const PROBE_MS = 1_000;

/** Does anybody listen there? The kernel accepts for a process that is frozen, too: that counts as somebody. */
export const isListening = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => settle(true));
    socket.once('connect', () => settle(true));
    // Refused or no socket: its process is dead. Any other trouble (EAGAIN: a full backlog) means that somebody is behind it.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => settle(!nobody.includes(code ?? '')));
  });

const nobody = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'ENOTDIR', 'ELOOP'];
