/** The same for every program here and its counterpart: silero, OpenAI and Cartesia, everything by environment. */
import type { JobProcess } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import * as silero from '@livekit/agents-plugin-silero';

export async function loadVad(proc: JobProcess): Promise<void> {
  proc.userData['vad'] = await silero.VAD.load();
}

/** Takes whatever has the process: Lastword's call, or the SDK's JobContext. */
export const vadOf = ({ proc }: { proc: JobProcess }) => proc.userData['vad'] as silero.VAD;

/** The OpenAI plugin reads OPENAI_BASE_URL by itself, Cartesia's has no such variable. */
export const voiceOfCartesia = () =>
  new cartesia.TTS({ baseUrl: process.env['CARTESIA_BASE_URL'] ?? 'https://api.cartesia.ai' });

export const models = (holder: { proc: JobProcess }) => ({
  vad: vadOf(holder),
  stt: new openai.STT({ useRealtime: false }),
  llm: new openai.LLM({ model: 'gpt-4.1-mini' }),
  tts: voiceOfCartesia(),
  turnHandling: { turnDetection: 'vad' as const },
});
