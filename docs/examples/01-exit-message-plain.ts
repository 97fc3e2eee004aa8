/**
 * The same with the bare SDK, as its documentation has it: the end-call tool, a farewell in `onExit`, the room deleted
 * in a shutdown callback.
 *
 * Not covered: a caller who hangs up is said goodbye to all the same; an error event between tool and close disarms the
 * hang-up; a farewell that cannot be spoken (no voice, nobody subscribed) is waited for without a limit; no report.
 */
import { fileURLToPath } from 'node:url';
import { beta, cli, defineAgent, type JobContext, ServerOptions, voice } from '@livekit/agents';
import { loadVad, models } from './models.ts';

class Receptionist extends voice.Agent {
  constructor() {
    super({
      instructions: 'You are Ada, the receptionist of a small shop. Answer in one short sentence.',
      tools: [beta.createEndCallTool({ endInstructions: null, deleteRoom: true })],
    });
  }

  override async onEnter(): Promise<void> {
    this.session.say('Hello, this is Ada. How can I help you?');
  }

  override async onExit(): Promise<void> {
    const farewell = this.session.say('Thank you for calling. Have a nice day, goodbye.', {
      allowInterruptions: false,
    });
    await farewell.waitForPlayout();
  }
}

export default defineAgent({
  prewarm: loadVad,
  entry: async (context: JobContext) => {
    const session = new voice.AgentSession({
      ...models(context),
      turnHandling: { turnDetection: 'vad', preemptiveGeneration: { enabled: true } },
    });
    // The tool deletes the room when it was the tool that ended the call; other ends have to do it here.
    session.once(voice.AgentSessionEventTypes.Close, ({ reason }) => {
      if (reason === 'user_initiated') return;
      context.addShutdownCallback(async () => context.deleteRoom());
      context.shutdown(reason);
    });
    try {
      await context.connect();
      await context.waitForParticipant();
      await session.start({ agent: new Receptionist(), room: context.room });
    } catch (error) {
      await context.deleteRoom();
      throw error;
    }
  },
});

cli.runApp(
  new ServerOptions({
    agent: fileURLToPath(import.meta.url),
    agentName: process.env['LIVEKIT_AGENT_NAME'] ?? '',
    port: Number(process.env['LASTWORD_PORT'] ?? 8081),
  }),
);
