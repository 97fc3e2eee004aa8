/** An agent that ends its calls by the SDK's own means, as the job's metadata says, and tells what it could do afterwards. */
import { beta, getJobContext, llm, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';
import { RoomServiceClient } from 'livekit-server-sdk';
import { type Call, currentCall, defineSession, runWorker } from '../../../src/index.ts';
import type { DeploymentWish } from '../harness/wishes.ts';
import { warmFor } from './calls-to-come.ts';

const wish = JSON.parse(process.env['LASTWORD_TEST'] ?? '{}') as DeploymentWish;
const sessionOf = (call: Call) => call.session as voice.AgentSession;
const say = (text: string) => process.stdout.write(`told: ${text}\n`);

const ways = {
  'ctx.shutdown': () => getJobContext().shutdown('caller is done'),
  'session.shutdown': (call: Call) => sessionOf(call).shutdown({ drain: true }),
  'session.close': async (call: Call) => {
    sessionOf(call).shutdown();
    await sessionOf(call).close();
  },
  'room.disconnect': (call: Call) => call.room.disconnect(),
  'ctx.deleteRoom': () => getJobContext().deleteRoom(),
  'RoomServiceClient.deleteRoom': ({ context, room }: Call) => {
    const { url, apiKey, apiSecret } = context.info;
    return new RoomServiceClient(url, apiKey, apiSecret).deleteRoom(room.name ?? '');
  },
  /** As programs do that watch their session. */
  'close from a timer': (call: Call) => {
    setTimeout(async () => {
      await sessionOf(call).close();
      await new Promise((resolve) => setTimeout(resolve, 500));
      say(`${call.context.makeSessionReport().chatHistory.items.length > 0 ? 'a report' : 'nothing'} of ${call.id}`);
      call.context.shutdown('time is up');
    }, 500);
  },
};
export type OwnEndWish = { end: keyof typeof ways } | { end: 'end_call'; deleteRoom: boolean };
const wishOf = (call: Call) => call.metadata as OwnEndWish;

const hangUp = llm.tool({
  name: 'hang_up',
  description: 'Ends the call.',
  execute: async () => {
    const call = currentCall();
    const { end } = wishOf(call);
    if (end !== 'end_call') await ways[end](call);
    return 'done';
  },
});

export default defineSession({
  prewarm: async (proc) => {
    proc.userData['vad'] = await silero.VAD.load();
    process.stdout.write(`warm: ${process.pid}\n`); // for deployment.warm
  },
  session: (call) => {
    const lab = (provider: string) => `${process.env['LASTWORD_TEST_LAB']}/${call.job.room?.name}/${provider}`;
    return {
      vad: call.proc.userData['vad'] as silero.VAD,
      stt: new openai.STT({ useRealtime: false, baseURL: lab('openai/v1'), apiKey: 'lab' }),
      llm: new openai.LLM({ model: 'lab', baseURL: lab('openai/v1'), apiKey: 'lab' }),
      tts: new cartesia.TTS({ baseUrl: lab('cartesia'), apiKey: 'lab' }),
      turnHandling: { turnDetection: 'vad' },
    };
  },
  agent: (call) => {
    const wanted = wishOf(call);
    call.context.addShutdownCallback(async () => void say(`callback of ${call.id}`));
    // As existing programs do: whatever ended the session, the job shuts down and the room goes.
    if (wanted.end === 'session.shutdown') {
      setImmediate(() =>
        call.session?.on(voice.AgentSessionEventTypes.Close, async () => {
          await call.context.deleteRoom();
          say(`closed ${call.id}`);
          call.context.shutdown('session closed');
        }),
      );
    }
    const endCall = beta.createEndCallTool({ deleteRoom: wanted.end !== 'end_call' || wanted.deleteRoom });
    return new voice.Agent({ instructions: 'You play a script.', tools: [hangUp, endCall] });
  },
  greeting: { say: 'Hello, this is Ada.' },
  ...(wish.goodbye && { goodbye: wish.goodbye }),
  ...(wish.hangUp && { hangUp: wish.hangUp }),
  policy: wish.policy ?? {},
});
warmFor(wish.calls);
runWorker(import.meta.url, {
  agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
  port: Number(process.env['LASTWORD_TEST_PORT']),
  server: { numIdleProcesses: wish.idleProcesses ?? 1 },
});
