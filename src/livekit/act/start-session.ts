/**
 * The user's factories, the AgentSession, and everything that listens to it. One effect under one deadline: a factory
 * that hangs is left behind, and what it returns later is not used.
 */
import { voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { messageOf, unlessAborted } from '../../session/deadline.ts';
import type { EffectPort } from '../../session/run.ts';
import { attachTo } from '../attach.ts';
import { watchFirstWords, watchMicrophone } from '../guard/silence.ts';
import type { LiveJob } from '../live-job.ts';
import { noteFailedStart } from '../note-error.ts';
import { startProgram } from './start-program.ts';

export async function startSession(job: LiveJob, prewarmFailure: unknown, { signal }: EffectPort): Promise<void> {
  const { definition, call, venue } = job;
  const failed = (component: string) => (error: unknown) => {
    noteFailedStart(job, component, error);
    throw error;
  };
  if (prewarmFailure !== undefined) failed('prewarm')(prewarmFailure);
  if (definition.program) return startProgram(job, definition.program);

  const ask = async <Value>(
    component: string,
    make: (() => Value | Promise<Value>) | undefined,
    check: (value: Value) => string | undefined,
  ) => {
    if (!make) return undefined;
    const value = await unlessAborted((async () => make())(), signal).catch(failed(component));
    const wrong = check(value as Value);
    if (wrong !== undefined) failed(component)(new TypeError(wrong));
    return value as Value;
  };
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  const options = await ask('session', definition.session && (() => definition.session?.(call) ?? {}), (value) =>
    isObject(value) ? undefined : `session(call): expected options of voice.AgentSession, got ${typeof value}`,
  );
  const agent = await ask('agent', definition.agent && (() => definition.agent?.(call) as voice.Agent), (value) =>
    value instanceof voice.Agent
      ? undefined
      : `agent(call): expected your voice.Agent, got ${typeof value}; is there a second copy of @livekit/agents?`,
  );
  const start = await ask(
    'start',
    () => definition.start?.(call) ?? {},
    (value) =>
      isObject(value) ? undefined : `start(call): expected options of AgentSession.start(), got ${typeof value}`,
  );
  if (!agent || !options) throw new Error('session and agent are needed');

  warmUp(job, agent.tts ?? options.tts);
  const session = new voice.AgentSession({
    useTtsAlignedTranscript: false, // a TTS that promises timestamps and sends none loses the transcript (sdk-facts, 2.7)
    ...options,
    transcriptionTimeout: options.transcriptionTimeout ?? definition.policy.firstAudioMs, // an event, and no more
  });
  attachTo(job, session, agent);
  job.ownEnds?.take(session);
  await ask('prepare', definition.prepare && (() => definition.prepare?.(call, session)), () =>
    session._started ? 'prepare(call, session): expected not to start the session, which comes after it' : undefined,
  );
  const wiring = venue.wire(session, start ?? {});
  const started = session.start({ ...wiring, agent });
  started.then(
    () => closeIfClosed(job, session),
    () => {},
  );
  await unlessAborted(started, signal).catch(failed('agent session'));
  void watchMicrophone(job, session);
}

/**
 * Who is closed while it starts, starts all the same: no Close event, no activity, models connected (sdk-facts, 2.4).
 * By us: its caller is gone, and it is closed once more. By the user's code: an end like any other close of theirs.
 */
const closeIfClosed = ({ letGo, run, ownEnds }: LiveJob, session: voice.AgentSession): void => {
  if (letGo.signal.aborted) (ownEnds?.closeSession(session) ?? session.close()).catch(() => {});
  else if (session._closing && !run.hasTag('leaving')) {
    const end = endOf('agent', 'agent_ended', 'none', 'the agent session was closed while it started');
    run.send({ type: 'session.end', end, drain: false });
  }
};

/**
 * A TTS that keeps a connection makes it while the session starts: 150 ms of the way to the first word. The SDK makes
 * it with the first text.
 */
function warmUp({ log }: LiveJob, speaker: unknown): void {
  try {
    const { prewarm } = speaker as { prewarm?: unknown };
    if (typeof prewarm === 'function') Reflect.apply(prewarm, speaker, []);
  } catch (error) {
    log.debug({ error: messageOf(error) }, 'the TTS could not be warmed up; it connects when it has to speak');
  }
}
