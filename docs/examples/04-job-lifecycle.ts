/**
 * The job's lifecycle without an AgentSession: an echo participant. A moment before the room is joined, and how it is;
 * metadata, attributes and their changes, an entrypoint for each participant and for each of a kind, text to the room,
 * a shutdown hook, log fields. The session around it has the same states, limits and report as any other; attributes and
 * their changes are in it without a line of code.
 */
import { AutoSubscribe } from '@livekit/agents';
import { type RemoteParticipant, RoomEvent } from '@livekit/rtc-node';
import { type Call, defineSession, runWorker } from 'lastword';
import { echo } from './echo.ts';

const language = 'user.language';
const languageOf = (call: Call): string =>
  call.participant?.attributes[language] ?? (call.metadata as { language?: string }).language ?? 'en';

export default defineSession({
  connect: (call: Call) => {
    call.room.on(RoomEvent.TrackSubscribed, (track, _publication, { identity }) => {
      call.log.info({ identity, kind: track.kind }, 'a track is heard');
    });
    return { autoSubscribe: AutoSubscribe.AUDIO_ONLY };
  },
  participants: [
    async function greet(call: Call, { identity, attributes }: RemoteParticipant) {
      if (identity === 'some-service-bot') return;
      call.attach(`joined ${identity}`, { ...attributes });
      await call.room.localParticipant?.sendText(`Hello, ${identity}!`, { topic: 'greeting' });
    },
    { kind: 'sip', run: (call, { attributes }) => call.attach('number', attributes['sip.phoneNumber'] ?? '') },
    () => {
      throw new Error('an entrypoint that fails harms nobody else');
    },
  ],
  program: async (call: Call) => {
    const { room } = call;
    await room.localParticipant?.setAttributes({ role: 'echo', language: languageOf(call) });
    await room.localParticipant?.sendText('hello world', { topic: 'hello-world' });
    for (const { identity } of room.remoteParticipants.values()) call.log.info({ identity }, 'is there');
    room.on(RoomEvent.ParticipantAttributesChanged, (changed, { identity }) => {
      if (identity === call.participant?.identity && changed[language] !== undefined)
        void room.localParticipant?.setAttributes({ language: changed[language] });
      if (changed['echo'] === 'off') call.end('echo_switched_off');
    });
    // Runs when the caller is gone and the report is sealed; the process ends after 10 s, hook or not.
    call.context.addShutdownCallback(async () => call.log.info({ hook: 'shutdown' }, 'the shutdown hook ran'));
    await echo(room, call.signal);
  },
  hangUp: { normal: 'leave' },
  logFields: (call) => ({ language: languageOf(call), workerId: call.context.workerId, roomName: call.room.name }),
});

runWorker(import.meta.url);
