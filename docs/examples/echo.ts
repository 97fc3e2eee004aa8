/** The same for 04 and its counterpart: sends the first audio track of the room back to it. */
import {
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  type RemoteTrack,
  type Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';

const RATE = 24_000;

/** Until aborted, or until the track ends. */
export async function echo(room: Room, signal: AbortSignal): Promise<void> {
  const source = new AudioSource(RATE, 1);
  const track = LocalAudioTrack.createAudioTrack('echo', source);
  const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
  await room.localParticipant?.publishTrack(track, options);
  const reader = new AudioStream(await firstAudio(room, signal), RATE, 1).getReader();
  const stop = () => void reader.cancel();
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await source.captureFrame(value);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await source.close();
  }
}

function firstAudio(room: Room, signal: AbortSignal): Promise<RemoteTrack> {
  for (const participant of room.remoteParticipants.values()) {
    for (const { kind, track } of participant.trackPublications.values()) {
      if (kind === TrackKind.KIND_AUDIO && track) return Promise.resolve(track as RemoteTrack);
    }
  }
  return new Promise((resolve, reject) => {
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind === TrackKind.KIND_AUDIO) resolve(track);
    });
    signal.addEventListener('abort', () => reject(new Error('the call ended before there was any audio')));
  });
}
