/**
 * Everything of ours that is put on an AgentSession: observers and guards. Nothing else touches it, so whoever wants to
 * know what Lastword does to a healthy session attaches this, and nothing more.
 */
import type { voice } from '@livekit/agents';
import { guardAgent } from './guard/agent.ts';
import { guardListeners } from './guard/listeners.ts';
import { guardRecognition } from './guard/recognition.ts';
import { guardTools } from './guard/tools.ts';
import { guardToolsets } from './guard/toolset.ts';
import type { LiveJob } from './live-job.ts';
import { observeAgentSession } from './observe/agent-session.ts';
import { watchModels } from './observe/models.ts';
import { Playout } from './observe/playout.ts';

/** After the session is made and before it starts. */
export function attachTo(job: LiveJob, session: voice.AgentSession, agent: voice.Agent): void {
  job.session = session;
  guardListeners(job, session);
  observeAgentSession(job, session);
  watchModels(job, { llm: session.llm, tts: session.tts, stt: session.stt });
  guardRecognition(job, session.stt);
  guardTools(job, session);
  guardToolsets(job, session.toolCtx.toolsets);
  guardAgent(job, agent);
}

/** As soon as there is an output; does nothing when it is followed already. */
export function followOutput(job: LiveJob, session: voice.AgentSession): void {
  const output = session.output.audio;
  if (!output || job.playout) return;
  job.playout = new Playout(session, output, {
    audible: (isOurs) => {
      // The answer is here: the filler stops, an apology does not.
      if (!isOurs && !job.run.hasTag('leaving')) job.venue.hush();
      job.told?.heard(undefined);
      job.turns.audible(isOurs);
    },
    silent: (ms) => {
      const message = `${ms} ms were played, and nothing in them could be heard`;
      job.recorder.append('error', { component: 'tts', message, recoverable: true });
      job.failedProvider = `tts: ${message}`;
    },
  });
}
