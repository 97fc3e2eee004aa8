/**
 * Everything of ours that is put on an AgentSession: observers and guards. Nothing else touches it, so whoever wants to
 * know what Lastword does to a healthy session attaches this, and nothing more.
 */
import { voice } from '@livekit/agents';
import { guardAgent } from './guard/agent.ts';
import { guardListeners } from './guard/listeners.ts';
import { guardRecognition } from './guard/recognition.ts';
import type { LiveJob } from './live-job.ts';
import { noteError } from './note-error.ts';
import { observeAgentSession } from './observe/agent-session.ts';
import { watchModels } from './observe/models.ts';
import { Playout } from './observe/playout.ts';

/** After the session is made and before it starts. */
export function attachTo(job: LiveJob, session: voice.AgentSession, agent: voice.Agent): void {
  job.session = session;
  followOutput(job, session);
  guardListeners(job, session);
  observeAgentSession(job, session);
  watchModels(job, { llm: session.llm, tts: session.tts, stt: session.stt });
  guardRecognition(job, session.stt);
  guardAgent(job, agent);
}

/** Whatever it speaks through, from now on. Does nothing when it is followed already. */
export function followOutput(job: LiveJob, session: voice.AgentSession): void {
  if (job.playout) return;
  // The answer is here: the filler stops, an apology does not.
  const begins = (isOurs: boolean) => {
    if (!isOurs && !job.run.hasTag('leaving')) job.venue.hush();
    job.turns.audible(isOurs);
  };
  const playout = new Playout(session, job.definition.policy.rungMs, {
    audible: ({ isOurs }) => begins(isOurs),
    written: ({ isOurs }) => begins(isOurs),
    heard: (isHeard) => job.turns.agentHeard(isHeard),
    switched: (canBeHeard) => job.turns.voiceSwitched(canBeHeard),
    silent: (ms) => {
      const message = `${ms} ms were played, and nothing in them could be heard`;
      job.recorder.append('error', { component: 'tts', message, recoverable: true });
      job.failedProvider = `tts: ${message}`;
    },
    failed: (error) => noteError(job, 'orchestrator', error, true, 'an audio output cannot be followed'),
  });
  job.playout = playout;
  session.on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    if (newState === 'speaking') playout.spoke();
  });
}
