/** An agent that hands its caller to somebody at a desk, as the job's metadata says, and goes on when nobody takes them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { llm, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';
import { currentCall, defineSession, endSessionTool, runWorker } from '../../../src/index.ts';
import type { DeploymentWish } from '../harness/wishes.ts';
import { warmFor } from './calls-to-come.ts';

export type DeskWish = { confirm?: boolean | 'hangs' };
/** A person hears who it is before they decline; who is sent away in the moment of joining has not joined. */
const DECIDES_MS = 1_000;

const wish = JSON.parse(process.env['LASTWORD_TEST'] ?? '{}') as DeploymentWish;

const handOver = llm.tool({
  name: 'hand_over',
  description: 'Hands the caller to somebody at the desk.',
  execute: async () => {
    const call = currentCall();
    const { confirm } = call.metadata as DeskWish;
    const { outcome } = await call.transfer({
      participant: 'desk',
      ...(confirm !== undefined && {
        confirm: () => (confirm === 'hangs' ? new Promise<boolean>(() => {}) : sleep(DECIDES_MS, confirm)),
      }),
    });
    return outcome;
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
  agent: () => new voice.Agent({ instructions: 'You play a script.', tools: [handOver, endSessionTool()] }),
  greeting: { say: 'Hello, this is Ada.' },
  goodbye: { say: 'Thank you for calling. Goodbye.' },
  ...(wish.hangUp && { hangUp: wish.hangUp }),
  policy: wish.policy ?? {},
});
warmFor(wish.calls);
runWorker(import.meta.url, {
  agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
  port: Number(process.env['LASTWORD_TEST_PORT']),
  server: { numIdleProcesses: wish.idleProcesses ?? 1 },
});
