/**
 * The keeper's own pulse. It calls a job frozen when beats are missing, so it must know when it was late itself: a
 * machine that stood still for four seconds, or a laptop that slept, made nobody else silent.
 */

export type Pulse = {
  stop(): void;
};

/**
 * *Effect.* Calls `onTick` every `everyMs`, after what arrived in the meantime has been read.
 * @param onTick gets how much later than planned this tick is: time in which nobody could be heard
 */
export function startPulse(everyMs: number, onTick: (lateMs: number) => void, now = () => performance.now()): Pulse {
  let last = now();
  const timer = setInterval(() => {
    // Timers run before sockets are read: beats that wait in the kernel come first, then the judgement.
    setImmediate(() => {
      const at = now();
      const lateMs = Math.max(0, at - last - everyMs);
      last = at;
      onTick(lateMs);
    });
  }, everyMs);
  return { stop: () => clearInterval(timer) };
}
