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
 *   T5  The model gets its result, and whoever throws is answered by an error: the SDK says nothing at all to the model
 *       of a BigInt or of an object without a prototype, and `{}` of a Map.
 */
import { llm, voice } from '@livekit/agents';
import type { Json } from '../../journal/entry.ts';
import { toJson } from '../../journal/json.ts';
import { isA, messageOf, settledWithin, stopwatch } from '../../session/deadline.ts';
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
    const { recorder } = job;
    const { toolCallId } = options as { toolCallId?: string };
    const call = toolCallId ?? `${name}#${(running += 1)}`;
    const elapsed = stopwatch();
    const asking = job.session?.currentAgent;
    const note = (status: 'settled' | 'failed' | 'abandoned', more: { output?: Json; error?: string } = {}) =>
      recorder.append('tool', { call, name, status, agent: agentId(), ms: elapsed(), ...more });

    recorder.append('tool', { call, name, status: 'started', agent: agentId(), args: args as Json });
    await settledWithin(recorder.durable(), 200); // a slow disk may not hold up the caller
    let isGivenUp = false;
    const work = (async () => execute.call(tool, args, options))();
    job.tools.add(work);
    job.turns.tell({ fact: 'tool.started', tool: call });
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
      return asTheModelTakesIt(output);
    } catch (error) {
      if (isA(error, voice.StopResponse)) {
        note('settled');
      } else if (!isGivenUp) {
        note('failed', { error: messageOf(error) });
        if (!isA(error, llm.ToolError)) job.log.error({ tool: name, error: messageOf(error) }, 'a tool failed');
      }
      throw asTheSdkTakesIt(error);
    } finally {
      job.tools.delete(work);
      job.turns.tell({ fact: 'tool.ended', tool: call });
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

/** T5. An error as it is, if it can be read. */
const asTheSdkTakesIt = (error: unknown): unknown => {
  try {
    if (error instanceof voice.StopResponse) return error;
    if (error instanceof Error && typeof error.message === 'string') return error;
  } catch {
    // it throws when it is looked at
  }
  return new Error(messageOf(error));
};

/** What the journal keeps of a result. */
const shownOf = (output: unknown): Json => {
  const handoff = handoffIn(output);
  if (!handoff) return output as Json;
  const { agent, returns } = handoff;
  return { handoff: agent.id, ...(returns !== undefined && { returns: returns as Json }) }; // T4
};

const handoffIn = (output: unknown): { agent: voice.Agent; returns?: unknown } | undefined => {
  try {
    const { agent } = output as { agent?: unknown };
    return agent instanceof voice.Agent ? (output as { agent: voice.Agent }) : undefined;
  } catch {
    return undefined; // undefined, null, a getter that throws
  }
};

/** T5. As it is where the SDK would hand it on, else as the JSON that comes nearest to it. */
const asTheModelTakesIt = (output: unknown): unknown => {
  if (output === undefined || isA(output, Error) || handoffIn(output)) return output;
  try {
    if (isPlain(output) && JSON.stringify(output) !== undefined) return output;
  } catch {
    // a cycle, or something in it that throws
  }
  return toJson(output);
};

/** Throws for a cycle, as what follows would. */
const isPlain = (value: unknown): boolean => {
  if (typeof value === 'bigint' || typeof value === 'symbol') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (!(value instanceof Object) || value instanceof Map || value instanceof Set) return false;
  return Object.values(value).every(isPlain);
};
