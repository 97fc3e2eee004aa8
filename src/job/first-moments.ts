/**
 * The first moments of a call, for those who wait for them: the next call of this worker, and, of a call that was taken
 * over, the keeper, which follows the new job until its caller has heard it.
 */
import type { EntryData, EntryKind } from '../journal/entry.ts';
import type { Past } from '../report/past.ts';
import type { SessionRun } from '../session/run.ts';
import { BEGUN, tellPool } from './tell-pool.ts';

/** A caller who is in the room already is found at once; then their greeting is what the next call waits for. */
const NO_CALLER_MS = 250;

export class FirstMoments {
  /** Resolves once the caller has heard the agent, or there is nothing that they could hear of it by themselves. */
  readonly heard: Promise<void>;
  #sayHeard: () => void = () => {};
  readonly #past: Past | undefined;
  readonly #isProgram: boolean;
  /** Until it passes, the next call waits: the greeting of this one needs the processor. */
  #begun: NodeJS.Timeout | undefined;

  /** @param past of a call that was taken over */
  constructor(past: Past | undefined, isProgram: boolean) {
    this.#past = past;
    this.#isProgram = isProgram;
    this.heard = new Promise((resolve) => (this.#sayHeard = resolve));
  }

  /** An entry of the call, before it is written. */
  take<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): void {
    if (kind !== 'event') return;
    const { type } = data as EntryData['event'];
    if (type === 'line.audible' || type === 'agent.audible') this.#sayHeard();
  }

  /** The machine is in other states. */
  inStates(hasTag: SessionRun['hasTag']): void {
    const isExpecting = hasTag('expecting');
    const isLeaving = hasTag('leaving');
    const isBegun = !hasTag('starting') && !isLeaving;
    clearTimeout(this.#begun);
    if (isBegun || isExpecting || isLeaving)
      this.#begun = setTimeout(() => tellPool(BEGUN), isExpecting ? NO_CALLER_MS : 0);
    if (isBegun && (this.#past?.isCalm || this.#isProgram)) this.#sayHeard(); // nobody tells of a program’s words
    if (isExpecting && this.#past?.awaited)
      setTimeout(() => hasTag('expecting') && this.#sayHeard(), NO_CALLER_MS).unref();
  }
}
