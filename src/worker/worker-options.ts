/** What `runWorker` takes beside the agent, and what is refused of it. */
import { createServer } from 'node:net';
import type { JobRequest, ServerOptions, WorkerPermissions } from '@livekit/agents';
import { z } from 'zod';
import { expected, fields, take } from '../errors/expected.ts';
import { defaultKeep, type Keep } from '../link/keep.ts';
import type { Shutdown } from '../link/messages.ts';
import { refuse } from './refuse.ts';

export type WorkerOptions = {
  /** Named agents are dispatched by name; without a name every new room gets one. Default: LIVEKIT_AGENT_NAME, else none. */
  agentName?: string;
  /** Accept or reject by yourself. `accept()` asks the keeper first, and declines when it gives no answer in 2 s. Default: accept. */
  requestFunc?: (request: JobRequest) => Promise<void>;
  /** Health port, 1 to 65535. Default: LASTWORD_PORT, else 8081. */
  port?: number;
  /** What the agent may do in the room. Default: the SDK's, all but hiding. */
  permissions?: WorkerPermissions;
  /** Calls at once, a whole number above 0; load is counted in calls, not in CPU samples. Default: 10 for each core. */
  maxCalls?: number;
  /**
   * What SIGTERM means for running calls: `end` says goodbye now, `finish` lets them talk on until the budget
   * (`policy.shutdownBudgetMs`) is nearly spent, and then says goodbye. Default `end`.
   */
  shutdown?: Shutdown;
  /**
   * How long sealed sessions are kept: their journals, reports and deliveries. Default `{ days: 30, gigabytes: 10 }`.
   * Nothing goes that is not sealed, or not delivered yet.
   */
  keep?: Keep;
  /**
   * Everything else that the SDK's ServerOptions take. `numIdleProcesses`, the warm processes that wait for calls, is by
   * default 6 for each core, as far as `maxCalls` and a quarter of the memory allow.
   */
  server?: Partial<ConstructorParameters<typeof ServerOptions>[0]>;
};

/** An idle job takes about 140 MiB and a talking one a tenth of a core: measured on two cores. */
export const CALLS_PER_CORE = 10;

const callsExpected = expected('a whole number above 0', 'say how many calls this machine can hold');
const portExpected = expected('a port from 1 to 65535', 'leave it out for 8081');
const keepAdvice = `leave it out for ${defaultKeep.days} days and ${defaultKeep.gigabytes} gigabytes`;
const amount = z.custom<number>(
  (value) => Number.isFinite(value) && (value as number) > 0,
  expected('a number above 0', keepAdvice),
);
const checked = z.object({
  maxCalls: z.int(callsExpected).min(1, callsExpected).optional(),
  port: z.int(portExpected).min(1, portExpected).max(65_535, portExpected).optional(),
  shutdown: z.enum(['end', 'finish'], expected("'end' or 'finish'", "leave it out for 'end'")).optional(),
  keep: fields({ days: amount.optional(), gigabytes: amount.optional() }, { advice: keepAdvice }).optional(),
});

/** @throws ConfigError */
export const checkOptions = (options: WorkerOptions): void => void take(checked, options, '');

export const portFrom = (text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    refuse(`LASTWORD_PORT: expected a port from 1 to 65535, got "${text}"; leave it out for 8081`);
  return port;
};

export const portProblem = (port: number): Promise<string | undefined> =>
  new Promise((settle) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      settle(
        `port ${port}: expected it to be free for the health check, got ${error.code ?? error.message}; choose another one with \`port\` or LASTWORD_PORT`,
      ),
    );
    probe.listen(port, '0.0.0.0', () => probe.close(() => settle(undefined)));
  });
