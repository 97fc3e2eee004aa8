/**
 * The tracks of a room: what the agent publishes and whether anybody subscribed, what the caller publishes and whether
 * we hear it. The SDK publishes in a task that nobody awaits, so a track that fails is silence without an event (fault
 * T6), and speech parks for ever before a track that nobody subscribed (T5). Who had to join anew publishes anew, and
 * about one time in 25 the client never does (T58): it says "reconnected", and nothing of it is ever sent again. No
 * further publication and no further reconnect goes through then; both were tried.
 */
import { type RemoteParticipant, type Room, RoomEvent, TrackKind } from '@livekit/rtc-node';
import { messageOf } from '../../errors/thrown.ts';
import { settledWithin } from '../../waiting/deadline.ts';
import type { Recorder } from '../../session/ports.ts';
import type { TrackOf } from '../venue.ts';

/** Names of tracks: the SDK's for the session's voice, and ours. */
const names = { voice: 'roomio_audio', 'own track': 'lastword' } as const;
/** When to look after a reconnect. What is published anew is sent after 50 to 100 ms; the rest is for busy machines. */
const LOOKS_MS = [500, 500, 1000, 1000, 1000];
const STATS_MS = 1000;

export type RoomTracks = {
  /** Once the room is joined, and before anything is published. */
  connected(): void;
  /** Is there a track of ours that somebody could hear, or one on its way? */
  isPublishing(): boolean;
  /** Has this somebody ever published audio? */
  hasPublished(identity: string): boolean;
  trouble(track: TrackOf, caller: RemoteParticipant | undefined): string | undefined;
  /**
   * After a reconnect. Resolves within 9 s: with what is wrong when nothing of ours is sent any more, with undefined when
   * something is, when nothing is published, and when the client does not say.
   */
  returned(): Promise<string | undefined>;
};

export function roomTracks(room: Room, recorder: Pick<Recorder, 'append'>): RoomTracks {
  /** What is being published or was, by name, and why it could not be. */
  const published = new Map<string, 'under way' | 'done' | { failed: string }>();
  const subscribed = new Set<string>();
  const audible = new Set<string>();
  room
    .on(RoomEvent.TrackPublished, ({ kind }, { identity }) => {
      if (kind === TrackKind.KIND_AUDIO) audible.add(identity);
    })
    // Of those who were there before us only this is told.
    .on(RoomEvent.TrackSubscribed, ({ kind }, _publication, { identity }) => {
      if (kind === TrackKind.KIND_AUDIO) audible.add(identity);
    });

  const ofOurs = (name: string): string | undefined => {
    const state = published.get(name);
    if (state === undefined || subscribed.has(name)) return undefined; // not asked for, or heard
    if (state === 'under way') return 'the track of the agent is not published yet';
    if (state === 'done') return 'the track of the agent is published, and nobody subscribed to it';
    return `the track of the agent could not be published: ${state.failed}`;
  };
  const ofCaller = (caller: RemoteParticipant | undefined): string | undefined => {
    if (!caller) return undefined;
    const audio = [...caller.trackPublications.values()].filter(({ kind }) => kind === TrackKind.KIND_AUDIO);
    if (audio.length === 0) return 'the caller has published no audio track';
    const isHeard = audio.some(({ track }) => track !== undefined);
    return isHeard ? undefined : 'the audio track of the caller is not subscribed';
  };
  /** A client that does not answer is not called broken. */
  const isSending = async (): Promise<boolean> => {
    const asked = await settledWithin((async () => room.getRtcStats())(), STATS_MS);
    if (asked.kind !== 'settled') return true;
    const { publisherStats, subscriberStats } = asked.value; // one connection serves both ways
    return [...publisherStats, ...subscriberStats].some(({ stats }) => stats.case === 'outboundRtp');
  };

  return {
    returned: async () => {
      for (const ms of LOOKS_MS) {
        await new Promise((resolve) => setTimeout(resolve, ms));
        const hasPublished = (room.localParticipant?.trackPublications.size ?? 0) > 0; // also while it is published anew
        if (!room.isConnected || !hasPublished || (await isSending())) return undefined;
      }
      return 'after the reconnect the audio of the agent was not published again';
    },
    connected: () => {
      const { localParticipant } = room;
      if (!localParticipant) return;
      const publish = localParticipant.publishTrack.bind(localParticipant);
      localParticipant.publishTrack = async (track, options) => {
        const name = track.name ?? '';
        published.set(name, 'under way');
        const failed = (error: unknown): string => {
          const why = messageOf(error);
          recorder.append('error', { component: 'track', message: `${name}: ${why}`, recoverable: true });
          return why;
        };
        try {
          const publication = await publish(track, options).catch((error: unknown) => {
            failed(error);
            return publish(track, options); // once more: nobody else would try
          });
          published.set(name, 'done');
          void publication.waitForSubscription().then(() => subscribed.add(name));
          return publication;
        } catch (error) {
          published.set(name, { failed: failed(error) });
          throw error;
        }
      };
    },
    isPublishing: () => [...published.values()].some((state) => typeof state === 'string'),
    hasPublished: (identity) => audible.has(identity),
    trouble: (which, caller) => (which === 'microphone' ? ofCaller(caller) : ofOurs(names[which])),
  };
}
