/**
 * The same with the bare SDK. A hook of the SDK that throws is swallowed without an event or a line in the log, and one
 * that hangs hangs every way to close; so each is run by `bounded`. The farewell has to be said by whichever agent is
 * active at the end, and by none that leaves in a handoff.
 *
 * Not covered: the caller who hangs up and is said goodbye to; a goodbye that cannot be played; the report.
 */
import { fileURLToPath } from 'node:url';
import { beta, cli, defineAgent, type JobContext, llm, log, ServerOptions, voice } from '@livekit/agents';
import { loadVad, models } from './models.ts';

const HOOK_MS = 3000;
const visited: string[] = [];
let isEnding = false;

async function bounded(hook: string, run: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${HOOK_MS} ms`)), HOOK_MS);
  });
  try {
    await Promise.race([run(), late]);
  } catch (error) {
    log().error({ hook, error }, 'a hook failed');
  } finally {
    clearTimeout(timer);
  }
}

const endCall = () =>
  beta.createEndCallTool({
    endInstructions: null,
    onToolCalled: () => {
      isEnding = true;
    },
  });

const sayGoodbye = async ({ session }: voice.Agent): Promise<void> => {
  if (!isEnding) return;
  await session.say('Thank you for calling. Have a nice day, goodbye.', { allowInterruptions: false }).waitForPlayout();
};

type Caller = { userName: string };

const callerOf = (metadata: string): Caller => {
  try {
    return { userName: 'the caller', ...(JSON.parse(metadata) as Partial<Caller>) };
  } catch {
    return { userName: 'the caller' };
  }
};

class Billing extends voice.Agent {
  constructor() {
    super({ instructions: 'You are Bea of the billing department.', tools: [endCall()] });
  }

  override onEnter(): Promise<void> {
    return bounded('onEnter', async () => void this.session.say('Billing, this is Bea.'));
  }

  override onExit(): Promise<void> {
    return bounded('onExit', async () => {
      visited.push('billing');
      await sayGoodbye(this);
    });
  }
}

class FrontDesk extends voice.Agent<Caller> {
  constructor() {
    super({
      instructions: 'You are Ada at the front desk. Pass questions about invoices on to billing.',
      tools: [
        endCall(),
        llm.tool({
          name: 'transfer_to_billing',
          description: 'Passes the caller on to the billing department.',
          execute: async () => llm.handoff({ agent: new Billing() }),
        }),
      ],
    });
  }

  override onEnter(): Promise<void> {
    const { userName } = this.session.userData;
    const instructions = `Greet ${userName} personally and offer your assistance.`;
    return bounded('onEnter', async () => void this.session.generateReply({ instructions }));
  }

  override onExit(): Promise<void> {
    return bounded('onExit', async () => {
      visited.push('front desk');
      await sayGoodbye(this);
    });
  }

  override onUserTurnCompleted(context: llm.ChatContext): Promise<void> {
    return bounded('onUserTurnCompleted', async () => {
      context.addMessage({ role: 'system', content: `The time is ${new Date().toISOString()}.` });
    });
  }
}

export default defineAgent({
  prewarm: loadVad,
  entry: async (context: JobContext) => {
    const session = new voice.AgentSession({ ...models(context), userData: callerOf(context.job.metadata) });
    session.once(voice.AgentSessionEventTypes.Close, ({ reason }) => {
      log().info({ visited, reason }, 'the call is over');
      if (isEnding) return; // the tool deletes the room
      context.addShutdownCallback(async () => context.deleteRoom());
      context.shutdown(reason);
    });
    try {
      await context.connect();
      await context.waitForParticipant();
      await session.start({ agent: new FrontDesk(), room: context.room });
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
