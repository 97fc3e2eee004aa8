/**
 * One tool, guarded: its start is durable before it runs (a crash then reports it as unknown, not as never asked), its
 * end is journaled, and one that hangs is given up after `toolMs` with an error that the model can speak about.
 *
 *   T1  The deadline pauses while an AgentTask that the tool awaits is at work: that is a conversation.
 *   T2  ToolError and StopResponse pass through as they are; they are answers.
 *   T3  A late result changes nothing and is in the journal.
 */
import { llm, voice } from '@livekit/agents';
import type { Json } from '../../journal/entry.ts';
import { messageOf, settledWithin } from '../../session/deadline.ts';
import type { LiveJob } from '../live-job.ts';

type Tool = ReturnType<llm.ToolContext['flatten']>[number] & llm.FunctionTool<never>;
const known = new WeakSet<object>();

export function guardTool(job: LiveJob, tool: llm.FunctionTool<never, never> | Tool, agentId: () => string): void {
  if (known.has(tool)) return;
  known.add(tool);
  const { execute, name } = tool as Tool;
  let running = 0;

  const guarded = async (args: never, options: never): Promise<unknown> => {
    const { recorder, definition, turns } = job;
    const { toolCallId } = options as { toolCallId?: string };
    const call = toolCallId ?? `${name}#${(running += 1)}`;
    const begun = Date.now();
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
          output: output as Json,
        }),
      () => {},
    );
    try {
      const output = await withLimit(job, work, definition.policy.toolMs, name, () => {
        isGivenUp = true;
        note('abandoned', { error: `no answer within ${definition.policy.toolMs} ms` });
      });
      note('settled', { output: output as Json });
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
  limitMs: number,
  name: string,
  giveUp: () => void,
): Promise<unknown> {
  for (;;) {
    const outcome = await settledWithin(work, limitMs);
    if (outcome.kind === 'settled') return outcome.value;
    if (outcome.kind === 'failed') throw outcome.error;
    if (job.session?.currentAgent instanceof voice.AgentTask) continue; // T1
    giveUp();
    throw new llm.ToolError(`${name} gave no answer in time`);
  }
}
