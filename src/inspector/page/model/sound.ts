/** What the caller hears, played in the page; and a microphone. *Effect.* */
import type { HeardSound } from '../answers/page-answers.ts';

/** Ahead of now, so that a late packet makes no gap. */
const AHEAD_S = 0.08;
const MICROPHONE_SAMPLES = 2_048;

export class HeardAloud {
  readonly #context = new AudioContext();
  #sources = new Set<AudioBufferSourceNode>();
  #until = 0;

  take(sound: HeardSound): void {
    if (sound.kind === 'hush') {
      for (const source of this.#sources) source.stop();
      this.#sources.clear();
      this.#until = 0;
      return;
    }
    const bytes = Uint8Array.from(atob(sound.samples), (letter) => letter.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
    if (samples.length === 0) return;
    const buffer = this.#context.createBuffer(1, samples.length, sound.sampleRate);
    const channel = buffer.getChannelData(0);
    for (const [place, sample] of samples.entries()) channel[place] = sample / 32_768;
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#context.destination);
    const at = Math.max(this.#until, this.#context.currentTime + AHEAD_S);
    this.#until = at + buffer.duration;
    source.start(at);
    this.#sources.add(source);
    source.addEventListener('ended', () => this.#sources.delete(source));
  }

  close(): void {
    void this.#context.close();
  }
}

/** @param give gets 16-bit samples in base64 @returns how to end it @throws where the browser or its user refuses */
export async function openMicrophone(rate: number, give: (samples: string) => void): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true } });
  const context = new AudioContext({ sampleRate: rate });
  const source = context.createMediaStreamSource(stream);
  // An AudioWorklet would be a file of its own; this is the one call that needs neither.
  const tap = context.createScriptProcessor(MICROPHONE_SAMPLES, 1, 1);
  tap.addEventListener('audioprocess', ({ inputBuffer }) => {
    const samples = Int16Array.from(inputBuffer.getChannelData(0), (value) =>
      Math.round(Math.max(-1, Math.min(1, value)) * 32_767),
    );
    give(btoa(String.fromCharCode(...new Uint8Array(samples.buffer))));
  });
  source.connect(tap);
  tap.connect(context.destination);
  return () => {
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
}
