/** `defineSession`: what an agent file says, as the SDK takes it. */
import { defineAgent, type JobContext, type JobProcess, log as sdkLog } from '@livekit/agents';
import { checkDefinition, type SessionDefinition } from '../livekit/definition.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { addDefinition } from './definitions.ts';
import { runJob } from './run-job.ts';
import { WarmProcess } from './warm-process.ts';

/** Inside the worker's limit for import and prewarm (worker/serve.ts), after which it kills the process and starts another. */
const PREWARM_MS = 8000;

// Below a keeper, and before the agent file itself prints anything.
if (process.env['LASTWORD_SOCKET'] !== undefined) surviveLostOutput();

/**
 * Defines the session of this agent file; its result is the file's default export, in place of `defineAgent`'s.
 * One a file. @throws DefinitionError, PolicyError: what is wrong, field by field.
 */
export function defineSession(definition: SessionDefinition) {
  const defined = checkDefinition(definition);
  addDefinition(defined);
  const warm = new WarmProcess();
  return defineAgent({
    prewarm: async (proc: JobProcess) => {
      surviveLostOutput();
      warm.standBy();
      const { prewarm } = defined;
      if (!prewarm) return;
      const outcome = await settledWithin((async () => prewarm(proc))(), PREWARM_MS);
      if (outcome.kind === 'settled') return;
      const late = `prewarm did not settle within ${PREWARM_MS} ms`;
      // What was thrown may be `undefined`, and has to be remembered all the same.
      const error = new Error(outcome.kind === 'failed' ? messageOf(outcome.error) : late, { cause: outcome });
      sdkLog().error({ error: messageOf(error) }, 'prewarm failed; the next call of this process hears the apology');
      warm.prewarmFailure = error;
    },
    entry: async (context: JobContext) => runJob(context, defined, await warm.stepIn()),
  });
}
