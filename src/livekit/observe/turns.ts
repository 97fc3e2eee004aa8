/**
 * The ledger of who waits for whom (machines/turns.ts), fed with what the SDK says of both sides. Each fact is in the
 * journal before the machine hears of it.
 *
 *   O1  Facts come in the order in which they happened, and one at a time.
 *   O2  The latency of a turn runs from the caller's last sound to the first sound of the answer.
 */
import {
  defaultPolicy,
  emptyLedger,
  isOwed,
  type Ledger,
  type SessionEvent,
  tell,
  type TurnFact,
} from '../../../machines/index.ts';
import type { Recorder } from '../../session/ports.ts';

export type UserState = 'speaking' | 'listening' | 'away';

type Ports = {
  send: (event: SessionEvent) => void;
  recorder: Pick<Recorder, 'append'>;
  /** Noise holds the idle clock back for four times as long. */
  idleMs?: number;
  now?: () => number;
};

const monotonic = () => Math.round(performance.now());

export class Turns {
  #ledger: Ledger;
  #turns = 0;
  #isCallerHeard = false;
  #stoppedAt: number | undefined;
  #waitingSince: number | undefined;
  readonly #send: (event: SessionEvent) => void;
  readonly #recorder: Pick<Recorder, 'append'>;
  readonly #now: () => number;

  constructor({ send, recorder, idleMs = defaultPolicy.idleMs, now = monotonic }: Ports) {
    this.#ledger = { ...emptyLedger, noiseMs: 4 * idleMs };
    this.#send = send;
    this.#recorder = recorder;
    this.#now = now;
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  /** O1. */
  tell(fact: TurnFact): void {
    const { ledger, events } = tell(this.#ledger, fact);
    const isNews = ledger !== this.#ledger && JSON.stringify(ledger) !== JSON.stringify(this.#ledger);
    this.#ledger = ledger;
    if (isNews || events.length > 0) this.#recorder.append('fact', fact);
    for (const event of events) this.#send(event);
  }

  userState(to: UserState): void {
    const isSpeaking = to === 'speaking';
    if (isSpeaking === this.#isCallerHeard) return; // listening and away are one to us
    this.#isCallerHeard = isSpeaking;
    const atMs = this.#now();
    if (!isSpeaking) this.#stoppedAt = atMs;
    this.tell({ fact: isSpeaking ? 'caller.speaks' : 'caller.stopped', atMs });
  }

  /** The hook of a turn is entered. @returns to be called when the SDK has scheduled the answer, or never will */
  turnBegan(): () => void {
    const turn = `turn-${(this.#turns += 1)}`;
    this.#waitingSince ??= this.#stoppedAt ?? this.#now();
    this.tell({ fact: 'turn.began', turn });
    return () => this.tell({ fact: 'turn.ended', turn });
  }

  /** First sound of a speech. `isOurs`: a line that the machine asked for. */
  audible(isOurs: boolean): void {
    if (!isOurs && this.#waitingSince !== undefined) {
      const ms = this.#now() - this.#waitingSince;
      this.#recorder.append('latency', { measure: 'turn', ms });
      this.#waitingSince = undefined;
    }
    this.tell({ fact: 'agent.heard', isLine: isOurs });
  }

  /** Somebody is heard again, or nobody any more. `isPaused`: it may go on. */
  agentHeard(isHeard: boolean, isPaused = false): void {
    if (!isHeard) this.tell({ fact: 'agent.quiet', isPaused });
    else if (this.#ledger.heard === 'nobody') this.tell({ fact: 'agent.heard', isLine: false });
  }

  /** On purpose: the agent's hook, its code or its model chose to say nothing. */
  answerRefused(): void {
    this.#waitingSince = undefined;
    this.tell({ fact: 'answer.refused' });
  }

  /** The caller is owed an answer, whoever speaks. */
  isAnswerOwed(): boolean {
    return isOwed(this.#ledger);
  }
}
