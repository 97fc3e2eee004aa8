/**
 * Which audio output a session has now: anybody may set another one at any time (RoomIO, a recorder, an avatar, the
 * user), switch it off and on, or have none. The SDK tells nobody, so its accessor and its switch are replaced on the
 * instance by ones that tell us afterwards.
 */
import type { voice } from '@livekit/agents';
import { replaceMethod } from './replace-method.ts';

type SessionOutput = voice.AgentSession['output'];

export function watchSessionOutput(output: SessionOutput, changed: () => void): void {
  const prototype = Object.getPrototypeOf(output) as object;
  Object.defineProperty(output, 'audio', {
    configurable: true,
    get: () => Reflect.get(prototype, 'audio', output) as SessionOutput['audio'],
    set: (audio: SessionOutput['audio']) => {
      try {
        Reflect.set(prototype, 'audio', audio, output);
      } finally {
        changed(); // also when the one before or the new one threw at it: what is there now counts
      }
    },
  });
  replaceMethod(output, 'setAudioEnabled', (_given, call) => {
    try {
      return call();
    } finally {
      changed();
    }
  });
}
