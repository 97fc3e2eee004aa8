/** What the pipeline of the agent that is at work can do: a handoff, an output that is switched off, may change it. */
import { llm, type stt, type voice } from '@livekit/agents';
import type { Pipeline } from '../../../machines/index.ts';

type Activity = {
  llm?: llm.LLM | llm.RealtimeModel;
  tts?: unknown;
  stt?: stt.STT;
  vad?: unknown;
  turnDetection?: unknown;
  endpointingOpts?: { maxDelay?: number };
};

/** Reads only. Where nothing is known the defaults of a pipeline of three models are meant. */
export function pipelineOf(session: voice.AgentSession): Pipeline {
  const activity = (session as unknown as { _activity?: Activity })._activity;
  const { sessionOptions } = session as unknown as {
    sessionOptions: { turnHandling?: { endpointing?: { maxDelay?: number } } };
  };
  const model = activity ? activity.llm : session.llm;
  const isRealtime = model instanceof llm.RealtimeModel;
  const decidesItself = isRealtime && model.capabilities.turnDetection && activity?.turnDetection !== 'manual';
  const { output } = session;
  const ears = activity ? activity.stt : session.stt;
  const listens = Boolean(ears ?? activity?.vad) || (isRealtime && model.capabilities.turnDetection);
  const canSpeak = Boolean(activity ? activity.tts : session.tts) || (isRealtime && model.capabilities.audioOutput);
  const maxDelay = activity?.endpointingOpts?.maxDelay ?? sessionOptions.turnHandling?.endpointing?.maxDelay;
  return {
    answersTurns: model !== undefined,
    isAudible: canSpeak && output.audio !== null && output.audio !== undefined && output.audioEnabled,
    findsTurns: decidesItself || (activity?.turnDetection !== 'manual' && ears !== undefined),
    hearsCaller: activity?.turnDetection !== 'manual' || listens,
    endpointingMs: decidesItself ? null : (maxDelay ?? 3000),
  };
}
