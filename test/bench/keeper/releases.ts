/** A job is killed, and its caller let go: how long it takes in calm, and under each siege. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Layer } from '../../siege/harness/laid.ts';
import { sieges } from '../../siege/harness/sieges.ts';
import type { Siege } from '../../siege/harness/siege.ts';
import { median, percentile, shown } from '../figures.ts';
import { machine, missedOf, withGoals, type Goal, type Part } from './part.ts';

const CALM_KILLS = 100;
const SIEGE_KILLS = 20;
/** Each is a process, and they all beat. */
const AT_ONCE = 20;
const CALM_GOAL_MS = 500;
const SIEGE_GOAL_MS = 2_000;
const LIMIT_MS = 30_000;

/** The stand-in's rooms are in this process: it is looked at each millisecond, not each 25 as in the lane. */
const killed = async (siege: Siege, session: string): Promise<number> => {
  const { pid } = await siege.job(session).status();
  const isThere = () =>
    siege.livekit.rooms.get(`room-${session}`)?.some(({ identity }) => identity === 'caller') === true;
  const begunAt = performance.now();
  process.kill(pid, 'SIGKILL');
  while (isThere() && performance.now() - begunAt < LIMIT_MS) await pause(1);
  return isThere() ? Infinity : performance.now() - begunAt;
};

const measured = async (lay: Layer, kills: number): Promise<number[]> => {
  const waits: number[] = [];
  while (waits.length < kills) {
    const victims = Array.from({ length: Math.min(AT_ONCE, kills - waits.length) }, (_, index) => `AJ_victim_${index}`);
    await using laid = await lay(victims);
    for (const session of victims) waits.push(await killed(laid.siege, session));
  }
  return waits;
};

export async function releasesPart(much: number): Promise<Part> {
  const rows: Goal[] = [];
  for (const [name, { what, lay }] of Object.entries(sieges)) {
    const isCalm = name === 'calm';
    const goalMs = isCalm ? CALM_GOAL_MS : SIEGE_GOAL_MS;
    const kills = Math.max(2, Math.round((isCalm ? CALM_KILLS : SIEGE_KILLS) * much));
    const waits = await measured(lay, kills);
    const p99 = percentile(waits, 0.99);
    const figure = `median ${shown(median(waits))} ms, p99 ${shown(p99)} ms (${kills} kills)`;
    rows.push({ what, figure, goal: `p99 ≤ ${goalMs / 1_000} s`, isMet: p99 <= goalMs });
    console.log(`${what}: ${figure}`);
  }
  const body = `### A killed job: its caller is released

From \`kill -9\` until LiveKit's stand-in no longer has the caller, who is looked for each millisecond; one kill at a time, the sieges those of \`test/siege/hang-ups.test.ts\`. Of 20 kills the p99 is the worst. ${machine()}.

${withGoals(rows)}
`;
  return { body, missed: missedOf(rows) };
}
