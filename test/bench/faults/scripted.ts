/** What both agents have in common: the models with their fallbacks, the agent, and where a fault can strike. */
import { llm, stt, tts, voice } from '@livekit/agents';
import type { JobContext, JobProcess, VAD } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';
import { type Plan, type SideWish, strike, tell } from './plan.ts';

export const sideWish = JSON.parse(process.env['LASTWORD_TEST'] ?? '{}') as SideWish;
const isJob = (process.argv[1] ?? '').includes('job_proc');

/** Called first in both agent files. @throws where the import is to fail */
export function failTheImport(): void {
  if (sideWish.import === 'throws in the job' && isJob) throw new Error('planted: the agent file throws on import');
}

export async function prewarm(proc: JobProcess): Promise<void> {
  if (sideWish.prewarm === 'throws') throw new Error('planted: prewarm throws');
  if (sideWish.prewarm === 'hangs') await new Promise(() => {});
  proc.userData['vad'] = await silero.VAD.load();
  tell(`warm: ${process.pid}`);
}

/** Two of each, of one provider: what is planted takes them both, as an expired key or a region that is down would. */
export function models(context: Pick<JobContext, 'job' | 'proc'>) {
  const vad = context.proc.userData['vad'] as VAD;
  const lab = (provider: string) => `${process.env['LASTWORD_TEST_LAB']}/${context.job.room?.name}/${provider}`;
  const openaiLab = { baseURL: lab('openai/v1'), apiKey: 'lab' };
  const twice = <Model>(make: () => Model): Model[] => [make(), make()];
  return {
    vad,
    stt: new stt.FallbackAdapter({
      sttInstances: twice(() => new openai.STT({ useRealtime: false, ...openaiLab })),
      vad,
    }),
    llm: new llm.FallbackAdapter({ llms: twice(() => new openai.LLM({ model: 'lab', ...openaiLab })) }),
    tts: new tts.FallbackAdapter({
      ttsInstances: twice(() => new cartesia.TTS({ baseUrl: lab('cartesia'), apiKey: 'lab' })),
    }),
    useTtsAlignedTranscript: false, // without it the bare SDK loses what was said
    turnHandling: { turnDetection: 'vad' as const },
  };
}

/** Patched once a process: a job has one session. */
export function plantInStart(plan: Plan, room: string): void {
  if (plan.at !== 'start') return;
  voice.AgentSession.prototype.start = () => strike(plan, 'start', room);
}

/** A listener on the session that breaks when it closes. */
export function plantListener(plan: Plan, room: string, session: voice.AgentSession): void {
  if (plan.at === 'close listener')
    session.on(voice.AgentSessionEventTypes.Close, () => {
      tell(`bites: ${room} ${Date.now()}`);
      throw new Error('planted: close listener throws');
    });
}

export class Scripted extends voice.Agent {
  readonly #plan: Plan;
  readonly #room: string;
  readonly #greeting: string | undefined;

  constructor(plan: Plan, room: string, endTool: llm.ToolContextEntry, greeting?: string) {
    const fault = llm.tool({
      name: 'fault',
      description: 'Does what is planted.',
      execute: async () => {
        const close = async () => this.session.close();
        if (plan.at === 'timer') setTimeout(() => runTimer(plan, room), 500);
        await strike(plan, 'tool', room, close);
        return 'done';
      },
    });
    super({ instructions: 'You play a script.', tools: [endTool, fault] });
    this.#plan = plan;
    this.#room = room;
    this.#greeting = greeting;
  }

  override async onEnter(): Promise<void> {
    await strike(this.#plan, 'onEnter', this.#room);
    if (this.#greeting !== undefined) this.session.say(this.#greeting);
  }

  override async onUserTurnCompleted(): Promise<void> {
    await strike(this.#plan, 'turn', this.#room);
  }

  override async onExit(): Promise<void> {
    await strike(this.#plan, 'onExit', this.#room);
  }
}

/** What is thrown in a timer has nobody above it. */
function runTimer(plan: Plan, room: string): void {
  if (plan.does === 'throws') {
    tell(`bites: ${room} ${Date.now()}`);
    throw new Error('planted: timer throws');
  }
  void strike(plan, 'timer', room);
}
