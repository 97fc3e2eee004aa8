/**
 * The caller of one call: who it is, and whether they are there to be spoken to. What happens in the room is told to it;
 * what follows for the call is asked of it.
 *
 *   K5  Whom the options name is known when `start(call)` was asked. Until then the first who can be one is linked for
 *       the user's code to see, and is said to be the caller nowhere else.
 *   K6  Linked is not there: a telephone that rings is linked, and there when it is picked up; who is lost stays linked.
 */
import type { RemoteParticipant } from '@livekit/rtc-node';
import { unlessAborted } from '../../waiting/deadline.ts';
import type { Caller } from '../venue.ts';
import {
  type CallerWish,
  choose,
  hasMicrophone,
  isAnswered,
  isDialling,
  isSip,
  type SeenPerson,
  whoIsThere,
  whyNot,
} from './choice.ts';

export class CallerLink {
  /** Who is in the room, in the order in which they came. */
  readonly #people = new Map<string, RemoteParticipant>();
  readonly #acted = new Set<string>();
  readonly #dialled = new Set<string>();
  readonly #called = new Set<string>();
  readonly #waiting = new Set<() => void>();
  readonly #linked: (caller: RemoteParticipant) => void;
  #wish: CallerWish = {};
  #caller: Caller | undefined;
  #isThere = false;

  /** @param linked called with everybody who becomes the caller, also a second time after they came back */
  constructor(linked: (caller: RemoteParticipant) => void) {
    this.#linked = linked;
  }

  get caller(): Caller | undefined {
    return this.#caller;
  }
  get isThere(): boolean {
    return this.#isThere;
  }
  is(identity: string): boolean {
    return this.#caller?.identity === identity;
  }
  /** Was this telephone dialled? */
  isDialled(identity: string): boolean {
    return this.#dialled.has(identity);
  }

  /** K5. True when who was linked so far is not the one. */
  expect(wish: CallerWish): boolean {
    this.#wish = wish;
    const linked = this.#caller?.participant;
    const isAnother = linked !== undefined && whyNot(linked, wish) !== undefined;
    if (isAnother) {
      this.#caller = undefined;
      this.#isThere = false;
    }
    this.look();
    return isAnother;
  }

  /** Somebody is called for a transfer: never the caller by themselves. */
  calls(identity: string): void {
    this.#called.add(identity);
  }

  came(people: Iterable<RemoteParticipant>): void {
    for (const one of people) this.#people.set(one.identity, one);
    const back = this.#caller && this.#people.get(this.#caller.identity);
    if (back && back !== this.#caller?.participant) this.#link(back);
    this.look();
    this.#wake();
  }

  /** They sent something that only somebody who is there sends. */
  acts(identity: string): void {
    this.#acted.add(identity);
    this.look();
  }

  /** Looks again at who is there: an attribute or a track has changed. */
  look(): void {
    for (const one of this.#people.values()) {
      if (isDialling(one)) this.#dialled.add(one.identity);
      // A gateway publishes for a telephone that nobody has picked up yet.
      if (isSip(one) ? isAnswered(one) : hasMicrophone(one)) this.#acted.add(one.identity);
    }
    const chosen = choose(this.#caller?.participant, this.#people.values(), this.#wish, this.#seen);
    if (chosen && !this.is(chosen.identity)) this.#link(chosen);
    const linked = this.#caller && this.#people.get(this.#caller.identity);
    if (this.#isThere || !linked || !isAnswered(linked)) return;
    this.#isThere = true;
    this.#wake();
  }

  /**
   * Somebody left. `passed`: they were linked without a sign of being the caller, or rang, and somebody else who is there
   * is it now.
   */
  left({ identity }: RemoteParticipant, isForGood: boolean): 'other' | 'caller' | 'passed' {
    this.#people.delete(identity);
    if (!this.is(identity)) return 'other';
    const wasThere = this.#isThere;
    this.#isThere = false;
    if (this.#acted.has(identity) || !isForGood) return 'caller';
    // The call goes on with somebody to speak to, or waits for the next telephone as it did for this one.
    const others = [...this.#people.values()].filter((one) => !wasThere || isAnswered(one));
    const next = choose(undefined, others, this.#wish, this.#seen);
    if (!next) return 'caller';
    this.#link(next);
    this.look();
    return 'passed';
  }

  /** Nobody is there any more: our own end. */
  lost(): void {
    this.#isThere = false;
  }

  /** Resolves once somebody is in the room, whoever. */
  somebody(signal: AbortSignal): Promise<void> {
    return this.#once(() => this.#people.size > 0, signal);
  }
  /** Resolves once the caller is there to be spoken to. */
  presence(signal: AbortSignal): Promise<void> {
    return this.#once(() => this.#isThere, signal);
  }
  /** Resolves once a caller is linked, there or not. */
  known(signal: AbortSignal): Promise<void> {
    return this.#once(() => this.#caller !== undefined, signal);
  }
  whoIsThere(): string {
    return whoIsThere(this.#people.values(), this.#wish);
  }

  get #seen(): SeenPerson {
    return { acted: this.#acted, dialled: this.#dialled, called: this.#called };
  }

  #link(participant: RemoteParticipant): void {
    this.#caller = { identity: participant.identity, participant, isSip: isSip(participant) };
    this.#isThere &&= isAnswered(participant);
    this.#linked(participant);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #once(holds: () => boolean, signal: AbortSignal): Promise<void> {
    while (!holds()) {
      let wake = () => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
        this.#waiting.add(wake);
      });
      await unlessAborted(woken, signal).finally(() => this.#waiting.delete(wake));
    }
  }
}
