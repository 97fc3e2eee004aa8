/**
 * The agent of the end-to-end lane: silero, OpenAI and Cartesia against the provider lab, one channel of it for each
 * room. What differs between deployments comes by environment (LASTWORD_TEST), what differs between calls by the job's
 * metadata.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { llm, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';
import * as z from 'zod';
import {
  type Call,
  currentCall,
  defineSession,
  endSessionTool,
  file,
  runWorker,
  type SessionDefinition,
} from '../../../src/index.ts';
import type { CallWish, DeploymentWish } from '../harness/wishes.ts';
import { warmFor } from './calls-to-come.ts';
import { OwnOutput } from './own-output.ts';

const wish = JSON.parse(process.env['LASTWORD_TEST'] ?? '{}') as DeploymentWish;
const wishOf = (call: Call): CallWish =>
  (typeof call.metadata === 'object' && call.metadata !== null ? call.metadata : {}) as CallWish;
const isJob = (process.argv[1] ?? '').includes('job_proc');
if (wish.import === 'throws' || (wish.import === 'throws in the job' && isJob))
  throw new Error('planted: the agent file throws on import');
if (wish.import === 'slow in the job' && isJob) await sleep(3000);

const hoard: Buffer[] = [];
const blockFor = (ms: number) => {
  const until = Date.now() + ms;
  while (Date.now() < until);
};

class Scripted extends voice.Agent {
  constructor() {
    super({
      instructions: 'You play a script.',
      tools: [
        endSessionTool(),
        llm.tool({
          name: 'look_up_opening_hours',
          description: 'Looks up the opening hours.',
          execute: async () => 'nine to five',
        }),
        llm.tool({
          name: 'take_time',
          description: 'Looks something up, and takes its time.',
          parameters: z.object({ ms: z.number() }),
          execute: async ({ ms }) => {
            await sleep(ms);
            return 'found';
          },
        }),
        llm.tool({ name: 'hang', description: 'Never answers.', execute: () => new Promise<string>(() => {}) }),
        llm.tool({
          name: 'switch_voice',
          description: 'Switches the voice of the agent off and on.',
          parameters: z.object({ isOn: z.boolean() }),
          execute: async ({ isOn }) => {
            currentCall().session?.output.setAudioEnabled(isOn);
            return 'done';
          },
        }),
        llm.tool({
          name: 'block',
          description: 'Blocks the event loop.',
          execute: async () => {
            blockFor(wishOf(currentCall()).blockMs ?? 3_600_000);
            return 'done';
          },
        }),
        llm.tool({
          name: 'hoard',
          description: 'Takes memory, and keeps it; `more` of it when there is a file of this path.',
          parameters: z.object({ mb: z.number(), when: z.string().optional(), more: z.number().optional() }),
          execute: async ({ mb, when, more }) => {
            const take = (all: number) => {
              while (process.memoryUsage.rss() < all * 1024 * 1024) hoard.push(Buffer.alloc(16 * 1024 * 1024, 1));
            };
            take(mb);
            const isTime = () => when === undefined || existsSync(when);
            while (!isTime()) await sleep(10);
            take(more ?? mb);
            return 'done';
          },
        }),
        llm.tool({
          name: 'throw_later',
          description: 'Throws out of a timer.',
          execute: async () => {
            setTimeout(() => {
              throw new Error('planted: out of a timer');
            }, 100);
            return 'done';
          },
        }),
      ],
    });
  }

  override async onEnter(): Promise<void> {
    const { greeting } = wishOf(currentCall());
    if (wish.greeting === 'agent' && greeting !== undefined) this.session.say(greeting);
  }
}

/** Does something so many milliseconds after the first audio of the n-th speech. */
function whileSpeaking(call: Call, { speech, afterMs }: { speech: number; afterMs: number }, act: () => void): void {
  let speeches = 0;
  call.session?.on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    if (newState !== 'speaking') return;
    speeches += 1;
    if (speeches === speech) void sleep(afterMs).then(act);
  });
}

