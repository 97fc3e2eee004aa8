/**
 * Everything of ours that is put on an AgentSession: observers and guards. Nothing else touches it, so whoever wants to
 * know what Lastword does to a healthy session attaches this, and nothing more.
 */
import { voice } from '@livekit/agents';
import { guardAgent } from './guard/agent.ts';
import { guardListeners } from './guard/listeners.ts';
import { guardRecognition } from './guard/recognition.ts';
import { guardTools } from './guard/tools.ts';
import { guardToolsets } from './guard/toolset.ts';
import type { LiveJob } from './live-job.ts';
import { noteError } from './note-error.ts';
import { observeAgentSession } from './observe/agent-session.ts';
import { watchModels } from './observe/models.ts';
import { overhear } from './observe/overhear.ts';
import { type FirstSound, Playout } from './observe/playout.ts';
import { HeardWords } from './observe/heard-words.ts';
import { pipelineOf } from './observe/pipeline.ts';
import { Requests } from './observe/requests.ts';

/** After the session is made and before it starts. */
export function attachTo(job: LiveJob, session: voice.AgentSession, agent: voice.Agent): void {
  job.session = session;
  job.requests = new Requests(job);
  followOutput(job, session);
  guardListeners(job, session);
  observeAgentSession(job, session);
  watchModels(job, { llm: session.llm, tts: session.tts, stt: session.stt });
  guardRecognition(job, session.stt);
  guardTools(job, session);
  guardToolsets(job, session.toolCtx.toolsets);
  guardAgent(job, agent);
  job.ownEnds.take(session);
  const clearUserTurn = session.clearUserTurn.bind(session);
  session.clearUserTurn = () => {
    clearUserTurn();
    job.turns.answerRefused(); // what was said is thrown away: nobody waits for an answer to it
  };
}

/** Whatever it speaks through, from now on. Does nothing when it is followed already. */
export function followOutput(job: LiveJob, session: voice.AgentSession): void {
  if (job.playout) return;
  // Whatever is said is the end of a filler; an apology is not one.
  const begins = ({ isOurs, handle }: Pick<FirstSound, 'isOurs' | 'handle'>) => {
    if (!job.run.hasTag('leaving')) job.venue.hush();
    if (!isOurs) job.told?.heard(handle);
    job.turns.audible(isOurs);
  };
  const words = (job.words = new HeardWords(job.recorder, () => ({
    handle: playout.speaking(),
    agent: agentOf(session)?.id,
  })));
  const playout = new Playout(session, job.definition.policy.rungMs, {
    audible: begins,
    written: (first) => {
      begins(first);
      setImmediate(() => job.turns.agentHeard(false)); // out with its first text
    },
    heard: (isHeard) => {
      job.quietSince = isHeard ? undefined : performance.now();
      job.turns.agentHeard(isHeard, isPaused(session));
    },
    sounding: (segment, isSounding) => words.sounding(segment, isSounding),
    switched: () => job.turns.tell({ fact: 'pipeline', ...pipelineOf(session) }),
    silent: (ms) => {
      const message = `${ms} ms were played, and nothing in them could be heard`;
      job.recorder.append('error', { component: 'tts', message, recoverable: true });
      job.failedProvider = `tts: ${message}`;
    },
    failed: (error) => noteError(job, 'orchestrator', error, true, 'an audio output cannot be followed'),
  });
  job.playout = playout;
  overhear(job).on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    if (newState === 'speaking') playout.spoke();
  });
}

/** The SDK's `currentAgent` throws while no agent runs. */
const agentOf = (session: voice.AgentSession): voice.Agent | undefined => {
  try {
    return session.currentAgent;
  } catch {
    return undefined;
  }
};

/** Cut by what may have been an interruption: it goes on, or is dropped. */
const isPaused = (session: voice.AgentSession): boolean =>
  (session as unknown as { _activity?: { pausedSpeech?: unknown } })._activity?.pausedSpeech !== undefined;
