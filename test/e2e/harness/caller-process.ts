/**
 * A caller: a real WebRTC client with a microphone, in a process of its own, so that it can be killed, and so that what
 * it hears is not measured by a busy test.
 *
 * Owns its room, one decoder for each audio track it hears, and a microphone that never stops: silence is sent as
 * samples, as telephones do; voice detection needs it to see the end of a sentence.
 */
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  DisconnectReason,
  LocalAudioTrack,
  ParticipantKind,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import type { RemoteTrack } from '@livekit/rtc-node';
import { recordingOf, SpeechDecoder } from '../../../src/testing/speech/index.ts';
import type { Recording } from '../../../src/testing/speech/index.ts';
import type { CallerEvent, FromCaller, Microphone, ToCaller, TrackHeard } from './caller-messages.ts';

const EAR_RATE = 16_000;
/** At the end of a call up to one frame is lost; smaller ones cost processor time (10 ms: 19 % of a core a caller, 20 ms: 16 %). */
const EAR_FRAME_MS = 20;
const MOUTH_RATE = 16_000;
const FRAME = MOUTH_RATE / 25;
/** Samples that wait in the native queue: little, so that "said" is true when it is said. */
const MOUTH_QUEUE_MS = 80;
const TELL_EVERY_MS = 100;

type Ear = { participant: string; sid: string; decoder: SpeechDecoder };

const room = new Room();
const ears: Ear[] = [];
const toSay: { said: number; samples: Int16Array; at: number; from?: number }[] = [];
let recordings: Recording[] = [];
const call = { over: false };
let news = false;

const now = () => performance.timeOrigin + performance.now();
// A test that has ended takes no more messages, and that is no failure.
const tell = (message: FromCaller) => process.connected && process.send?.(message, undefined, {}, () => {});
const event = (what: CallerEvent) => tell({ type: 'event', event: what });
const nameOf = (reason: DisconnectReason | undefined) =>
  reason === undefined ? 'UNKNOWN' : (DisconnectReason[reason] ?? String(reason));

function tracks(withRecordings: boolean): TrackHeard[] {
  return ears.map(({ participant, sid, decoder }) => ({
    participant,
    sid,
    ...decoder.heard(),
    recordings: withRecordings ? decoder.recordings() : [],
  }));
}

function tellHeard(withRecordings = false): void {
  const { user, system } = process.cpuUsage();
  tell({ type: 'heard', tracks: tracks(withRecordings), cpuMs: (user + system) / 1000 });
}

async function listen(track: RemoteTrack, ear: Ear): Promise<void> {
  for await (const frame of new AudioStream(track, {
    sampleRate: EAR_RATE,
    numChannels: 1,
    frameSizeMs: EAR_FRAME_MS,
  })) {
    ear.decoder.push(frame.data, now());
    news = true;
  }
}

/** `silent` is a broken microphone: everything is "said", and nothing sounds. */
async function speak(source: AudioSource, microphone: Microphone): Promise<void> {
  while (!call.over) {
    const frame = new Int16Array(FRAME);
    const line = toSay[0];
    if (line) {
      line.from ??= now() + MOUTH_QUEUE_MS;
      if (microphone === 'on') frame.set(line.samples.subarray(line.at, line.at + FRAME));
      line.at += FRAME;
    }
    await source.captureFrame(new AudioFrame(frame, MOUTH_RATE, 1, FRAME));
    if (line?.from !== undefined && line.at >= line.samples.length) {
      toSay.shift();
      event({ kind: 'said', said: line.said, from: line.from, to: now() + MOUTH_QUEUE_MS });
    }
  }
}