/** What the SDK does when a realtime model is gone for good. */
function losesModel({ session }: Call): void {
  const error = {
    type: 'realtime_model_error',
    timestamp: Date.now(),
    label: 'planted',
    error: new Error('planted: the model is gone'),
    recoverable: false,
  } as const;
  session?.emit(voice.AgentSessionEventTypes.Error, { type: 'error', error, source: undefined, createdAt: 0 } as never);
  (session as unknown as { _onError: (given: typeof error) => void })._onError(error);
}

const definition: SessionDefinition = {
  prewarm: async (proc) => {
    if (wish.prewarm === 'throws') throw new Error('planted: prewarm throws');
    if (wish.prewarm === 'hangs') await new Promise(() => {});
    if (wish.prewarmMs !== undefined) await sleep(wish.prewarmMs);
    proc.userData['vad'] = await silero.VAD.load();
    process.stdout.write(`warm: ${process.pid}\n`); // for deployment.warm
  },
  session: async (call) => {
    const { start: planted, onClose, channel = call.job.room?.name } = wishOf(call);
    if (onClose === 'throws') {
      call.onClose('planted', () => {
        throw new Error('planted: released');
      });
    }
    if (planted === 'session throws') throw new Error('planted: session() throws');
    if (planted === 'session hangs') await new Promise(() => {});
    const lab = (provider: string) => `${process.env['LASTWORD_TEST_LAB']}/${channel}/${provider}`;
    return {
      vad: call.proc.userData['vad'] as silero.VAD,
      stt: new openai.STT({ useRealtime: false, baseURL: lab('openai/v1'), apiKey: 'lab' }),
      llm: new openai.LLM({ model: 'lab', baseURL: lab('openai/v1'), apiKey: 'lab' }),
      tts: new cartesia.TTS({ baseUrl: lab('cartesia'), apiKey: 'lab' }),
      turnHandling: { turnDetection: 'vad' },
    };
  },
  agent: (call) => {
    const { start, endWhileSpeaking: end, losesModel: loses, release, callback } = wishOf(call);
    if (release === 'hangs')
      call.onClose('planted', () => {
        process.stdout.write(`releasing: ${process.pid}\n`);
        return new Promise(() => {});
      });
    if (callback === 'hangs') call.context.addShutdownCallback(() => new Promise(() => {}));
    if (start === 'agent throws') throw new Error('planted: agent() throws');
    if (end) setImmediate(() => whileSpeaking(call, end, () => call.end('planted_end', { drain: end.drain })));
    if (loses && !call.resumed) setImmediate(() => whileSpeaking(call, loses, () => losesModel(call)));
    return new Scripted();
  },
  prepare: async (call, session) => {
    if (wishOf(call).output !== 'own') return;
    const output = new OwnOutput();
    await output.publish(call.room);
    session.output.audio = output;
  },
  greeting: wish.greeting ?? { say: 'Hello, this is Ada.' },
  goodbye: wish.goodbye ?? { say: 'Thank you for calling. Goodbye.' },
  ...(wish.namesCaller && { start: (call: Call) => ({ inputOptions: wishOf(call).caller ?? {} }) }),
  ...(wish.hangUp && { hangUp: wish.hangUp }),
  ...(wish.apology && { apology: wish.apology }),
  ...(wish.alertsIn !== undefined && { alerts: [file({ dir: wish.alertsIn })] }),
  onCrash: wish.onCrash ?? { resume: 0, apologize: false },
  policy: wish.policy ?? {},
};

export default defineSession(definition);
warmFor(wish.calls);
runWorker(import.meta.url, {
  agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
  port: Number(process.env['LASTWORD_TEST_PORT']),
  ...(wish.shutdown && { shutdown: wish.shutdown }),
  server: { numIdleProcesses: wish.idleProcesses ?? 1, ...wish.server },
});
