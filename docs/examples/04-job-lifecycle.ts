/**
 * The job's lifecycle without an AgentSession: an echo participant. Metadata, attributes and their changes, an
 * entrypoint for each participant, a shutdown hook. The session around it has the same states, limits and report as any
 * other; attributes and their changes are in it without a line of code.
 */
import { RoomEvent } from '@livekit/rtc-node';
import { type Call, defineSession, runWorker } from 'lastword';
import { echo } from './echo.ts';

export default defineSession({
  participants: [
    (call, participant) => call.attach(`joined ${participant.identity}`, { ...participant.attributes }),
    () => {
      throw new Error('an entrypoint that fails harms nobody else');
    },
  ],
  program: async (call: Call) => {
    const { language = 'en' } = call.metadata as { language?: string };
    await call.room.localParticipant?.setAttributes({ role: 'echo', language });
    call.room.on(RoomEvent.ParticipantAttributesChanged, (changed) => {
      if (changed['echo'] === 'off') call.end('echo_switched_off');
    });
    // Runs when the caller is gone and the report is sealed; the process ends after 10 s, hook or not.
    call.context.addShutdownCallback(async () => call.log.info({ hook: 'shutdown' }, 'the shutdown hook ran'));
    await echo(call.room, call.signal);
  },
  hangUp: { normal: 'leave' },
  logFields: (call) => ({ language: (call.metadata as { language?: string }).language ?? 'en' }),
});

runWorker(import.meta.url);
