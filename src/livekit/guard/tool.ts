/**
 * One tool, guarded: its start is durable before it runs (a crash then reports it as unknown, not as never asked), its
 * end is journaled, and one that hangs is given up after `toolMs` with an error that the model can speak about.
 *
 *   T1  The deadline pauses while an AgentTask that the tool awaits is at work, or a transfer: the one is a conversation,
 *       the other has a limit of its own.
 *       Once the caller is let go nobody waits for an answer any more, and the SDK's close() would.
 *   T2  ToolError and StopResponse pass through as they are; they are answers.
 *   T3  A late result changes nothing and is in the journal.
 *   T4  Of a handoff the journal has the agent's name: the object holds the models, and with them their keys.
 */
import { llm, voice } from '@livekit/agents';
import type { Json } from '../../journal/entry.ts';
import { messageOf, settledWithin } from '../../session/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { isTaskAtWork, settledUnlessLetGo } from './patience.ts';

type Tool = ReturnType<llm.ToolContext['flatten']>[number] & llm.FunctionTool<never>;
const known = new WeakSet<object>();

export function guardTool(job: LiveJob, tool: llm.FunctionTool<never, never> | Tool, agentId: () => string): void {
  if (known.has(tool)) return;
  known.add(tool);
  const { execute, name } = tool as Tool;
  let running = 0;

  const guarded = async (args: never, options: never): Promise<unknown> => {
    const { recorder, turns } = job;
    const { toolCallId } = options as { toolCallId?: string };
    const call = toolCallId ?? `${name}#${(running += 1)}`;
    const begun = Date.now();
    const asking = job.session?.currentAgent;
    const note = (status: 'settled' | 'failed' | 'abandoned', more: { output?: Json; error?: string } = {}) =>
      recorder.append('tool', { call, name, status, agent: agentId(), ms: Date.now() - begun, ...more });

    recorder.append('tool', { call, name, status: 'started', agent: agentId(), args: args as Json });
    await settledWithin(recorder.durable(), 200); // a slow disk may not hold up the caller
    let isGivenUp = false;
    const work = (async () => execute.call(tool, args, options))();
    // The machine wants to know of the first of several tools, and of the last.
    job.tools.add(work);
    if (job.tools.size === 1) job.run.send({ type: 'tool.started' });
    work.then(
      (output) =>
        isGivenUp &&
        recorder.append('log', {
          level: 'warn',
          message: 'a tool settled after it was given up',
          call,
          name,
          output: shownOf(output),
        }),
      () => {},
    );
    try {
      const output = await withLimit(job, work, asking, name, (error) => {
        isGivenUp = true;
        note('abandoned', { error });
      });
      note('settled', { output: shownOf(output) });
      if (output === undefined) turns.answeredBySilence(); // the SDK asks for no reply then
      return output;
    } catch (error) {
      if (error instanceof voice.StopResponse) {
        note('settled');
        turns.answeredBySilence();
      } else if (!isGivenUp) {
        note('failed', { error: messageOf(error) });
        if (!(error instanceof llm.ToolError)) job.log.error({ tool: name, error: messageOf(error) }, 'a tool failed');
      }
      throw error;
    } finally {
      job.tools.delete(work);
      if (job.tools.size === 0) job.run.send({ type: 'tool.ended' });
    }
  };
  (tool as { execute: unknown }).execute = guarded;
}

async function withLimit(
  job: LiveJob,
  work: Promise<unknown>,
  asking: voice.Agent | undefined,
  name: string,
  giveUp: (why: string) => void,
): Promise<unknown> {
  const { toolMs: limitMs } = job.definition.policy;
  const outcome = await settledUnlessLetGo(job, work, {
    limitMs,
    graceMs: 0,
    isOnItsOwn: () => !isTaskAtWork(job, asking) && !job.transfer, // T1
  });
  if (outcome.kind === 'settled') return outcome.value;
  if (outcome.kind === 'failed') throw outcome.error;
  giveUp(outcome.isLetGo ? 'the call ended before it answered' : `no answer within ${limitMs} ms`);
  throw new llm.ToolError(`${name} gave no answer in time`);
}

/** What the journal keeps of a result. */
const shownOf = (output: unknown): Json => {
  if (typeof output !== 'object' || output === null || !('agent' in output)) return output as Json;
  if (!(output.agent instanceof voice.Agent)) return output as Json;
  const { returns } = output as { returns?: unknown };
  return { handoff: output.agent.id, ...(returns !== undefined && { returns: returns as Json }) }; // T4
};
