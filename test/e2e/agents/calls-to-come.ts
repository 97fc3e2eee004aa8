/**
 * A worker warms a process for the call after the last one, and begins as soon as the last caller is greeted: 2 s of a
 * core, in the middle of the only call that a test looks at. Who knows how many calls will come, says so.
 */
import { ProcessPool } from '../../../src/worker/process-pool.ts';

type Pool = ProcessPool<unknown>;
type Launch = (this: Pool, job: unknown) => ReturnType<Pool['launch']>;
const { prototype } = ProcessPool;

/** *Effect.* The worker of this process warms nothing for later any more once so many are warm or have their call. */
export function warmFor(calls: number | undefined): void {
  if (calls === undefined) return;
  const fill = Reflect.get(prototype, 'fill') as (this: Pool) => void;
  const launch = Reflect.get(prototype, 'launch') as Launch;
  let launched = 0;
  prototype.launch = function counted(this: Pool, job) {
    launched += 1;
    return launch.call(this, job);
  };
  prototype.fill = function asFarAsNeeded(this: Pool) {
    // Whoever waits gets a process, as ever: a call too many is slow, and not lost.
    if (this.waitingCount > 0 || launched + this.warmCount < calls) fill.call(this);
  };
}
