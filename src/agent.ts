/**
 * The deployed worker: silero, OpenAI and Cartesia, everything by environment. Copy it and make it yours.
 */
import { llm, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';
import { defineSession, endSessionTool, runWorker } from './index.ts';
import { tryProviderKeys } from './worker/provider-keys.ts';

const { env } = process;

/** Where your shop keeps them. A look-up that hangs is Lastword's to bound: `toolMs`. */
const lookUpOpeningHours = async (): Promise<string> => {
  const url = env['SHOP_HOURS_URL'];
  return url === undefined ? 'Monday to Friday from nine to five.' : (await fetch(url)).text();
};

class Receptionist extends voice.Agent {
  constructor() {
    super({
      instructions:
        'You are Ada, the receptionist of a small shop. Answer in one or two short sentences; they are spoken aloud.',
      tools: [
        endSessionTool(),
        llm.tool({
          name: 'look_up_opening_hours',
          description: 'Looks up the opening hours of the shop.',
          execute: lookUpOpeningHours,
        }),
      ],
    });
  }
}

export default defineSession({
  prewarm: async (proc) => {
    proc.userData['vad'] = await silero.VAD.load();
  },
  session: (call) => ({
    vad: call.proc.userData['vad'] as silero.VAD,
    stt: new openai.STT({ useRealtime: false, ...(env['OPENAI_BASE_URL'] && { baseURL: env['OPENAI_BASE_URL'] }) }),
    llm: new openai.LLM({
      model: env['LASTWORD_LLM'] ?? 'gpt-4.1-mini',
      ...(env['OPENAI_BASE_URL'] && { baseURL: env['OPENAI_BASE_URL'] }),
    }),
    tts: new cartesia.TTS({ ...(env['CARTESIA_BASE_URL'] && { baseUrl: env['CARTESIA_BASE_URL'] }) }),
    turnHandling: { turnDetection: 'vad' },
  }),
  agent: () => new Receptionist(),
  greeting: { say: env['LASTWORD_GREETING'] ?? 'Hello, this is Ada. How can I help you?' },
  goodbye: { say: env['LASTWORD_GOODBYE'] ?? 'Thank you for calling. Goodbye.' },
});

await tryProviderKeys(import.meta.url);
runWorker(import.meta.url);
