/**
 * All events of the AgentSession, as machine events and journal entries.
 *
 *   A1  Every listener is guarded: one that throws inside a timer kills the process (fault A4).
 *   A2  `close` is a hint, never the only way on; after our own close it says nothing new.
 *   A3  From the end on no new speech starts but ours (`held-back`): it would follow the goodbye, or double it.
 */
import { type llm, voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import { guardAgent } from '../guard/agent.ts';
import type { LiveJob } from '../live-job.ts';
import { isToolItem, recordItem } from './items.ts';
import { overhear } from './overhear.ts';
import { pipelineOf } from './pipeline.ts';
import { replaceMethod } from './replace-method.ts';
import { Speeches } from './speeches.ts';
import { Usage } from './usage.ts';

const { AgentSessionEventTypes: Event } = voice;
const failed: string = voice.CloseReason.ERROR;
type ProviderError = voice.ErrorEvent['error'];

/** Which model it was, and what it said; the interruption detector's error is one itself, the others hold one. */
const reasonOf = (given: ProviderError): { component: string; cause: Error } =>
  'error' in given
    ? { component: given.type.replace(/_error$/, '').replace('realtime_model', 'llm'), cause: given.error }
    : { component: 'interruption', cause: given };

/** The provider says no (a key, a request that it does not take), and would say it again. */
const isRefusal = (cause: Error): boolean => 'retryable' in cause && cause.retryable === false;

export function observeAgentSession(job: LiveJob, session: voice.AgentSession): void {
  const { recorder, run, turns, log } = job;
  const speeches = new Speeches(job, session);
  job.told = speeches;
  const usage = new Usage(session);
  const ears = overhear(job);
  const guarded =
    <Arguments extends unknown[]>(listen: (...given: Arguments) => void) =>
    (...given: Arguments): void => {
      try {
        listen(...given);
      } catch (error) {
        recorder.append('error', { component: 'orchestrator', message: messageOf(error), recoverable: true });
      }
    };
  const isElsewherePossible = (cause: Error) => job.goesElsewhere !== undefined && !isRefusal(cause);
  // Its hooks and the user's `close` are not run: the call is not over (act/mend.ts).
  const lost = (detail: string) => {
    job.isSessionLost = true;
    run.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', detail), isMendable: true });
  };

  ears.on(
    Event.UserInputTranscribed,
    guarded((event) => {
      const { transcript: text, isFinal, itemId: item, language, speakerId: speaker } = event;
      if (text.trim() === '') return;
      if (isFinal)
        recorder.append('transcript', {
          text,
          ...(item !== null && { item }),
          ...(language !== null && { language }),
          ...(speaker !== null && { speaker }),
        });
      turns.tell({ fact: 'caller.words' });
    }),
  );
  ears.on(
    Event.UserStateChanged,
    guarded((event) => {
      if (run.hasTag('leaving')) return; // the SDK tells of it up to 15 s after the end
      const [was, is] = [event.oldState === 'speaking', event.newState === 'speaking'];
      if (was !== is) recorder.append('audible', { who: 'caller', change: is ? 'begins' : 'ends' });
      turns.tell({ fact: 'pipeline', ...pipelineOf(session) });
      turns.userState(event.newState);
      if (event.newState === 'speaking') job.venue.hush(); // no filler over their words
    }),
  );
  ears.on(
    Event.ConversationItemAdded,
    guarded(({ item }) => {
      const isSaid = item.type === 'message' && item.role === 'assistant';
      recordItem(job, item, session, isSaid ? job.words?.committed(item) : undefined);
      job.snapshots?.take();
      // Fires before the new agent starts, so its onEnter is guarded too (sdk-facts, 12).
      if (item.type !== 'agent_handoff' || !session.currentAgent) return;
      guardAgent(job, session.currentAgent);
      usage.look();
      speeches.agentChanged(session.currentAgent);
      turns.tell({ fact: 'pipeline', ...pipelineOf(session) });
    }),
  );
  // Of these there is no event before all tools of a reply have run.
  const added = guarded((items: readonly llm.ChatItem[]) => {
    for (const item of items) if (isToolItem(item)) recordItem(job, item, session);
  });
  replaceMethod(session, '_toolItemsAdded', ([items], add) => {
    const result = add();
    added(items as llm.ChatItem[]);
    return result;
  });
  ears.on(
    Event.MetricsCollected,
    guarded(({ metrics }) => {
      const models = usage.add(metrics);
      if (models) recorder.append('usage', { models });
    }),
  );
  ears.on(
    Event.AgentFalseInterruption,
    guarded(({ resumed }) => recorder.append('log', { level: 'info', message: 'false interruption', resumed })),
  );
  ears.on(
    Event.SpeechCreated,
    guarded(({ speechHandle, source }) => {
      job.speeches.add(speechHandle);
      speechHandle.addDoneCallback(() => job.speeches.delete(speechHandle));
      if (job.playout?.isAsking) return;
      const isEntering = job.entering.getStore()?.isOn === true;
      if (!run.hasTag('leaving') && !isEntering) return speeches.made(speechHandle, source);
      const why = isEntering ? 'the call goes on after a crash' : 'the session is ending';
      recorder.append('log', { level: 'info', message: `speech held back: ${why}`, source }); // A3
      speechHandle.interrupt(true);
    }),
  );
  ears.on(
    Event.FunctionToolsExecuted,
    guarded(() => speeches.toolsExecuted()),
  );
  ears.on(
    Event.Error,
    guarded(({ error }) => {
      const { component, cause } = reasonOf(error);
      const isOpenedAgain =
        component === 'stt' &&
        !error.recoverable &&
        job.guarded.ears?.opensAgain(messageOf(cause), isRefusal(cause)) === true;
      const isLost =
        'type' in error && error.type === 'realtime_model_error' && !error.recoverable && isElsewherePossible(cause);
      if (isOpenedAgain || isLost) job.guarded.withheld.add(error);
      const recoverable = error.recoverable || isOpenedAgain;
      recorder.append('error', {
        component,
        message: messageOf(cause),
        label: 'label' in error ? error.label : component,
        recoverable,
        ...('statusCode' in cause && { code: String(cause.statusCode) }),
      });
      if (!recoverable) {
        job.failedProvider = `${component}: ${messageOf(cause)}`;
        if (isLost) lost(job.failedProvider);
        else speeches.failed(job.failedProvider, isRefusal(cause));
      }
      log.warn({ component, recoverable, error: messageOf(cause) }, 'a provider failed');
    }),
  );
  // Told after the listeners of `error`.
  replaceMethod(session, '_onError', ([error], close) => {
    if (!job.guarded.withheld.has(error as object)) close();
  });
  ears.on(
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
