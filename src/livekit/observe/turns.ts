/**
 * Who waits for whom, told from what the SDK says of both sides. Pure but for its callback; a class of small facts.
 *
 *   O1  The caller waits for us from words that were understood, never from noise: a cough owes no answer.
 *   O2  An answer owed stays owed through noise and silent turns, until the agent is heard or says on purpose nothing.
 *   O3  An aside of ours (nudge, wind-down) answers nothing and resets no count. A greeting is no aside: a caller who
 *       listens to it is not idle.
 *   O5  Sounds without words hold the idle clock back for `NOISE_MS`, not for ever: a street, or music on hold.
 */
import type { SessionEvent } from '../../../machines/index.ts';

/** From the first sound after the last words on. Whoever says nothing that is understood for so long does not speak. */
export const NOISE_MS = 60_000;

export type AgentState = 'initializing' | 'idle' | 'listening' | 'thinking' | 'speaking';
export type UserState = 'speaking' | 'listening' | 'away';

const monotonic = () => Math.round(performance.now());

export class Turns {
  /** How often words of the caller were understood. */
  wordsUnderstood = 0;
  #isOwed = false;
  #isAskedAgain = false;
  #isUserSpeaking = false;
  #isAgentSpeaking = false;
  #canBeHeard = true;
  #isAside = false;
  #isOurLineAsked = false;
  #waitingSince: number | undefined;
  /** The first sound of the caller since words were understood, or ours heard. */
  #soundsSince: number | undefined;
  readonly #send: (event: SessionEvent) => void;
  readonly #now: () => number;
  readonly #onLatency: (ms: number) => void;

  constructor(send: (event: SessionEvent) => void, onLatency: (ms: number) => void, now: () => number = monotonic) {
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
    this.#isAside = isOurs && this.#isOurLineAsked;
    this.#isOurLineAsked = false;
    this.#isAgentSpeaking = true;
    if (!this.#isAside) this.#soundsSince = undefined;
    if (isOurs) return;
    this.#isOwed = false;
    this.#isAskedAgain = false;
    if (this.#waitingSince !== undefined) this.#onLatency(this.#now() - this.#waitingSince);
    this.#waitingSince = undefined;
    this.#send({ type: 'agent.audible' });
  }

  /** Somebody begins to be heard, or nobody is any more: also at a pause, and after it. */
  agentHeard(isHeard: boolean): void {
    this.#isAgentSpeaking = isHeard;
  }

  /** A session that nobody can hear owes no sound. */
  voiceSwitched(canBeHeard: boolean): void {
    this.#canBeHeard = canBeHeard;
    if (!canBeHeard && this.#isOwed) this.answeredBySilence();
  }

  agentState(from: AgentState, to: AgentState): void {
    if (to === 'thinking') {
      this.#isAgentSpeaking = false;
      if (!this.#isUserSpeaking && !this.#isOurLineAsked) this.#owe();
    } else if (to === 'listening' && from === 'speaking') {
      const wasAside = this.#isAside;
      this.#isAgentSpeaking = false;
      this.#isAside = false;
      if (this.#isOwed) this.#send({ type: 'caller.waits' });
      else if (!wasAside) this.#send({ type: 'dialogue.moved' }); // O3
    }
  }

  userState(to: UserState): void {
    if (to === 'speaking') {
      this.#isUserSpeaking = true;
      this.#soundsSince ??= this.#now();
      if (!this.#isNoise()) this.#send({ type: 'dialogue.moved' });
    } else {
      this.#isUserSpeaking = false;
      if (this.#isOwed && !this.#isAgentSpeaking) this.#send({ type: 'caller.waits' }); // O2
    }
  }

  /** Words, final or not. */
  heardWords(): void {
    this.#soundsSince = this.#isUserSpeaking ? this.#now() : undefined;
  }

  /** A final transcript with words in it. */
  understood(): void {
    this.wordsUnderstood += 1;
    this.#isAskedAgain = false;
    this.heardWords();
    if (this.#isAgentSpeaking) return; // an interruption becomes a turn by itself, or is dropped as a backchannel
    if (!this.#canBeHeard) return;
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
    if (this.#isUserSpeaking && !this.#isNoise()) this.#send({ type: 'dialogue.moved' });
    else if (this.#isAgentSpeaking && !this.#isAside) this.#send({ type: 'agent.audible' });
  }

  /** O5. */
  #isNoise(): boolean {
    return this.#soundsSince !== undefined && this.#now() - this.#soundsSince > NOISE_MS;
  }

  #owe(): void {
    if (!this.#canBeHeard) return;
    this.#waitingSince ??= this.#now();
    if (this.#isOwed) return; // the clock runs from the words, not from the thought
    this.#isOwed = true;
    this.#send({ type: 'caller.waits' });
  }
}
