/**
 * How late this process was: many calls beside each other share two cores with whatever else runs. What a voice needs to
 * be cut is counted without the time in which nothing of this process ran.
 */
const LOOK_MS = 20;

const late: { at: number; ms: number }[] = [];
let before = Date.now();
setInterval(() => {
  const now = Date.now();
  const ms = now - before - LOOK_MS;
  if (ms > LOOK_MS) late.push({ at: now, ms });
  before = now;
}, LOOK_MS).unref();

/** In ms, for how long nothing ran between two instants. */
export const busyMs = (from: number, to: number): number =>
  late.reduce((sum, { at, ms }) => sum + Math.max(0, Math.min(at, to) - Math.max(at - ms, from)), 0);
