/** How much memory a job may take: from the options of the worker or the environment, told to its jobs by the latter. */
import { availableParallelism, totalmem } from 'node:os';
import { ConfigError, describeValue } from '../errors/config-error.ts';
import type { MemoryLimits } from '../livekit/observe/memory.ts';

/** The SDK's default. A job takes about 220 MiB (docs/benchmarks.md). */
const WARN_MB = 1000;
/** Of the limit, when no warning is given. */
const NEAR = 0.8;
/** Of a warm process; it grows when it talks. */
const WARM_MB = 200;
const WARM_SHARE = 0.25;
/** Half of the calls that a core can hold (worker/serve.ts) may come at the same moment, and some more. */
const WARM_PER_CORE = 6;
/** An apology and a hang-up have to fit between our limit and the SDK's, which kills. */
const KILL_AT = 1.5;
const names = { warnMB: 'LASTWORD_MEMORY_WARN_MB', limitMB: 'LASTWORD_MEMORY_LIMIT_MB' } as const;

/** @throws ConfigError for what is no number of MiB */
export function memoryLimits(
  env: NodeJS.ProcessEnv,
  given: { jobMemoryWarnMB?: number; jobMemoryLimitMB?: number } = {},
): MemoryLimits {
  const limitMB = checked('server.jobMemoryLimitMB', given.jobMemoryLimitMB) ?? read(env, names.limitMB) ?? 0;
  const near = limitMB > 0 ? NEAR * limitMB : WARN_MB;
  const warnMB = checked('server.jobMemoryWarnMB', given.jobMemoryWarnMB) ?? read(env, names.warnMB) ?? near;
  return { warnMB, limitMB };
}

/** What the jobs of this worker find in their environment. */
export const memoryEnvironment = ({ warnMB, limitMB }: MemoryLimits): Record<string, string> => ({
  [names.warnMB]: String(warnMB),
  [names.limitMB]: String(limitMB),
});

/** *Pure.* The SDK's own options; its 0 is no limit. */
export const sdkMemoryLimits = ({ warnMB, limitMB }: MemoryLimits) => ({
  jobMemoryWarnMB: warnMB,
  jobMemoryLimitMB: KILL_AT * limitMB,
});

/** How many processes wait for calls: as the memory of this machine or container allows, but not less than the SDK has. */
export function warmByDefault(
  maxCalls: number,
  cores = availableParallelism(),
  memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity),
): number {
  const fitting = Math.floor((WARM_SHARE * memoryBytes) / 2 ** 20 / WARM_MB);
  return Math.min(maxCalls, Math.max(Math.min(cores, 4), Math.min(WARM_PER_CORE * cores, fitting)));
}

function read(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  return text === undefined || text === '' ? undefined : checked(name, Number(text), text);
}

/** `given` is what stands there, where that is another thing than the value. */
function checked(field: string, value: number | undefined, given: unknown = value): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return value;
  throw new ConfigError({
    field,
    expected: 'a number of MiB, or 0 for none',
    got: describeValue(given),
    advice: 'leave it out for the default',
  });
}
