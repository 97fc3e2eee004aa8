/**
 * One execution of a tool, guarded: its start is durable before it runs (a crash then reports it as unknown, not as
 * never asked), its end is journaled, and one that hangs is given up after `toolMs` with an error that the model can
 * speak about.
 *
 *   T1  The deadline pauses while an AgentTask that the tool awaits is at work, or a transfer: the one is a conversation,
 *       the other has a limit of its own.
 *       Once the caller is let go nobody waits for an answer any more, and the SDK's close() would.
 *   T2  ToolError and StopResponse pass through as they are; they are answers.
 *   T3  A late result changes nothing and is in the journal.
 *   T4  Of a handoff the journal has the agent's name: the object holds the models, and with them their keys.
 *   T5  The model gets its result, and whoever throws is answered by an error: the SDK says nothing at all to the model
 *       of a BigInt or of an object without a prototype, and `{}` of a Map.
 *   T6  A tool is at work for the caller as long as the SDK waits for it: until it settles, until its first `ctx.update`
 *       (from there on it is in the background, bounded by the call), or until the caller interrupts.
 *   T8  Nobody waits for a reply to a tool that ended the call, or that ended after it.
 *   T9  What it answers goes on its way at once: a reply that the SDK breaks off in a handoff keeps the answer of a tool
 *       that fails there only if no more than a few turns of the microtask queue lie between the two.
 *   T7  Some models count their calls from one in each answer, so a call's id alone does not tell two of them apart.
 */
import { llm, voice } from '@livekit/agents';
import type { Json } from '../../journal/entry.ts';
import { toJson } from '../../journal/json.ts';
import { isA, messageOf } from '../../errors/thrown.ts';
import { settledWithin, stopwatch } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { awaitedByCall } from '../current-call.ts';
import { isTaskAtWork, unlessLate } from './patience.ts';

/** What the SDK's executor is asked to run. */
export type Request = Parameters<llm.AsyncToolset['_executor']['execute']>[0];
/** What was asked for under each call's id: how often, and whether the last of them was run. */
export type CallsAsked = Map<string, { count: number; hasRun: boolean }>;

/** A slow disk may not hold up the caller. */
const DURABLE_MS = 200;

/** `run` is the SDK's own; what it returns is passed on untouched. */
export function execute(
  job: LiveJob,
  calls: CallsAsked,
  request: Request,
  run: (request: Request) => Promise<unknown>,
): Promise<unknown> {
  const { tool, runCtx } = request;
  const { recorder } = job;
  const { callId, name, extra } = runCtx.functionCall;
  const asking = job.session?.currentAgent;
  const agent = asking && { agent: asking.id };
  const asked = { count: (calls.get(callId)?.count ?? 0) + 1, hasRun: false };
  calls.set(callId, asked);
  const call = asked.count === 1 ? callId : `${callId}#${asked.count}`; // T7
  let isBackground = false;
  /** While it runs. */
  let toBackground: (() => void) | undefined;

  const guarded: Request['tool']['execute'] = async (args, options) => {
    asked.hasRun = true;
    const elapsed = stopwatch();
    const note = (status: 'settled' | 'failed' | 'abandoned', more: { output?: Json; error?: string } = {}) => {
      toBackground = undefined;
      const ended = { call, name, status, ms: elapsed(), ...agent, ...more };
      recorder.append('tool', isBackground ? { ...ended, isBackground } : ended);
      if (isBackground) job.turns.tell({ fact: 'work.ended', tool: call });
    };
    toBackground = () => {
      isBackground = true;
      recorder.append('tool', { call, name, status: 'started', ...agent, isBackground });
      job.turns.tell({ fact: 'work.began', tool: call });
    };
    recorder.append('tool', { call, name, status: 'started', ...agent, args: args as Json });
    await settledWithin(recorder.durable(), DURABLE_MS);

    let isGivenUp = false;
    const perform = () => tool.execute(args, options);
    const work = awaitedByCall(job.call, () => job.ownEnds.runs(tool, perform));
    const { toolMs: limitMs } = job.definition.policy;
    const patience = {
      limitMs,
      graceMs: 0,
      isOnItsOwn: () => !isBackground && !isTaskAtWork(job, asking) && !job.transfer,
    }; // T1, T6
    const failed = (error: unknown, isCancelled: boolean) => {
      if (isA(error, voice.StopResponse)) return note('settled');
      note(isCancelled ? 'abandoned' : 'failed', { error: messageOf(error) });
      if (!isCancelled && !isA(error, llm.ToolError))
        job.log.error({ tool: name, error: messageOf(error) }, 'a tool failed');
    };
    const late = (isLetGo: boolean) => {
      isGivenUp = true;
      note('abandoned', { error: isLetGo ? 'the call ended before it answered' : `no answer within ${limitMs} ms` });
      return new llm.ToolError(`${name} gave no answer in time`);
    };
    const answered = work.then(
      (output) => {
        const shown = shownOf(output);
        const message = 'a tool settled after it was given up';
        if (isGivenUp) recorder.append('log', { level: 'warn', message, call, name, output: shown }); // T3
        else note('settled', { output: shown });
        return job.ownEnds.isAsked ? undefined : asTheModelTakesIt(output); // T8
      },
      (error: unknown) => {
        if (!isGivenUp) failed(error, options.abortSignal?.aborted);
        throw asTheSdkTakesIt(error);
      },
    );
    return unlessLate(job, answered, patience, late); // T9
  };

  const awaited = run({ ...request, tool: withExecute(tool, guarded) });
  job.tools.add(awaited);
  job.turns.tell({ fact: 'tool.started', tool: call });
  const released = () => {
    job.tools.delete(awaited);
    job.turns.tell({ fact: 'tool.ended', tool: call });
    if (extra['__livekit_agents_tool_non_blocking'] === true) toBackground?.();
  };
  awaited.then(released, released);
  return awaited;
}

/** What the executor reads of a tool. The tool itself may be frozen, or have private fields that only it can reach. */
const withExecute = (tool: Request['tool'], value: Request['tool']['execute']): Request['tool'] =>
  Object.create(tool, {
    execute: { value },
    flags: { value: tool.flags },
    onDuplicate: { value: tool.onDuplicate },
  }) as Request['tool'];

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
