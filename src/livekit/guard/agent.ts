/**
 * The user's agent, guarded: each hook under a deadline, each failure seen, journaled and survived.
 *
 *   H1  Hooks are replaced on the instance, once; a handoff's agent is guarded before it starts.
 *   H2  onEnter's clock starts when a caller is there: a greeting parks until somebody subscribes.
 *   H3  StopResponse passes through: the agent chose silence, and nobody owes an answer.
 *   H4  The deadline pauses while an AgentTask that the hook awaits is at work: to leave it would break the task off.
 *   H5  Once the caller is let go, what still runs has a third of `closeMs`: the SDK's close() waits for it.
 *   H6  After a crash the first agent enters without a word: it has greeted already, and the caller hears an excuse.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';
import { askLines } from '../of-call.ts';
import { bounded } from './patience.ts';
import { recordItem } from '../observe/items.ts';
import { watchModels } from '../observe/models.ts';
import { watchStream } from '../observe/watch-stream.ts';
import { guardHearing } from './hearing.ts';
import { guardRecognition } from './recognition.ts';
import { watchFirstWords } from './silence.ts';
import { guardToolsets, toolsetsIn } from './toolset.ts';

/** Of `turnMs`: a hook that hangs is left behind while there is patience for the answer. */
const HOOK_SHARE = 0.5;

export function guardAgent(job: LiveJob, agent: voice.Agent): void {
  if (job.guarded.agents.has(agent)) return; // H1
  const { policy } = job.definition;
  guardRecognition(job, agent.stt);
  guardHearing(job, agent);
  watchModels(job, { llm: agent.llm, tts: agent.tts, stt: agent.stt });
  guardToolsets(job, agent.toolCtx.toolsets, agent);

  const updateTools = agent.updateTools.bind(agent);
  agent.updateTools = (tools) => {
    guardToolsets(job, toolsetsIn(tools), agent); // what is new among them is set up in there
    return updateTools(tools);
  };
  const isHandoff = job.told?.hasAgent() === true;
  const onEnter = agent.onEnter.bind(agent);
  const onExit = agent.onExit.bind(agent);
  const onUserTurnCompleted = agent.onUserTurnCompleted.bind(agent);

  agent.onEnter = async () => {
    if (!isHandoff || !job.venue.isCallerThere()) {
      await job.venue.presence(job.letGo.signal).catch(() => {}); // H2
      if (!job.letGo.signal.aborted) await askLines(job); // whether this is the greeting
      await nextTurn(); // the machine knows by then that they are there
    }
    if (!isHandoff && !job.past && job.definition.greeting === 'agent') watchFirstWords(job);
    // Whose turn led to it waits for what it will say, and for no more.
    const ended = isHandoff ? job.turns.turnBegan() : () => {};
    job.told?.onceHeard(ended);
    const enter = () => bounded(job, agent, 'onEnter', policy.toolMs, () => onEnter());
    const isOk = !(await (job.past && !isHandoff ? quietlyEntered(job, enter) : enter()));
    setImmediate(ended);
    // Entered while the session still starts, it may fail before the greeting begins: nobody else greets.
    const isGreeting =
      !job.past && job.definition.greeting === 'agent' && job.run.hasTag('starting') && !job.run.hasTag('leaving');
    if (!isOk && isGreeting) {
      const end = endOf('system', 'startup_failed', 'application', 'onEnter failed before the greeting was heard');
      job.run.send({ type: 'session.failed', end });
    }
  };
  agent.onExit = async () => {
    await bounded(job, agent, 'onExit', policy.toolMs, () => onExit());
  };
  agent.onUserTurnCompleted = async (context, message) => {
    let stop: unknown;
    const ended = job.turns.turnBegan();
    await bounded(job, agent, 'onUserTurnCompleted', policy.turnMs * HOOK_SHARE, async () => {
      try {
        await onUserTurnCompleted(context, message);
      } catch (error) {
        if (!(error instanceof voice.StopResponse)) throw error;
        stop = error; // H3
      }
    });
    setImmediate(ended); // by then the SDK has scheduled the answer, if there is one
    // Of a turn that is not answered no item is made: what was said is in the report all the same.
    const isUnanswered = stop !== undefined || !job.turns.ledger.answersTurns;
    if (isUnanswered && job.session) recordItem(job, message, job.session);
    if (stop === undefined) return;
    job.turns.answerRefused();
    throw stop;
  };
  const llmNode = agent.llmNode.bind(agent);
  agent.llmNode = async (...given) => {
    job.told?.requested();
    const [context, tools] = given;
    quietly(job, () => job.requests?.made(agent.id, context, tools));
    const answer = await llmNode(...given);
    if (answer === null) job.told?.refused();
    const first = () => {
      job.told?.token();
      return 'enough' as const;
    };
    return answer && watchStream(answer, first);
  };
  const transcriptionNode = agent.transcriptionNode.bind(agent);
  agent.transcriptionNode = async (...given) => {
    const text = await transcriptionNode(...given);
    const words = job.words?.begins();
    if (!text || !words) return text;
    const read = (chunk: Parameters<typeof words.read>[0]) => {
      words.read(chunk);
      return 'on' as const;
    };
    return watchStream(text, read, () => words.over());
  };
}

/** H6. What the hook began goes on afterwards, and may speak then. */
async function quietlyEntered<Value>(job: LiveJob, enter: () => Promise<Value>): Promise<Value> {
  const entering = { isOn: true };
  return job.entering.run(entering, enter).finally(() => (entering.isOn = false));
}

/** What is only looked on at may fail: nobody misses it. */
function quietly(job: LiveJob, look: () => void): void {
  try {
    look();
  } catch (error) {
    noteError(job, 'orchestrator', error, true, 'what a model was asked cannot be told');
  }
}
