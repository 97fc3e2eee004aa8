/**
 * Who waits for whom, told from what the SDK says of both sides. Pure but for its callback; a class of small facts.
 *
 *   O1  The caller waits for us from words that were understood, never from noise: a cough owes no answer.
 *   O2  An answer owed stays owed through noise and silent turns, until the agent is heard or says on purpose nothing.
 *   O3  A line of ours (nudge, wind-down) answers nothing and resets no count.
 */
import type { SessionEvent } from '../../../machines/index.ts';

export type AgentState = 'initializing' | 'idle' | 'listening' | 'thinking' | 'speaking';
export type UserState = 'speaking' | 'listening' | 'away';

export class Turns {
  /** How often words of the caller were understood. */
  wordsUnderstood = 0;
  #isOwed = false;
  #isAskedAgain = false;
  #isUserSpeaking = false;
  #isAgentSpeaking = false;
  #isOurLine = false;
  #isOurLineAsked = false;
  #waitingSince: number | undefined;
  readonly #send: (event: SessionEvent) => void;
  readonly #now: () => number;
  readonly #onLatency: (ms: number) => void;

  constructor(send: (event: SessionEvent) => void, onLatency: (ms: number) => void, now: () => number = Date.now) {
    this.#send = send;
    this.#onLatency = onLatency;
    this.#now = now;
  }

  /** A nudge or a wind-down was asked for; the thinking that it takes is owed to nobody. */
  ourLineAsked(isAsked: boolean): void {
    this.#isOurLineAsked = isAsked;
  }

  /** First audio of a speech. `isOurs`: a line that the machine asked for. */
  audible(isOurs: boolean): void {
    this.#isOurLine = isOurs;
    this.#isOurLineAsked = false;
    this.#isAgentSpeaking = true;
    if (isOurs) return;
    this.#isOwed = false;
    this.#isAskedAgain = false;
    if (this.#waitingSince !== undefined) this.#onLatency(this.#now() - this.#waitingSince);
    this.#waitingSince = undefined;
    this.#send({ type: 'agent.audible' });
  }

  agentState(from: AgentState, to: AgentState): void {
    if (to === 'thinking') {
      this.#isAgentSpeaking = false;
      if (!this.#isUserSpeaking && !this.#isOurLineAsked) this.#owe();
    } else if (to === 'listening' && from === 'speaking') {
      const wasOurs = this.#isOurLine;
      this.#isAgentSpeaking = false;
      this.#isOurLine = false;
      if (this.#isOwed) this.#send({ type: 'caller.waits' });
      else if (!wasOurs) this.#send({ type: 'dialogue.moved' }); // O3
    }
  }

  userState(to: UserState): void {
    if (to === 'speaking') {
      this.#isUserSpeaking = true;
      this.#send({ type: 'dialogue.moved' });
    } else {
      this.#isUserSpeaking = false;
      if (this.#isOwed && !this.#isAgentSpeaking) this.#send({ type: 'caller.waits' }); // O2
    }
  }

  /** A final transcript with words in it. */
  understood(): void {
    this.wordsUnderstood += 1;
    this.#isAskedAgain = false;
    if (this.#isAgentSpeaking) return; // an interruption becomes a turn by itself, or is dropped as a backchannel
    this.#waitingSince ??= this.#now();
    this.#isOwed = true;
    if (!this.#isUserSpeaking) this.#send({ type: 'caller.waits' });
  }

  /** The agent chose to say nothing (StopResponse, a tool without output). */
  answeredBySilence(): void {
    this.#isOwed = false;
    this.#waitingSince = undefined;
    this.#send({ type: 'dialogue.moved' });
  }

  /** The caller waits for us, and nobody speaks. */
  isAnswerOwed(): boolean {
    return this.#isOwed && !this.#isUserSpeaking && !this.#isAgentSpeaking;
  }

  /** True once for each answer that is owed. */
  askAgain(): boolean {
    const isFirst = !this.#isAskedAgain;
    this.#isAskedAgain = true;
    return isFirst;
  }

  /** Somebody still talks: the idle clock starts anew. */
  keepAlive(): void {
    if (this.#isUserSpeaking) this.#send({ type: 'dialogue.moved' });
    else if (this.#isAgentSpeaking && !this.#isOurLine) this.#send({ type: 'agent.audible' });
  }

  #owe(): void {
    this.#waitingSince ??= this.#now();
    if (this.#isOwed) return; // the clock runs from the words, not from the thought
    this.#isOwed = true;
    this.#send({ type: 'caller.waits' });
  }
}
