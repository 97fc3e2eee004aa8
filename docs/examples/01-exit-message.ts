/**
 * The exit message. The model calls `end_session`; what is said and done may finish, the goodbye is spoken once and
 * whole, the caller is let go.
 */
import { voice } from '@livekit/agents';
import { defineSession, endSessionTool, runWorker } from 'lastword';
import { loadVad, models } from './models.ts';

export default defineSession({
  prewarm: loadVad,
  session: (call) => ({
    ...models(call),
    turnHandling: { turnDetection: 'vad', preemptiveGeneration: { enabled: true } },
  }),
  agent: () =>
    new voice.Agent({
      instructions: 'You are Ada, the receptionist of a small shop. Answer in one short sentence.',
      tools: [endSessionTool()],
    }),
  greeting: { say: 'Hello, this is Ada. How can I help you?' },
  logFields: ({ room }) => ({ roomName: room.name }),
  goodbye: { say: 'Thank you for calling. Have a nice day, goodbye.' },
});

runWorker(import.meta.url);
