/**
 * The same with the bare SDK, as its field guide on exceptions in the entrypoint has it: catch, apologise through an
 * AgentSession that exists for nothing else, remove the SIP participant or delete the room.
 *
 * Not covered: an apology without a working voice; a start that hangs instead of throwing; what happens before the
 * entrypoint (prewarm, import); whether the caller is really gone; the report.
 */
import { fileURLToPath } from 'node:url';
import { beta, cli, defineAgent, type JobContext, log, ServerOptions, voice } from '@livekit/agents';
import { ParticipantKind } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';
import { loadVad, models, voiceOfCartesia } from './models.ts';

const APOLOGY_MS = 8000;
const HANG_UP_SECONDS = 3;
const tenants = new Map([['bakery', 'You take orders for a bakery.']]);

function instructionsFor({ job }: JobContext): string {
  let tenant = '';
  try {
    tenant = (JSON.parse(job.metadata) as { tenant?: string }).tenant ?? '';
  } catch {
    log().warn('the metadata of the job is no JSON');
  }
  const instructions = tenants.get(tenant);
  if (!instructions) throw new Error(`no such tenant: "${tenant}"`);
  return instructions;
}

class Receptionist extends voice.Agent {
  constructor(instructions: string) {
    super({ instructions, tools: [beta.createEndCallTool()] });
  }

  override async onEnter(): Promise<void> {
    this.session.say('Good morning, what can I get you?');
  }
}

async function apologise(context: JobContext): Promise<void> {
  const session = new voice.AgentSession({ vad: null, tts: voiceOfCartesia() });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, APOLOGY_MS);
  });
  const speak = async () => {
    await session.start({ agent: new voice.Agent({ instructions: '' }), room: context.room });
    await session.say('Sorry, nobody can take your call.', { allowInterruptions: false }).waitForPlayout();
  };
  try {
    await Promise.race([speak(), late]);
  } catch (error) {
    log().error({ error: String(error) }, 'the apology could not be spoken');
  } finally {
    clearTimeout(timer);
  }
}

async function hangUp({ info, room }: JobContext): Promise<void> {
  const rooms = new RoomServiceClient(info.url, info.apiKey, info.apiSecret, { requestTimeout: HANG_UP_SECONDS });
  try {
    if (process.env['ON_FAILURE'] !== 'remove-sip') return await rooms.deleteRoom(room.name ?? '');
    for (const { identity, info: facts } of room.remoteParticipants.values()) {
      if (facts.kind === ParticipantKind.SIP) await rooms.removeParticipant(room.name ?? '', identity);
    }
  } catch (error) {
    log().error({ error: String(error) }, 'the hang-up failed');
  }
}

export default defineAgent({
  prewarm: loadVad,
  entry: async (context: JobContext) => {
    await context.connect();
    const session = new voice.AgentSession(models(context));
    session.once(voice.AgentSessionEventTypes.Close, ({ reason }) => {
      if (reason !== 'user_initiated') context.shutdown(reason);
    });
    try {
      await context.waitForParticipant();
      const agent = new Receptionist(instructionsFor(context));
      await session.start({ agent, room: context.room, inputOptions: { deleteRoomOnClose: true } });
    } catch (error) {
      log().error({ error: String(error) }, 'the start failed');
      await apologise(context);
      await hangUp(context);
      context.shutdown('startup_failed');
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
