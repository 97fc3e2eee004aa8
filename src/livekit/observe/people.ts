/**
 * Who comes, goes and acts in a room, as journal entries and machine events.
 *
 *   V1  Listeners are attached before connect(): who leaves while we join is not missed.
 *   V2  From the hang-up on the room's own events say nothing new: they are our doing.
 *   V3  Who leaves in the middle of a REFER has most likely gone where they were sent: lost, until its answer says more;
 *       without one, a hang-up, told before the caller's grace is over and would call it a lost connection.
 *   V4  A telephone that was dialled and rings is nobody to speak to: the call begins when it is picked up, and when the
 *       last one that rang is gone unanswered nobody will come.
 *   V8  Who joins anew sees everybody gone first, and everybody who is there before "reconnected": the caller is lost by
 *       our own line then, and by theirs once we are back and they are not.
 *   V9  Until it is known whom the options name, who leaves may have been anybody: that is told after a moment.
 *   V11 Who sends data thousands of times a second acts no more than who presses keys: what the machine is told is
 *       bounded, and an act that it is not told follows one that it was by less than ACTS_EVERY_MS.
 */
import { type RemoteParticipant, type Room, RoomEvent } from '@livekit/rtc-node';
import type { End } from '../../../machines/index.ts';
import type { EntryData } from '../../journal/entry.ts';
import { unlessAborted } from '../../waiting/deadline.ts';
import { type CallerWish, isAnswered, isRinging, isSip, kindName } from '../caller/choice.ts';
import { CallerLink } from '../caller/link.ts';
import type { Reporter } from '../venue.ts';
import { departureOf, reasonName } from './disconnect.ts';
import { observeSigns, type Sign } from './signs.ts';
import type { RoomTracks } from './tracks.ts';

/** V3. Of the caller's grace. With the default (20 s) less than a destination may ring (30 s). */
const HELD_SHARE = 0.75;
/** V9. Options are known a moment after the room is joined; a `session(call)` that hangs may not hide a hang-up. */
const UNKNOWN_MS = 1000;

/** V11. Faster than anybody presses keys for long; of the clocks that an act sets anew the shortest counts in seconds. */
const ACTS_EVERY_MS = 250;
/** V11. At once: a number that an app dials as one. */
const ACTS_AT_ONCE = 32;

/** Departures that are held back while a REFER is under way (V3). */
export type Referring = { graceMs: number; departure?: End; timer?: NodeJS.Timeout };

export class RoomPeople {
  readonly link: CallerLink;
  /** V8. Our own line is away. */
  isAway = false;
  /** V2. */
  isHungUp = false;
  referring: Referring | undefined;
  #isKnown: boolean;
  /** V9. */
  #leftUnknown: { end: End; timer: NodeJS.Timeout } | undefined;
  /** The machine was told that the caller is lost. */
  #isLost = false;
  readonly #seen = new Set<string>(); // connect() and the event may both name somebody
  readonly #expected = new Map<string, { come: (who: RemoteParticipant) => void; fail: (why: Error) => void }>();
  readonly #room: Room;
  readonly #reporter: Reporter;
  readonly #tracks: RoomTracks;
  /** V11. When the acts that were told would have come, one each ACTS_EVERY_MS. */
  #actsUntil = 0;
  /** Attached by `connected()`: it needs the local participant. */
  readonly #signs: { connected(): void };

