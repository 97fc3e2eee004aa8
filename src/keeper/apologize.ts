/** The keeper's side of an apology without an agent: silences who may still speak, forks the child, waits for it. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { forward } from '../output/child-output.ts';
import type { LiveKitAccess } from '../link/messages.ts';
import { standardError } from '../output/standard-output.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Log } from '../session/ports.ts';
import { bundledRecording, type Language } from '../sound/bundled.ts';
import type { ApologistReport, ApologistRequest } from './apologist.ts';
import type { Apologize } from './recover.ts';

/** Beside this file, and compiled or not as this file is. */
const child = new URL(`./apologist${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);

const LEAVING_MS = 2_000;

/** The user's own WAV file, else the one of a language in the package. */
export type ApologyRecording = { language: Language; file: string | undefined };

/** A deploy may have removed the one; the other is always there. */
const fileOf = ({ language, file }: ApologyRecording, log: Log): string => {
  if (file !== undefined && existsSync(file)) return file;
  if (file !== undefined) log.warn({ file }, 'the recording of the apology is gone; the one in the package is played');
  return fileURLToPath(bundledRecording('apology', language));
};

/**
 * *Effect.* @returns an apology for one LiveKit server. It rejects when nobody could hear it, and at once when its
 * signal is aborted; the child is gone then.
 */
export function apologist(options: {
  access: LiveKitAccess;
  rooms: Rooms;
  recording: ApologyRecording;
  log: Log;
  /** How long the words wait for somebody who listens. Default 900: the caller of a dead call is not kept longer. */
  subscriptionMs?: number;
  /** For tests. */
  child?: string | URL;
}): Apologize {
  const { access, rooms, recording, log, subscriptionMs = 900 } = options;
  return async ({ room, signal, onAudible }) => {
    const occupants = await rooms.occupants(room, signal);
    const agents = occupants.filter(({ kind }) => kind === 'agent');
    await Promise.all(agents.map(({ identity }) => rooms.remove(room, identity, signal))); // never two voices
    signal.throwIfAborted();
    const speaker = fork(options.child ?? child, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
    forward(speaker.stderr, standardError());
    try {
      return await new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('cut')), { once: true });
        speaker.once('error', reject);
        speaker.once('exit', (code, killer) => reject(new Error(`the apologist ended early (${killer ?? code})`)));
        speaker.on('message', (message) => {
          const report = message as ApologistReport;
          if (report.type === 'audible') onAudible();
          else if (report.type === 'played') resolve({ heardMs: report.heardMs });
          else reject(new Error(report.message));
        });
        const audio = fileOf(recording, log);
        const request: ApologistRequest = { access, room, audio, subscriptionMs };
        speaker.send(request, (error) => error && reject(error));
      });
    } finally {
      if (signal.aborted) speaker.kill('SIGKILL');
      setTimeout(() => speaker.kill('SIGKILL'), LEAVING_MS).unref(); // does nothing when it has left by itself
    }
  };
}
