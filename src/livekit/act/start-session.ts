/**
 * The user's factories, the AgentSession, and everything that listens to it. One effect under one deadline: a factory
 * that hangs is left behind, and what it returns later is not used.
 */
import { llm, tts, voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { describeValue } from '../../errors/config-error.ts';
import { messageOf } from '../../errors/thrown.ts';
import { settledWithin, unlessAborted } from '../../waiting/deadline.ts';
import type { EffectPort } from '../../session/run.ts';
import { attachTo } from '../attach.ts';
import type { Call, Resumed } from '../call.ts';
import { watchHold } from '../guard/hold.ts';
import { watchMicrophone } from '../guard/silence.ts';
import type { LiveJob } from '../live-job.ts';
import type { Awaitable } from '../lines.ts';
import { noteError, noteFailedStart } from '../note-error.ts';
import { answerOf, askLines } from '../of-call.ts';
import { phrases } from '../phrases.ts';
import { askUser, resolveLines, startOptionsOf } from './ask.ts';
import { askEarly, soundsTheSame } from './early-words.ts';
import { startProgram } from './start-program.ts';

/**
 * A session that starts keeps its thread for 0.2 to 0.3 s (measured on two cores), and a request whose connection is still
 * to be made does not leave in that time. Less than any voice takes to its first sound.
 */
const REQUEST_MS = 40;

/**
 * The SDK's default. For so long a new session does not hear who speaks over it: a caller's echo canceller has to get used
 * to the agent first. One who has heard it for that long has one that is used to it, whichever process speaks.
 */
const WARMUP_MS = 3_000;

export async function startSession(job: LiveJob, prewarmFailure: unknown, { signal }: EffectPort): Promise<void> {
  const { definition, call, venue } = job;
  const failed = (component: string) => (error: unknown) => {
    noteFailedStart(job, component, error);
    throw error;
  };
  // Beside the factories, where it is known who calls; `start(call)` may still say that it is somebody else (O2).
  if (venue.caller() && !definition.start) void askLines(job);
  if (prewarmFailure !== undefined) failed('prewarm')(prewarmFailure);
  if (definition.program) {
    await startOptionsOf(job, signal);
    if (venue.caller()) await resolveLines(job, signal);
    return startProgram(job, definition.program);
  }

  const { session: makeSession, agent: makeAgent } = definition;
  if (!makeSession || !makeAgent) throw new Error('session and agent are needed');
  const options = await askUser<voice.AgentSessionOptions>(
    job,
    {
      component: 'session',
      make: () => makeSession(call),
      check: (value: unknown) =>
        typeof value === 'object' && value !== null
          ? undefined
          : `session(call): expected options of voice.AgentSession, got ${describeValue(value)}`,
    },
    signal,
  );
  if (options.tts instanceof tts.TTS) job.firstVoice = options.tts;
  const led = ledTo(job);
  const agent = await askUser<voice.Agent>(
    job,
    {
      component: 'agent',
      make: () => (led ?? makeAgent)(call),
      check: (value: unknown) =>
        value instanceof voice.Agent
          ? undefined
          : `agent(call): expected your voice.Agent, got ${describeValue(value)}; is there a second copy of @livekit/agents?`,
    },
    signal,
  );
  const start = await startOptionsOf(job, signal);
  if (venue.caller()) await resolveLines(job, signal);

  const speaker = agent.tts ?? options.tts;
  if (call.resumed) await goOn(job, agent, call.resumed, signal);
  const excuse = excuseOf(job);
  if (excuse !== undefined && speaker instanceof tts.TTS && soundsTheSame(agent, options)) {
    job.earlyWords = askEarly(job, speaker, excuse, options);
    await unlessAborted(settledWithin(job.earlyWords.begun, REQUEST_MS), signal);
  } else warmUp(job, speaker);
  const session = new voice.AgentSession({
    useTtsAlignedTranscript: false, // a TTS that promises timestamps and sends none loses the transcript (sdk-facts, 2.7)
    ...options,
    ...(isUsedTo(job, options) && { aecWarmupDuration: null }),
  });
  attachTo(job, session, agent);
  const { prepare } = definition;
  if (prepare)
    await askUser(
      job,
      {
        component: 'prepare',
        make: () => prepare(call, session),
        check: () =>
          session._started
            ? 'prepare(call, session): expected not to start the session, which comes after it'
            : undefined,
      },
      signal,
    );
  const wiring = venue.wire(session, start);
  const started = session.start({ ...wiring, agent });
  started.then(
    () => closeIfClosed(job, session),
    () => {},
  );
  await unlessAborted(started, signal).catch(failed('agent session'));
  void watchMicrophone(job, session);
  watchHold(job, session);
}

/** After a handoff: the agent that the call was led to, if the definition knows it. */
function ledTo(job: LiveJob): ((call: Call) => Awaitable<voice.Agent>) | undefined {
  const { definition, call } = job;
  const id = call.resumed?.agent;
  if (id === undefined) return undefined;
  const make = definition.agents?.[id];
  if (!make) {
    const missing = `agents: expected an entry for "${id}", to whom the call was handed before the crash, got none`;
    noteError(job, 'application', missing, true, 'the first agent goes on with the call');
  }
  return make;
}

/** A call that is taken over: the agent gets what was said, beside whatever its own code gave it, and the first words are known. */
async function goOn(job: LiveJob, agent: voice.Agent, { history }: Resumed, signal: AbortSignal): Promise<void> {
  const before = agent.chatCtx.items.filter(({ id }) => history.getById(id) === undefined);
  await unlessAborted(agent.updateChatCtx(new llm.ChatContext([...before, ...history.items])), signal);
  job.resumedWords = await resumedWords(job);
}

/** Of a call that goes on. */
const isUsedTo = ({ past }: LiveJob, { aecWarmupDuration }: voice.AgentSessionOptions): boolean =>
  past !== undefined && past.spokenMs >= (aecWarmupDuration ?? WARMUP_MS);

/** What its caller is about to hear: they are there, and were not left in a calm moment. */
const excuseOf = ({ past, venue, resumedWords }: LiveJob): string | undefined =>
  past?.isCalm === false && venue.isCallerThere() ? resumedWords : undefined;

async function resumedWords(job: LiveJob): Promise<string> {
  const { definition, call } = job;
  const usual = phrases[definition.language].resumed;
  const { say = usual } = definition.onCrash ?? {};
  if (typeof say === 'string') return say;
  try {
    const answer = await answerOf('onCrash.say', say, call, definition.policy.rungMs / 3);
    if (typeof answer === 'string' && answer.trim() !== '') return answer;
    throw new Error(`onCrash.say(call): expected a text, got ${describeValue(answer)}`);
  } catch (error) {
    noteError(job, 'onCrash.say', error, true, 'the words of the package are said');
    return usual;
  }
}

/**
 * Who is closed while it starts, starts all the same: no Close event, no activity, models connected (sdk-facts, 2.4).
 * By us: its caller is gone, and it is closed once more. By the user's code: an end like any other close of theirs.
 */
const closeIfClosed = ({ letGo, run, ownEnds }: LiveJob, session: voice.AgentSession): void => {
  if (letGo.signal.aborted) ownEnds.closeSession(session).catch(() => {});
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
