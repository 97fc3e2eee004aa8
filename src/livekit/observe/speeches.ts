/**
 * Every speech of the session, from its making to its end: what is owed through it, and what became of it.
 *
 *   S1  Owed from its scheduling on: what was only prepared (a preemptive generation) may be dropped, and owes nothing.
 *   S2  One that ends without a sound: cut by the caller, silent on purpose (`llmNode` gave null, a tool that asks for no
 *       reply, a handoff), failed for good (the SDK has tried as often as it was told to), or empty. What failed is asked
 *       for again while the machine mends (act/mend.ts), unless the provider has refused for good; what came to nothing
 *       is asked for once more, and then has failed too.
 *   S3  A speech of which something was heard has answered; that it broke off is in the journal.
 */
import { setTimeout as afterMs } from 'node:timers/promises';
import { llm, voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import type { LiveJob } from '../live-job.ts';

/**
 * After a silent speech somebody else may be about to speak: the next turn, whose words came in the middle of this one,
 * or the agent of a handoff. Both begin within a few milliseconds.
 */
const NEXT_SPEECH_MS = 250;

/** Its words stand in the history: a model that is only asked takes the answer for given. */
const UNHEARD = 'Nothing of your last answer was heard. Give it again, without excusing it.';

type Speech = {
  isHeard: boolean;
  failures: number;
  isSilentByTool: boolean;
  mayBeSilent: boolean;
  isSay: boolean;
  isRefused: boolean;
};

export class Speeches {
  readonly #job: LiveJob;
  readonly #session: voice.AgentSession;
  readonly #all = new Map<voice.SpeechHandle, Speech>();
  /** Final errors of models so far, and the last one. */
  #failures = 0;
  #lastFailure = '';
  /** The provider has said no, and would say it again. */
  #isRefusal = false;
  #hasTokens = false;
  #isAskedAgain = false;
  /** What came to nothing last: a voice that failed has a text that is in the history. */
  #unheard: voice.SpeechHandle | undefined;
  readonly #onceHeard: (() => void)[] = [];
  /** Agents, each at work for the one before it. */
  #agents: voice.Agent[] = [];

  constructor(job: LiveJob, session: voice.AgentSession) {
    this.#job = job;
    this.#session = session;
  }

  made(handle: voice.SpeechHandle, source: string): void {
    const { turns } = this.#job;
    const speech: Speech = {
      isHeard: false,
      failures: this.#failures,
      isSilentByTool: false,
      mayBeSilent: false,
      isSay: source === 'say',
      isRefused: false,
    };
    this.#all.set(handle, speech);
    this.#hasTokens = false;
    const scheduled = (): void => {
      if (handle.done() || speech.isRefused) return;
      turns.tell({
        fact: 'speech.scheduled',
        speech: handle.id,
        awaits: speech.isSay || this.#hasTokens ? 'tts' : 'llm',
      });
    };
    // Of what is prepared the SDK says later that it is scheduled; all else is scheduled before this turn of the loop ends.
    if (handle.scheduled) scheduled();
    else handle._waitForScheduled().then(scheduled, () => {});
    handle.addDoneCallback(() => this.#ended(handle, speech));
  }

  /** Calls it at the next sound of the agent's own. */
  onceHeard(tell: () => void): void {
    this.#onceHeard.push(tell);
  }

  /** First sound of what plays now. */
  heard(handle: voice.SpeechHandle | undefined): void {
    this.#isAskedAgain = false;
    for (const tell of this.#onceHeard.splice(0)) tell();
    const speech = handle && this.#all.get(handle);
    if (speech) speech.isHeard = true;
    else for (const each of this.#all.values()) each.isHeard = true;
  }

  /** A model gave up, after all the tries that it was told to make. */
  failed(message: string, isRefusal: boolean): void {
    this.#failures += 1;
    this.#lastFailure = message;
    this.#isRefusal = isRefusal;
  }

  /** An `llmNode` gave null: silence on purpose. The SDK never ends the speech that it was asked for. */
  refused(): void {
    const [handle, speech] = [...this.#all].findLast(([, each]) => !each.isSay && !each.isHeard) ?? [];
    if (!handle || !speech) return;
    speech.isRefused = true;
    this.#job.turns.tell({ fact: 'speech.ended', speech: handle.id });
  }

  /** The first token of an answer. */
  token(): void {
    this.#hasTokens = true;
    this.#job.turns.tell({ fact: 'answer.moved', awaits: 'tts' });
  }

  /** The reply to work in the background may be empty: what there was to say was said. */
  mayBeSilent(handle: voice.SpeechHandle): void {
    const speech = this.#all.get(handle);
    if (speech) speech.mayBeSilent = true;
  }

  /** A model is asked: whatever tools came before get their reply. */
  requested(): void {
    for (const speech of this.#all.values()) speech.isSilentByTool = false;
  }

  /** Tools have run: where no model is asked after them, silence was what they wanted. */
  toolsExecuted(): void {
    for (const [handle, speech] of this.#all) if (handle.scheduled && !handle.done()) speech.isSilentByTool = true;
  }

  /** Has an agent begun? */
  hasAgent(): boolean {
    return this.#agents.length > 0;
  }

  /** Whoever is at work now; an AgentTask is at work for somebody else. */
  agentChanged(agent: voice.Agent): void {
    const known = this.#agents.indexOf(agent);
    if (known >= 0) this.#agents = this.#agents.slice(0, known + 1);
    else if (agent instanceof voice.AgentTask) this.#agents = [...this.#agents, agent];
    else this.#agents = [...this.#agents.slice(0, -1), agent];
    this.#job.turns.tell({ fact: 'task', depth: Math.max(0, this.#agents.length - 1) });
  }

  #ended(handle: voice.SpeechHandle, speech: Speech): void {
    this.#all.delete(handle);
    const { turns, run } = this.#job;
    const end = () => turns.tell({ fact: 'speech.ended', speech: handle.id });
    if (!(handle.id in turns.ledger.speeches)) return; // it was never scheduled: nothing was owed (S1)
    const isOver = speech.isHeard || handle.interrupted || run.hasTag('leaving') || !turns.ledger.isAudible;
    if (isOver) return end(); // S3
    if (this.#failures > speech.failures) {
      // What the application said itself is not known any more.
      const isMendable = !speech.isSay && !this.#isRefusal;
      if (isMendable) turns.tell({ fact: 'speech.empty', speech: handle.id });
      this.#unheard = handle;
      this.#fail(this.#lastFailure, isMendable);
      return end();
    }
    const hadNothingToSay = speech.mayBeSilent && whatWasSilent(handle).component === 'llm';
    if (speech.isSilentByTool || speech.isRefused || hadNothingToSay) return end();
    this.#empty(handle, speech);
  }

  /** S2. */
  #empty(handle: voice.SpeechHandle, { isSay }: Speech): void {
    const { turns, recorder, log } = this.#job;
    turns.tell({ fact: 'speech.empty', speech: handle.id });
    this.#unheard = handle;
    setTimeout(() => {
      if (!this.#isWanted()) return;
      const isLast = this.#isAskedAgain || isSay;
      this.#isAskedAgain = true;
      const { component, message } = whatWasSilent(handle);
      const text = isLast ? message : `${message}; asked again`;
      recorder.append('error', { component, message: text, recoverable: !isLast });
      log.warn({ component, error: text }, 'a turn ended without a sound');
      if (isLast) return this.#fail(`${component}: ${message}`, false);
      this.#ask();
    }, NEXT_SPEECH_MS);
  }

  /** What came to nothing is asked for once more, if somebody still waits for it. Rejects when the signal says so. */
  async askAgain(signal: AbortSignal): Promise<void> {
    await afterMs(NEXT_SPEECH_MS, undefined, { signal });
    if (this.#isWanted()) this.#ask();
  }

  /** Nobody else has begun, and nobody has to. */
  #isWanted(): boolean {
    const { turns, run, venue } = this.#job;
    if (!turns.ledger.isEmpty) return false;
    const isWanted =
      !run.hasTag('leaving') &&
      venue.isCallerThere() &&
      Object.keys(turns.ledger.turns).length === 0 &&
      !turns.ledger.isCallerSpeaking;
    if (!isWanted) turns.answerRefused();
    return isWanted;
  }

  #ask(): void {
    const { turns, log } = this.#job;
    try {
      const isVoiceless = this.#unheard && whatWasSilent(this.#unheard).component === 'tts';
      this.#session.generateReply(isVoiceless ? { instructions: UNHEARD } : {});
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the agent session takes no second request');
      turns.answerRefused();
    }
  }

  #fail(detail: string, isMendable: boolean): void {
    const { run } = this.#job;
    const reason = run.hasTag('greeting') ? 'startup_failed' : 'model_failed';
    run.send({ type: 'session.failed', end: endOf('system', reason, 'provider', detail), isMendable });
  }
}

const whatWasSilent = ({ chatItems }: voice.SpeechHandle): { component: 'llm' | 'tts'; message: string } => {
  const texts = chatItems.flatMap((item) => (item instanceof llm.ChatMessage ? [item.textContent ?? ''] : []));
  const length = texts.join('').trim().length;
  return length > 0
    ? { component: 'tts', message: `an answer of ${length} characters ended without a sound` }
    : { component: 'llm', message: 'the model gave no text and no tool' };
};
