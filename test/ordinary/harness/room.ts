/**
 * A room for the SDK's own RoomIO and for our own venue, in this process: it takes tracks, text and attributes, and the
 * server's API is a stand-in on loopback. Sound really goes into an audio source, which plays it at its own pace.
 */
import { EventEmitter } from 'node:events';
import { JobContext, type JobProcess, voice } from '@livekit/agents';
import { DisconnectReason, ParticipantKind, RoomEvent, TrackKind, TrackSource } from '@livekit/rtc-node';
import { type StandIn, startStandIn } from '../../unit/twirp-stand-in.ts';
import { textOf } from '../../faults/models.ts';
import { addedTo, type Sound, type Soundtrack } from './soundtrack.ts';

type TextHandler = (reader: { readAll: () => Promise<string>; info: object }, from: { identity: string }) => void;

/** Source `unknown`: RoomIO would open a stream of it. */
const microphone = { kind: TrackKind.KIND_AUDIO, source: TrackSource.SOURCE_UNKNOWN, track: {} };

export class MediaRoom extends EventEmitter {
  readonly name = 'room';
  readonly metadata = '';
  isConnected = true;
  readonly server: StandIn;
  readonly caller = {
    identity: 'caller',
    sid: 'PA_1',
    info: { kind: ParticipantKind.STANDARD },
    attributes: {},
    metadata: '',
    trackPublications: new Map([['TR_1', microphone]]),
    disconnectReason: undefined as DisconnectReason | undefined,
  };
  readonly remoteParticipants = new Map([['caller', this.caller]]);
  readonly localParticipant = {
    identity: 'agent',
    attributes: {},
    trackPublications: new Map<string, object>(),
    publishTrack: async () => ({ sid: 'TR_2', waitForSubscription: async () => {} }),
    unpublishTrack: async () => {},
    publishData: async () => {},
    publishTranscription: async () => {},
    setAttributes: async () => {},
    streamText: async () => ({ write: async () => {}, close: async () => {} }),
  };
  readonly #texts = new Map<string, TextHandler>();

  constructor(server: StandIn) {
    super();
    this.setMaxListeners(50);
    this.server = server;
    server.rooms.set(this.name, [{ identity: 'caller', sid: 'PA_1', kind: 'STANDARD' }]);
  }

  connect = async (): Promise<void> => {};
  disconnect = async (): Promise<void> => {};
  getSid = async (): Promise<string> => 'RM_1';
  registerTextStreamHandler = (topic: string, handle: TextHandler): void => void this.#texts.set(topic, handle);
  unregisterTextStreamHandler = (topic: string): void => void this.#texts.delete(topic);
  registerByteStreamHandler = (): void => {};

  /** The caller types: as LiveKit's components send it. False when nobody takes it. */
  types(text: string): boolean {
    const handle = this.#texts.get('lk.chat');
    handle?.({ readAll: async () => text, info: {} }, this.caller);
    return handle !== undefined;
  }

  callerLeaves(): void {
    this.caller.disconnectReason = DisconnectReason.CLIENT_INITIATED;
    this.remoteParticipants.delete('caller');
    this.emit(RoomEvent.ParticipantDisconnected, this.caller);
  }
}

export async function mediaRoom(): Promise<MediaRoom & AsyncDisposable> {
  const server = await startStandIn();
  return Object.assign(new MediaRoom(server), { [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
}

export const contextIn = (room: MediaRoom, id: string): JobContext =>
  new JobContext(
    { userData: {} } as JobProcess,
    {
      acceptArguments: { name: '', identity: 'agent', metadata: '' },
      job: { id, agentName: '', metadata: '', attributes: {}, room: { name: room.name, sid: 'RM_1' } } as never,
      url: room.server.url,
      token: '',
      workerId: 'worker',
      apiKey: 'key',
      apiSecret: 'a secret of at least 32 characters',
    },
    room as never,
    () => {},
    () => {},
    undefined as never,
  );

/** Whatever comes out of a session's output, at the end of its chain, onto the soundtrack. */
export function hear(output: voice.AudioOutput | null | undefined, soundtrack: Soundtrack): void {
  if (!output) return;
  const next = Reflect.get(output, 'nextInChain') as voice.AudioOutput | undefined;
  if (next) return hear(next, soundtrack);
  let text = '';
  let sound: Sound | undefined;
  const capture = output.captureFrame.bind(output);
  output.captureFrame = (frame) => {
    text = text === '' ? textOf(frame.data) : addedTo(text, frame.data);
    if (sound) sound.text = text;
    return capture(frame);
  };
  output.on(voice.AudioOutput.EVENT_PLAYBACK_STARTED, () => (sound = soundtrack.begin('agent', text)));
  output.on(voice.AudioOutput.EVENT_PLAYBACK_FINISHED, ({ interrupted }: { interrupted: boolean }) => {
    if (sound) soundtrack.end(sound, interrupted);
    sound = undefined;
    text = '';
  });
}
