/** What an agent file asks for, told to whoever started it to look at it (`lastword doctor FILE`), and no worker starts. */
import { availableParallelism } from 'node:os';
import type { Policy } from '../../machines/index.ts';
import { configuredDestinations, type Configured } from '../delivery/configured.ts';
import type { Defined } from '../livekit/definition.ts';
import { orRefuse } from './refuse.ts';
import { CALLS_PER_CORE, type WorkerOptions } from './worker-options.ts';

/** In the environment of a process that was started to be looked at. */
export const DESCRIBE = 'LASTWORD_DESCRIBE';

export type Description = Configured & { policy: Policy; agentName: string; maxCalls: number };

/** *Effect.* Says it over the channel, and ends the process. */
export function describe(definition: Defined, { agentName, maxCalls }: WorkerOptions): void {
  const { env } = process;
  const description: Description = {
    ...orRefuse(() => configuredDestinations(definition, env)),
    policy: definition.policy,
    agentName: agentName ?? env['LIVEKIT_AGENT_NAME'] ?? '',
    maxCalls: maxCalls ?? CALLS_PER_CORE * availableParallelism(),
  };
  process.send?.(description, () => process.exit(0));
}