async function join(wish: ToCaller & { type: 'join' }): Promise<void> {
  recordings = wish.recordings.map(({ name, wav }) => recordingOf(name, wav));
  room
    .on(RoomEvent.ParticipantConnected, ({ identity, info }) =>
      event({ kind: 'participant.joined', at: now(), identity, agent: info.kind === ParticipantKind.AGENT }),
    )
    .on(RoomEvent.ParticipantDisconnected, ({ identity, disconnectReason }) =>
      event({ kind: 'participant.left', at: now(), identity, reason: nameOf(disconnectReason) }),
    )
    .on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
      if (track.kind !== TrackKind.KIND_AUDIO) return;
      const ear = {
        participant: participant.identity,
        sid: publication.sid ?? '',
        decoder: new SpeechDecoder(EAR_RATE, recordings),
      };
      ears.push(ear);
      event({ kind: 'track.heard', at: now(), participant: ear.participant, sid: ear.sid });
      listen(track, ear).catch((error: unknown) => tell({ type: 'failed', error: `listening: ${String(error)}` }));
    })
    .on(RoomEvent.TrackUnsubscribed, (_track, publication, participant) =>
      event({ kind: 'track.gone', at: now(), participant: participant.identity, sid: publication.sid ?? '' }),
    )
    .on(RoomEvent.DataReceived, (payload, _participant, _kind, topic = '') =>
      event({ kind: 'data', at: now(), topic, text: new TextDecoder().decode(payload) }),
    )
    .on(RoomEvent.ParticipantAttributesChanged, (attributes, { identity }) =>
      event({ kind: 'attributes', at: now(), participant: identity, attributes }),
    )
    .on(RoomEvent.Reconnecting, () => event({ kind: 'reconnecting', at: now() }))
    .on(RoomEvent.Reconnected, () => event({ kind: 'reconnected', at: now() }))
    .on(RoomEvent.Disconnected, (reason) => {
      const at = now();
      call.over = true;
      tellHeard(true);
      event({ kind: 'disconnected', at, reason: nameOf(reason) });
    });
  // Two connections, as browsers and telephones have: with one a restarted server costs about one caller in 25 the
  // microphone (fault T58).
  const options = { autoSubscribe: !wish.isDeaf, dynacast: false, singlePeerConnection: false };
  await room.connect(wish.url, wish.token, options);
  event({ kind: 'joined', at: now() });
  for (const { identity, info } of room.remoteParticipants.values()) {
    event({ kind: 'participant.joined', at: now(), identity, agent: info.kind === ParticipantKind.AGENT });
  }
  if (wish.microphone === 'none') return;
  const source = new AudioSource(MOUTH_RATE, 1, MOUTH_QUEUE_MS);
  const asMicrophone = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
  await room.localParticipant?.publishTrack(LocalAudioTrack.createAudioTrack('microphone', source), asMicrophone);
  event({ kind: 'microphone.on', at: now() });
  await speak(source, wish.microphone);
}

async function receive(message: ToCaller): Promise<void> {
  switch (message.type) {
    case 'join':
      return join(message);
    case 'say': {
      const { sampleRate, samples } = message.wav;
      if (sampleRate !== MOUTH_RATE) throw new Error(`say: expected audio of ${MOUTH_RATE} Hz, got ${sampleRate}`);
      toSay.push({ said: message.said, samples, at: 0 });
      return;
    }
    case 'press':
      return room.localParticipant?.publishDtmf('0123456789*#'.indexOf(message.key), message.key);
    case 'flood': {
      const from = now();
      const { said, characters, everyMs, times } = message;
      const value = 'x'.repeat(characters);
      for (let turn = 0; turn < times; turn += 1) {
        // The server's answer is not waited for: who floods does not either.
        room.localParticipant?.setAttributes({ page: `${turn} ${value}` }).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      event({ kind: 'said', from, to: now(), said });
      return;
    }
    case 'recall':
      tell({ type: 'recalled', request: message.request, tracks: tracks(true) });
      return;
    case 'leave':
      call.over = true;
      await room.disconnect();
  }
}

process.on('message', (message: ToCaller) => {
  receive(message).catch((error: unknown) => {
    // After the end of the call a frame or two of the microphone find no room any more.
    if (!call.over)
      tell({ type: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
// A test that dies takes its callers with it.
process.once('disconnect', () => {
  call.over = true;
  const exit = () => process.exit(0);
  room.disconnect().then(exit, exit);
  setTimeout(exit, 1000);
});
tell({ type: 'ready' });
setInterval(() => {
  if (!news) return;
  news = false;
  tellHeard();
}, TELL_EVERY_MS).unref();
