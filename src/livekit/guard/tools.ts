/**
 * Every tool that the model can call, guarded at the one place through which each execution goes: the SDK's tool
 * executor. Whose a tool is (the agent's, the session's, of a toolset, added in the middle of the call, the SDK's own,
 * a mock) makes no difference there, and no object of the user's is changed.
 *
 *   G1  The executor's class is internal; an AsyncToolset holds one. It is of the same copy of the SDK as the session.
 *   G2  Other sessions in this process (a warm transfer's, another call's) are not ours: theirs go by untouched.
 *   G3  A reply to work in the background may be empty: the SDK's prompt tells the model so when it has said all of it.
 *   G4  What the SDK answers without running a tool (no such tool, wrong arguments, a duplicate) was called all the same.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { llm, voice } from '@livekit/agents';
import type { Json } from '../../journal/entry.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';
import { overhear } from '../observe/overhear.ts';
import { type CallsAsked, execute, type Request } from './tool.ts';

type Executor = {
  execute: (this: Executor, request: Request) => Promise<unknown>;
  /** Private: asks for the reply to what came from the background. */
  deliverReply?: (this: Executor, session: voice.AgentSession) => Promise<void>;
};

/** Before the session starts. */
export function guardTools(job: LiveJob, session: voice.AgentSession): void {
  const calls: CallsAsked = new Map();
  const delivering = new AsyncLocalStorage<{ isAsked: boolean }>();
  try {
    const seam = executorOf();
    const { execute: run, deliverReply } = seam;
    seam.execute = function (request) {
      const go = (with_: Request) => run.call(this, with_);
      return request.runCtx.session === session ? execute(job, calls, request, go) : go(request); // G2
    };
    if (deliverReply)
      seam.deliverReply = function (spoken) {
        const deliver = () => deliverReply.call(this, spoken);
        return spoken === session ? delivering.run({ isAsked: false }, deliver) : deliver();
      };
  } catch (error) {
    noteError(
      job,
      'orchestrator',
      error,
      true,
      'tools are not guarded: this version of @livekit/agents runs them otherwise',
    );
    return;
  }
  overhear(job).on(voice.AgentSessionEventTypes.FunctionToolsExecuted, ({ functionCalls, functionCallOutputs }) => {
    for (const [index, call] of functionCalls.entries()) {
      if (!calls.get(call.callId)?.hasRun) noteUnrun(job, call, functionCallOutputs[index]); // G4
    }
  });
  overhear(job).on(voice.AgentSessionEventTypes.SpeechCreated, ({ speechHandle }) => {
    const reply = delivering.getStore();
    if (!reply || reply.isAsked) return;
    reply.isAsked = true;
    job.told?.mayBeSilent(speechHandle); // G3
  });
}

function noteUnrun({ recorder }: LiveJob, call: llm.FunctionCall, answer: llm.FunctionCallOutput | undefined): void {
  const { callId, name, args } = call;
  const error = answer?.output ?? 'the SDK did not run it';
  recorder.append('tool', { call: callId, name, status: 'failed', args: parsed(args), error });
}

const parsed = (text: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
};

/** What all executors share. @throws when the SDK has none, or not where it was */
function executorOf(): Executor {
  const { _executor } = llm.AsyncToolset.create({ id: 'lastword', tools: [] }); // G1
  const seam = Object.getPrototypeOf(_executor) as Executor;
  if (typeof seam.execute !== 'function')
    throw new Error('expected the tool executor of @livekit/agents to have execute()');
  return seam;
}
