/**
 * All events of the AgentSession, as machine events and journal entries.
 *
 *   A1  Every listener is guarded: one that throws inside a timer kills the process (fault A4).
 *   A2  `close` is a hint, never the only way on; after our own close it says nothing new.
 *   A3  From the end on no new speech starts but ours (`held-back`): it would follow the goodbye, or double it.
 */
import { voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import type { Json, ModelUsage } from '../../journal/entry.ts';
import { messageOf } from '../../session/deadline.ts';
import { guardAgent } from '../guard/agent.ts';
import type { LiveJob } from '../live-job.ts';
import { itemOf } from './items.ts';
import { pipelineOf } from './pipeline.ts';
import { Speeches } from './speeches.ts';

const { AgentSessionEventTypes: Event } = voice;
const failed: string = voice.CloseReason.ERROR;
type ProviderError = voice.ErrorEvent['error'];

/** Which model it was, and what it said; the interruption detector's error is one itself, the others hold one. */
const reasonOf = (given: ProviderError): { component: string; cause: Error } =>
  'error' in given
    ? { component: given.type.replace(/_error$/, '').replace('realtime_model', 'llm'), cause: given.error }
    : { component: 'interruption', cause: given };

export function observeAgentSession(job: LiveJob, session: voice.AgentSession): void {
  const { recorder, run, turns, log } = job;
  const speeches = new Speeches(job, session);
  job.told = speeches;
  const guarded =
    <Arguments extends unknown[]>(listen: (...given: Arguments) => void) =>
    (...given: Arguments): void => {
      try {
        listen(...given);
      } catch (error) {
        recorder.append('error', { component: 'orchestrator', message: messageOf(error), recoverable: true });
      }
    };

  session.on(
    Event.UserInputTranscribed,
    guarded((event) => {
      if (event.transcript.trim() === '') return;
      turns.tell({ fact: 'caller.words' });
    }),
  );
  session.on(
    Event.UserStateChanged,
    guarded((event) => {
      if (run.hasTag('leaving')) return; // the SDK tells of it up to 15 s after the end
      turns.tell({ fact: 'pipeline', ...pipelineOf(session) });
      turns.userState(event.newState);
      if (event.newState === 'speaking') job.venue.hush(); // no filler over their words
    }),
  );
  session.on(
    Event.ConversationItemAdded,
    guarded(({ item }) => {
      recorder.append('item', itemOf(item, session));
      // Fires before the new agent starts, so its onEnter is guarded too (sdk-facts, 12).
      if (item.type !== 'agent_handoff' || !session.currentAgent) return;
      guardAgent(job, session.currentAgent);
      speeches.agentChanged(session.currentAgent);
      turns.tell({ fact: 'pipeline', ...pipelineOf(session) });
    }),
  );
  session.on(
    Event.SessionUsageUpdated,
    guarded(({ usage }) =>
      recorder.append('usage', {
        models: usage.modelUsage.map((each) => usageOf(each as Record<string, Json>, session)),
      }),
    ),
  );
  session.on(
    Event.AgentFalseInterruption,
    guarded(({ resumed }) => recorder.append('log', { level: 'info', message: 'false interruption', resumed })),
  );
  session.on(
    Event.SpeechCreated,
    guarded(({ speechHandle, source }) => {
      job.speeches.add(speechHandle);
      speechHandle.addDoneCallback(() => job.speeches.delete(speechHandle));
      if (job.playout?.isAsking) return;
      if (!run.hasTag('leaving')) return speeches.made(speechHandle, source);
      recorder.append('log', { level: 'info', message: 'speech held back: the session is ending', source }); // A3
      speechHandle.interrupt(true);
    }),
  );
  session.on(
    Event.FunctionToolsExecuted,
    guarded(() => speeches.toolsExecuted()),
  );
  session.on(
    Event.Error,
    guarded(({ error }) => {
      const { component, cause } = reasonOf(error);
      recorder.append('error', {
        component,
        message: messageOf(cause),
        label: 'label' in error ? error.label : component,
        recoverable: error.recoverable,
        ...('statusCode' in cause && { code: String(cause.statusCode) }),
      });
      if (!error.recoverable) {
        job.failedProvider = `${component}: ${messageOf(cause)}`;
        speeches.failed(job.failedProvider);
      }
      log.warn({ component, recoverable: error.recoverable, error: messageOf(cause) }, 'a provider failed');
    }),
  );
  session.on(
    Event.Close,
    guarded(({ reason, error }) => {
      if (run.hasTag('leaving')) return; // A2
      if (error !== null || reason === failed) {
        const failure = error ? reasonOf(error) : undefined;
        const detail = failure
          ? `${failure.component}: ${messageOf(failure.cause)}`
          : 'the agent session closed with an error';
        run.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', detail) });
      } else {
        // By a door that own-ends.ts does not hold: an end like any other, with what is left of it.
        run.send({ type: 'session.end', end: endOf('agent', 'agent_ended', 'none', reason), drain: false });
      }
    }),
  );
}

/** The SDK counts a TTS that does not stream twice: adapter and inner model both report (sdk-facts, 2.7). */
const usageOf = (usage: Record<string, Json>, session: voice.AgentSession): ModelUsage => {
  const isTwice = usage['type'] === 'tts_usage' && session.tts?.capabilities.streaming === false;
  const measures = Object.entries(usage).map(([name, value]) => [
    name,
    isTwice && typeof value === 'number' ? value / 2 : value,
  ]);
  return Object.fromEntries(measures) as ModelUsage;
};
