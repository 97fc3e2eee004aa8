/**
 * The keeper's own pulse. It calls a job frozen when beats are missing, so it must know when it was late itself: a
 * machine that stood still for four seconds, or a laptop that slept, made nobody else silent.
 */

export type Pulse = {
  stop(): void;
};

/**
 * *Effect.* Calls `onTick` every `everyMs`, after what arrived in the meantime has been read.
 * @param onTick gets how much later than planned this tick is, when that is more than a period: time in which nobody
 *   could be heard
 */
export function startPulse(everyMs: number, onTick: (lateMs: number) => void, now = () => performance.now()): Pulse {
  let last = now();
  const timer = setInterval(() => {
    // Timers run before sockets are read: beats that wait in the kernel come first, then the judgement.
    setImmediate(() => {
      const at = now();
      const lateMs = at - last - everyMs;
      last = at;
      onTick(lateMs > everyMs ? lateMs : 0); // a busy loop is no stall, and every bit given back delays a rescue
    });
  }, everyMs);
  return { stop: () => clearInterval(timer) };
}
