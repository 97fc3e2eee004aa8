/**
 * The user's agent, guarded: each hook under a deadline, each failure seen, journaled and survived.
 *
 *   H1  Hooks are replaced on the instance, once; a handoff's agent is guarded before it starts.
 *   H2  onEnter's clock starts when a caller is there: a greeting parks until somebody subscribes.
 *   H3  StopResponse passes through: the agent chose silence, and nobody owes an answer.
 */
import { voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { settledWithin } from '../../session/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';
import { guardRecognition } from './recognition.ts';
import { guardTool } from './tool.ts';

const known = new WeakSet<voice.Agent>();

export function guardAgent(job: LiveJob, agent: voice.Agent): void {
  if (known.has(agent)) return; // H1
  known.add(agent);
  const { policy } = job.definition;
  guardRecognition(job, agent.stt);
  for (const tool of Object.values(agent.toolCtx.functionTools)) guardTool(job, tool, () => agent.id);

  const onEnter = agent.onEnter.bind(agent);
  const onExit = agent.onExit.bind(agent);
  const onUserTurnCompleted = agent.onUserTurnCompleted.bind(agent);
  const isEnding = () => job.run.hasTag('leaving');

  agent.onEnter = async () => {
    await job.venue.presence(job.letGo.signal).catch(() => {}); // H2
    const isOk = await bounded(job, 'onEnter', policy.toolMs, () => onEnter());
    const isGreeting =
      job.definition.greeting === 'agent' && job.run.leaves().some((leaf) => leaf.startsWith('live.greeting'));
    if (!isOk && isGreeting) {
      const end = endOf('system', 'startup_failed', 'application', 'onEnter failed before the greeting was heard');
      job.run.send({ type: 'session.failed', end });
    }
  };
  agent.onExit = async () => {
    // Part of the SDK's close(), which has its own limit: what is left of it must suffice for the rest.
    await bounded(job, 'onExit', isEnding() ? policy.closeMs / 3 : policy.toolMs, () => onExit());
  };
  agent.onUserTurnCompleted = async (context, message) => {
    let stop: unknown;
    await bounded(job, 'onUserTurnCompleted', policy.firstAudioMs, async () => {
      try {
        await onUserTurnCompleted(context, message);
      } catch (error) {
        if (!(error instanceof voice.StopResponse)) throw error;
        stop = error; // H3
      }
    });
    if (stop !== undefined) {
      job.turns.answeredBySilence();
      throw stop;
    }
  };
}

/** True when the hook did its work in time. Never rejects. */
async function bounded(job: LiveJob, hook: string, ms: number, run: () => unknown): Promise<boolean> {
  const outcome = await settledWithin((async () => run())(), ms);
  if (outcome.kind === 'settled') return true;
  const error =
    outcome.kind === 'failed'
      ? outcome.error
      : new Error(`${hook} did not settle within ${Math.round(ms)} ms; the call went on without it`);
  noteError(job, `hook ${hook}`, error);
  return false;
}
