/**
 * Our own part in a LiveKit room: in, away and back, out; and the hang-up, which lets go of everybody else.
 *
 *   V2  From the hang-up on the room's own events say nothing new: they are our doing.
 *   V5  A server that was started again makes the room anew: same name, other sid. Whoever hangs up later has to know.
 *   V6  An agent that is back and cannot be heard any more cannot apologise either: the caller is let go.
 *   V7  One peer connection for both ways is the client's default, and loses the agent's audio when a server is started
 *       again, about once in 25 calls; with one for each way that was not seen in 120.
 */
import type { JobContext } from '@livekit/agents';
import { type DisconnectReason, type Room, RoomEvent, type RoomOptions } from '@livekit/rtc-node';
import { endOf, type HangUpStrategy } from '../../machines/index.ts';
import type { EntryData } from '../journal/entry.ts';
import type { HangUpResult, Rooms } from '../rooms/rooms.ts';
import { staleDispatch } from '../session/hang-up-strategy.ts';
import { settledWithin, unlessAborted } from '../waiting/deadline.ts';
import { isSip } from './caller/choice.ts';
import { connectArguments, type ConnectOptions } from './connect-options.ts';
import { expulsionOf, reasonName } from './observe/disconnect.ts';
import type { RoomPeople } from './observe/people.ts';
import type { RoomTracks } from './observe/tracks.ts';
import type { Reporter } from './venue.ts';

/** The room that was dispatched is gone; what connect() found is another one of the same name (sdk-facts, 12). */
export class StaleDispatchError extends Error {
  override name = 'StaleDispatchError';
}

const SID_MS = 1000;
const LEAVE_MS = 1000;
const RENEW_MS = 2000;

type Parts = { rooms: Rooms; people: RoomPeople; tracks: RoomTracks };

export class RoomConnection {
  readonly #context: JobContext;
  readonly #room: Room;
  readonly #reporter: Reporter;
  readonly #parts: Parts;
  /** The SDK's: the user's is taken as an end. */
  readonly #disconnect: Room['disconnect'];
  /** The SDK's `connect()`, from the moment it was called. */
  #connecting: Promise<void> | undefined;
  /** V5. Of the dispatch, then of what was found; empty while nobody has said it. */
  #sid: string;
  /** What was found is not the room of the dispatch. */
  #isStale = false;

  /** Made before anybody connects, and before the user has the room. */
  constructor(context: JobContext, reporter: Reporter, parts: Parts) {
    const { room, job } = context;
    const { people } = parts;
    this.#context = context;
    this.#room = room;
    this.#reporter = reporter;
    this.#parts = parts;
    this.#disconnect = room.disconnect.bind(room);
    this.#sid = job.room?.sid ?? '';
    room
      .on(RoomEvent.RoomMetadataChanged, (metadata) => this.#note({ change: 'metadata', metadata }))
      .on(RoomEvent.Reconnecting, () => {
        people.isAway = true;
        this.#note({ change: 'reconnecting' });
      })
      .on(RoomEvent.Reconnected, () => {
        this.#note({ change: 'reconnected' });
        people.back();
        void this.#learnSid();
        void this.#returned();
      })
      .on(RoomEvent.Disconnected, (reason) => this.#lost(reason));
  }

  get name(): string {
    return this.#room.name ?? this.#context.job.room?.name ?? '';
  }

  /** @throws StaleDispatchError */
  async connect(signal: AbortSignal, options: ConnectOptions = {}): Promise<void> {
    const { people, tracks } = this.#parts;
    useTwoConnections(this.#room);
    this.#connecting = this.#context.connect(...connectArguments(options));
    await unlessAborted(this.#connecting, signal);
    tracks.connected();
    const sid = await settledWithin(this.#room.getSid(), SID_MS);
    const found = sid.kind === 'settled' ? sid.value : '';
    this.#note({ change: 'connected', sid: found });
    const dispatched = this.#sid;
    if (found !== '') this.#sid = found;
    if (dispatched !== '' && found !== '' && dispatched !== found) {
      this.#isStale = true;
      this.#reporter.send({ type: 'session.end', end: staleDispatch, drain: false });
      throw new StaleDispatchError(`dispatched to room ${dispatched}, which is gone; found ${found}`);
    }
    people.connected();
  }

  async hangUp(strategy: HangUpStrategy, signal: AbortSignal): Promise<HangUpResult> {
    const { rooms, people } = this.#parts;
    const { localParticipant, remoteParticipants, isConnected } = this.#room;
    const { caller } = people.link;
    people.isHungUp = true; // V2
    const isOthers = this.#isStale && remoteParticipants.size > 0; // a new call in a room of the same name
    const result = await rooms.hangUp({
      room: this.name,
      strategy: isOthers ? 'leave' : strategy,
      ...(caller && { caller: caller.identity }),
      ...(localParticipant && { agent: localParticipant.identity }),
      ...(this.#sid !== '' && { roomSid: this.#sid }),
      // Who never came in does not know who waits there.
      ...(isConnected && { sip: [...remoteParticipants.values()].filter(isSip).map((one) => one.identity) }),
      signal,
    });
    people.link.lost();
    if (strategy === 'leave') await settledWithin(this.#disconnect(), LEAVE_MS);
    return result;
  }

  /** Out, and nobody is let go. */
  async leave(): Promise<void> {
    // Who leaves in the middle of a join stays on the server's list for 20 s.
    if (this.#connecting) await settledWithin(this.#connecting, LEAVE_MS);
    await settledWithin(this.#disconnect(), LEAVE_MS);
  }

  #lost(reason: DisconnectReason): void {
    const { people } = this.#parts;
    this.#note({ change: 'disconnected', reason: reasonName(reason) });
    const end = expulsionOf(reason, people.callerIs);
    people.link.lost();
    if (end && !people.isHungUp) this.#reporter.send({ type: 'caller.left', end });
  }

  /** V5. The SDK does not say. */
  async #learnSid(): Promise<void> {
    const { rooms, people } = this.#parts;
    const sid = await rooms.sidOf(this.name, AbortSignal.timeout(RENEW_MS)).catch(() => undefined);
    if (sid === undefined || sid === this.#sid || people.isHungUp) return;
    this.#sid = sid;
    this.#note({ change: 'renewed', sid });
  }

  /** V6. */
  async #returned(): Promise<void> {
    const { people, tracks } = this.#parts;
    const trouble = await tracks.returned();
    if (trouble === undefined || people.isHungUp) return;
    this.#reporter.recorder.append('error', { component: 'track', message: trouble, recoverable: false });
    this.#reporter.send({ type: 'caller.left', end: endOf('system', 'caller_lost', 'platform', trouble) });
  }

  #note(data: EntryData['room']): void {
    this.#reporter.recorder.append('room', data);
  }
}

/** V7. The SDK's context has no such option, so it is added to what it passes on. */
const useTwoConnections = (room: Room): void => {
  const connect = Reflect.get(room, 'connect') as Room['connect'];
  room.connect = (url, token, options) =>
    connect.call(room, url, token, { ...options, singlePeerConnection: false } as RoomOptions);
};
