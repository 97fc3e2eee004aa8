/** Rows of `AgentOptions`: what an agent says itself, over its session. */
import { llm, voice } from '@livekit/agents';
import type { Healthy, World } from '../harness/call.ts';
import { PacedStt, PacedVad } from '../harness/ears.ts';
import { PacedTts } from '../harness/voice.ts';
import { PacedLlm, quickly } from '../harness/wits.ts';
import { taking } from '../tools.ts';
import { ANSWER, ASKED, interrupts, type Rows, script } from './row.ts';

type AgentOptions = Partial<voice.AgentOptions<unknown>>;
class Said extends voice.Agent {
  constructor(options: AgentOptions) {
    super({ instructions: 'Answer.', ...options });
  }
}
const withAgent = (options: (world: World) => AgentOptions, more: Partial<Healthy> = {}): Healthy => ({
  script,
  agent: (world) => new Said(options(world)),
  ...more,
});
const withTool = (asked: string) =>
  asked === ASKED
    ? { calls: ['look'], firstMs: 600 }
    : asked === 'a table'
      ? quickly(ANSWER)
      : quickly('You are welcome.');
const turns = (interruption: object = {}): NonNullable<AgentOptions['turnHandling']> =>
  ({ turnDetection: 'vad', endpointing: {}, interruption, preemptiveGeneration: {} }) as NonNullable<
    AgentOptions['turnHandling']
  >;
const former = () => {
  const context = new llm.ChatContext();
  context.addMessage({ role: 'system', content: 'The caller is called Ada.' });
  return context;
};

export const ofAgent: Rows = {
  id: [{ value: 'a name', given: withAgent(() => ({ id: 'ada' })) }],
  instructions: [{ value: 'a text', given: withAgent(() => ({ instructions: 'Answer in one line.' })) }],
  chatCtx: [{ value: 'with a message', given: withAgent(() => ({ chatCtx: former() })) }],
  tools: [
    {
      value: 'one of 2 s',
      given: withAgent(() => ({ tools: [taking('look', 2000)] }), {
        script: withTool,
        asked: { fillers: { least: 0, most: 1 } },
      }),
    },
  ],
  stt: [{ value: 'its own', given: withAgent(({ mouth, pace }) => ({ stt: new PacedStt(mouth, pace) })) }],
  vad: [{ value: 'its own', given: withAgent(({ mouth }) => ({ vad: new PacedVad(mouth) })) }],
  llm: [{ value: 'its own', given: withAgent(({ pace, script: told }) => ({ llm: new PacedLlm(told, pace) })) }],
  tts: [{ value: 'its own', given: withAgent(({ pace }) => ({ tts: new PacedTts(pace) })) }],
  expressive: [{ value: 'true', given: withAgent(() => ({ expressive: true })) }],
  turnHandling: [
    {
      value: 'interruptions, over a session without a warm-up',
      given: withAgent(() => ({ turnHandling: turns() }), { options: () => ({ aecWarmupDuration: null }) }),
      live: interrupts,
    },
  ],
  toolHandling: [{ value: 'nothing in it', given: withAgent(() => ({ toolHandling: {} })) }],
  minConsecutiveSpeechDelay: [{ value: '0.5 s', given: withAgent(() => ({ minConsecutiveSpeechDelay: 500 })) }],
  useTtsAlignedTranscript: [
    { value: 'true', given: withAgent(() => ({ useTtsAlignedTranscript: true })) },
    { value: 'false', given: withAgent(() => ({ useTtsAlignedTranscript: false })) },
  ],
  turnDetection: [{ value: 'vad (deprecated)', given: withAgent(() => ({ turnDetection: 'vad' })) }],
  allowInterruptions: [{ value: 'false (deprecated)', given: withAgent(() => ({ allowInterruptions: false })) }],
};
