/** `defineSession`: what an agent file says, as the SDK takes it. */
import { defineAgent, type JobContext, type JobProcess } from '@livekit/agents';
import { checkDefinition, type SessionDefinition } from '../livekit/definition.ts';
import { dropNativeLog } from '../output/drop-native-log.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { addDefinition } from './definitions.ts';
import { runJob } from './run-job.ts';
import { WarmProcess } from './warm-process.ts';

// Below a keeper, and before the agent file itself prints anything.
if (process.env['LASTWORD_SOCKET'] !== undefined) surviveLostOutput();
dropNativeLog();

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
      warm.standBy(proc.userData);
      const { prewarm } = defined;
      if (prewarm) await warm.prewarm(() => prewarm(proc));
    },
    entry: async (context: JobContext) => runJob(context, defined, await warm.stepIn()),
  });
}
