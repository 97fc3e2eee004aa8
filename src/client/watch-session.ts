/**
 * `lastword/client`: what a browser shows of a call, beside livekit-client. It imports nothing, and is at most 1 kB.
 *
 *   W1  Believed is the server, which has no identity, and an agent: LiveKit writes the sender on each packet, and the kind
 *       stands in a token. Others in the room may send whatever they like on this topic.
 *   W2  A packet may come after its agent has left: an identity that was an agent's stays one.
 *   W3  Told that another job is on its way, and never that it is heard (a connection that was away): a later epoch that
 *       converses says it, too.
 *   W4  Nothing is thrown at whoever delivers an event, whatever came and whatever the app's own code does.
 */

/** Where a session is. */
export type SessionState = {
  session: string;
  /** Which process: 1, and one more after each crash. */
  epoch: number;
  /** The state by its top name: `greeting`, `conversing`, `ending`, … */
  state: string;
};
/** Why it ended, in the words of the report; nothing else of it is told. */
export type EndOfSession = { session: string; reason: string; by: string };

/** What the app shows. Each is optional, and each is about one session: a room may have several. */
export type SessionWatch = {
  /** The agent says where it is. Told of what is there already, and of each change. */
  onState?: (state: SessionState) => void;
  /** The agent's process died, and another one is called for: one moment. */
  onResuming?: (session: string) => void;
  /** The next process is heard: the call goes on. Only after `onResuming`. */
  onResumed?: (session: string) => void;
  /** The call is over; the disconnect follows. Once. */
  onEnded?: (end: EndOfSession) => void;
};

/** Of livekit-client's participants what is looked at. */
export type WatchedParticipant = {
  identity: string;
  isAgent: boolean;
  attributes: Readonly<Record<string, string>>;
};
type WatchedEvent = 'connected' | 'reconnected' | 'participantConnected' | 'participantAttributesChanged';
type DataListener = (
  payload: Uint8Array,
  participant?: WatchedParticipant,
  kind?: unknown,
  topic?: string,
  encryption?: unknown,
  identity?: string,
) => void;
/** livekit-client's `Room`, or whatever has as much of it. */
export type WatchedRoom = {
  remoteParticipants: ReadonlyMap<string, WatchedParticipant>;
  on(event: 'dataReceived', listener: DataListener): unknown;
  on(event: WatchedEvent, listener: () => void): unknown;
  off(event: 'dataReceived', listener: DataListener): unknown;
  off(event: WatchedEvent, listener: () => void): unknown;
};

const changes = ['connected', 'reconnected', 'participantConnected', 'participantAttributesChanged'] as const;

type Known = { epoch: number; state?: string; resumingFrom?: number; isEnded?: boolean };

/**
 * *Effect.* Tells what happens to the session in this room, from now on and before it is joined, too.
 * @returns what ends it: nothing is told after that, and no listener is left
 */
export function watchSession(room: WatchedRoom, watch: SessionWatch): () => void {
  const sessions = new Map<string, Known>();
  const agents = new Set<string>();

  const guarded = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      console.error('lastword/client', error); // W4
    }
  };
  const knownOf = (session: string): Known => {
    const known = sessions.get(session) ?? { epoch: 0 };
    sessions.set(session, known);
    return known;
  };
  const resumed = (session: string, known: Known): void => {
    if (known.resumingFrom === undefined) return;
    delete known.resumingFrom;
    watch.onResumed?.(session);
  };

  const look = (): void =>
    room.remoteParticipants.forEach(({ identity, isAgent, attributes }) =>
      guarded(() => {
        if (!isAgent) return;
        agents.add(identity); // W2
        const { 'lastword.session': session, 'lastword.state': state, 'lastword.epoch': number } = attributes;
        const epoch = Number(number);
        if (!session || !state || !(epoch > 0)) return;
        const known = knownOf(session);
        if (epoch < known.epoch || (epoch === known.epoch && state === known.state)) return;
        known.epoch = epoch;
        known.state = state;
        watch.onState?.({ session, epoch, state });
        if (state === 'conversing' && epoch > (known.resumingFrom ?? epoch)) resumed(session, known); // W3
      }),
    );

  const onData: DataListener = (payload, participant, _kind, topic, _encryption, identity) => {
    if (topic !== 'lastword.session') return;
    look();
    if (participant ? !participant.isAgent : identity && !agents.has(identity)) return; // W1
    guarded(() => {
      const { type, session, reason, by } = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
      if (typeof session !== 'string') return;
      const known = knownOf(session);
      if (known.isEnded) return;
      if (type === 'session.resuming') {
        known.resumingFrom = known.epoch;
        watch.onResuming?.(session);
      } else if (type === 'session.resumed') resumed(session, known);
      else if (type === 'session.ended' && typeof reason === 'string' && typeof by === 'string') {
        known.isEnded = true;
        watch.onEnded?.({ session, reason, by });
      }
    });
  };

  for (const event of changes) room.on(event, look);
  room.on('dataReceived', onData);
  look();
  return () => {
    for (const event of changes) room.off(event, look);
    room.off('dataReceived', onData);
  };
}