  constructor(
    room: Room,
    reporter: Reporter,
    tracks: RoomTracks,
    { isKnown, linked }: { isKnown: boolean; linked: (caller: RemoteParticipant) => void },
  ) {
    this.#room = room;
    this.#reporter = reporter;
    this.#tracks = tracks;
    this.#isKnown = isKnown;
    this.link = new CallerLink(linked);
    room // V1
      .on(RoomEvent.ParticipantConnected, (participant) => this.joined([participant]))
      .on(RoomEvent.ParticipantDisconnected, (participant) => this.#departed(participant))
      .on(RoomEvent.ParticipantAttributesChanged, (attributes, { identity }) => this.#changed(identity, attributes))
      .on(RoomEvent.ParticipantMetadataChanged, (metadata, { identity }) =>
        this.#note({ change: 'metadata', identity, metadata: metadata ?? '' }),
      )
      .on(RoomEvent.TrackPublished, () => this.#look())
      .on(RoomEvent.TrackSubscribed, () => this.#look());
    this.#signs = observeSigns(room, (identity, sign) => this.#acted(identity, sign));
  }

  /** Everybody who was there before us, in the order in which the server lists them. */
  connected(): void {
    this.#signs.connected();
    this.joined([...this.#room.remoteParticipants.values()]);
  }

  /** K5: the options were asked for. */
  expect(wish: CallerWish): void {
    const left = this.#leftUnknown;
    clearTimeout(left?.timer);
    this.#leftUnknown = undefined;
    const isAnother = this.link.expect(wish);
    const wasKnown = this.#isKnown;
    this.#isKnown = true;
    if (!wasKnown || isAnother) this.#noteLinked();
    if (left && !isAnother && !this.link.isThere) this.#reporter.send({ type: 'caller.left', end: left.end });
  }

  /** Resolves once this somebody is in the room and has picked up; rejects when they leave before. */
  answered(identity: string, signal: AbortSignal): Promise<RemoteParticipant> {
    this.link.calls(identity);
    const there = this.#room.remoteParticipants.get(identity);
    if (there && isAnswered(there)) return Promise.resolve(there);
    const coming = new Promise<RemoteParticipant>((come, fail) => this.#expected.set(identity, { come, fail }));
    return unlessAborted(coming, signal).finally(() => this.#expected.delete(identity));
  }

  /** V8: our own line is back. */
  back(): void {
    this.isAway = false;
    if (this.#isLost && !this.isHungUp) this.#reporter.send({ type: 'caller.lost' });
  }

  /** For the reason of our own departure. */
  get callerIs(): 'there' | 'lost' | 'never met' {
    return this.link.isThere ? 'there' : this.#isLost ? 'lost' : 'never met';
  }

  joined(people: readonly RemoteParticipant[]): void {
    if (this.isHungUp) return;
    const fresh = people.filter((one) => !this.#seen.has(one.sid ?? one.identity));
    for (const one of fresh) this.#seen.add(one.sid ?? one.identity);
    const before = this.link.isThere || this.#isLost ? this.link.caller?.identity : undefined;
    this.#follow(() => this.link.came(fresh), fresh);
    for (const one of fresh) {
      if (one.identity === before) continue; // came back, or joined a second time: noted, if it has to be
      this.#note({
        change: 'joined',
        ...this.#factsOf(one),
        attributes: { ...one.attributes },
        metadata: one.metadata ?? '',
      });
      this.#meet(one);
    }
  }

  #departed(participant: RemoteParticipant): void {
    if (this.isHungUp) return;
    const { link } = this;
    const { identity, disconnectReason } = participant;
    this.#seen.delete(participant.sid ?? identity);
    const departure = departureOf(disconnectReason);
    const reason = reasonName(disconnectReason);
    this.#note({ change: departure.kind, ...this.#factsOf(participant), reason });
    this.#expected.get(identity)?.fail(new Error(`${identity} left: ${reason}`));
    const wasThere = link.isThere;
    const who = link.left(participant, departure.kind === 'left');
    if (who === 'passed') return this.#noteLinked();
    if (who === 'other') {
      const rings = (one: RemoteParticipant) => isSip(one) && one.identity !== identity;
      const isLast = !link.caller && isSip(participant) && ![...this.#room.remoteParticipants.values()].some(rings);
      if (isLast && departure.kind === 'left') this.#reporter.send({ type: 'caller.left', end: departure.end }); // V4
      return;
    }
    if (!this.#isKnown) return departure.kind === 'left' ? this.#leaveUnknown(departure.end) : undefined;
    if (wasThere && isSip(participant) && !this.#tracks.hasPublished(identity)) {
      const message = 'the telephone was gone before it had sent any audio';
      this.#reporter.recorder.append('error', { component: 'microphone', message, recoverable: true });
    }
    if (departure.kind === 'lost') return wasThere ? this.#lose() : undefined; // a telephone that rang may come back
    if (this.referring) this.#hold(this.referring, departure.end);
    else this.#reporter.send({ type: 'caller.left', end: departure.end });
  }

  #changed(identity: string, attributes: Record<string, string>): void {
    const remote = this.#room.remoteParticipants.get(identity);
    if (!remote) return; // our own: the SDK writes the agent's state there
    const wasThere = this.link.isThere;
    const wasLinked = this.link.is(identity);
    this.#follow(() => this.link.look(), [remote]);
    const isNews = this.link.is(identity) && (!wasLinked || wasThere !== this.link.isThere); // V4, K3
    this.#note({ change: 'attributes', identity, attributes, ...(isNews && this.#factsOf(remote)) });
    this.#meet(remote);
  }

  #acted(identity: string, sign: Sign): void {
    if (this.isHungUp) return;
    const { link } = this;
    this.#follow(() => link.acts(identity), []);
    if (!this.#isKnown || !link.is(identity) || !link.isThere) return;
    if (sign.what === 'key') this.#reporter.recorder.append('key', { identity, pii: { digit: sign.digit } });
    if (this.#mayTellAct()) this.#reporter.send({ type: 'caller.acts' });
  }

  /** V11. */
  #mayTellAct(): boolean {
    const now = performance.now();
    const until = Math.max(this.#actsUntil, now) + ACTS_EVERY_MS;
    if (until > now + ACTS_EVERY_MS * ACTS_AT_ONCE) return false;
    this.#actsUntil = until;
    return true;
  }

  #look(): void {
    if (!this.isHungUp) this.#follow(() => this.link.look(), []);
  }

  /** What a change in the room means for the caller. `telling`: of these an entry of their own will tell. */
  #follow(change: () => void, telling: readonly RemoteParticipant[]): void {
    const { link } = this;
    const before = link.caller?.identity;
    change();
    const { caller } = link;
    if (!caller?.participant || !this.#isKnown) return;
    if (caller.identity !== before && !telling.some(({ identity }) => identity === caller.identity)) this.#noteLinked();
    if (!link.isThere || !this.#isLost) return;
    this.#isLost = false;
    if (caller.identity === before) this.#note({ change: 'returned', ...this.#factsOf(caller.participant) });
    this.#reporter.send({ type: 'caller.returned' });
  }

  /** V8 */
  #lose(): void {
    this.#isLost = true;
    this.#reporter.send({ type: 'caller.lost', ...(this.isAway && { isOwnLine: true }) });
  }

  /** V3 */
  #hold(held: Referring, end: End): void {
    held.departure = end;
    this.#isLost = true;
    this.#reporter.send({ type: 'caller.lost' });
    held.timer = setTimeout(() => {
      if (this.link.isThere || this.isHungUp) return;
      delete held.departure;
      this.#reporter.send({ type: 'caller.left', end });
    }, held.graceMs * HELD_SHARE);
  }

  /** V9 */
  #leaveUnknown(end: End): void {
    const tell = () => {
      this.#leftUnknown = undefined;
      if (!this.link.isThere && !this.isHungUp) this.#reporter.send({ type: 'caller.left', end });
    };
    this.#leftUnknown = { end, timer: setTimeout(tell, UNKNOWN_MS) };
  }

  #meet(participant: RemoteParticipant): void {
    if (isAnswered(participant)) this.#expected.get(participant.identity)?.come(participant);
  }

  #factsOf(participant: RemoteParticipant) {
    return {
      identity: participant.identity,
      ...(participant.sid !== undefined && { sid: participant.sid }),
      kind: kindName(participant),
      isCaller: this.#isKnown && this.link.is(participant.identity),
      ...(isRinging(participant) && { isRinging: true }),
    };
  }

  #noteLinked(): void {
    const caller = this.link.caller?.participant;
    if (caller) this.#note({ change: 'linked', ...this.#factsOf(caller) });
  }

  #note(data: EntryData['participant']): void {
    this.#reporter.recorder.append('participant', data);
  }
}
