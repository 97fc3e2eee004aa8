/** The peer of the benchmark: the bare SDK with its own end-call tool, and everything else as in the scripted agent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beta, cli, defineAgent, type JobContext, ServerOptions, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';

export default defineAgent({
  prewarm: async (proc) => {
    await sleep(Number(process.env['LASTWORD_TEST_PREWARM'] ?? 0));
    proc.userData['vad'] = await silero.VAD.load();
  },
  entry: async (context: JobContext) => {
    await context.connect();
    process.stdout.write(`job: ${context.job.room?.name} ${process.pid}\n`); // for whoever kills it
    const lab = (provider: string) => `${process.env['LASTWORD_TEST_LAB']}/${context.job.room?.name}/${provider}`;
    const session = new voice.AgentSession({
      vad: context.proc.userData['vad'] as silero.VAD,
      stt: new openai.STT({ useRealtime: false, baseURL: lab('openai/v1'), apiKey: 'lab' }),
      llm: new openai.LLM({ model: 'lab', baseURL: lab('openai/v1'), apiKey: 'lab' }),
      tts: new cartesia.TTS({ baseUrl: lab('cartesia'), apiKey: 'lab' }),
      useTtsAlignedTranscript: false, // without it the bare SDK loses what was said (sdk-facts, 2.7)
      turnHandling: { turnDetection: 'vad' },
    });
    const agent = new voice.Agent({ instructions: 'You play a script.', tools: [beta.createEndCallTool()] });
    await session.start({ agent, room: context.room });
    await context.waitForParticipant();
    session.say('Hello, this is Ada.');
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cli.runApp(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
      port: Number(process.env['LASTWORD_TEST_PORT']),
      ...(process.env['LASTWORD_TEST_IDLE'] !== 'default' && { numIdleProcesses: 1 }),
      loadFunc: async () => 0, // the default refuses calls in silence on two busy cores
    }),
  );
}
