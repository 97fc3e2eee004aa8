import { initializeLogger, VADEventType } from '@livekit/agents';
import * as silero from '@livekit/agents-plugin-silero';
import { AudioFrame } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { callerSpeech, encodeSpeech } from '../../src/testing/index.ts';

initializeLogger({ pretty: false, level: 'silent' });
const RATE = 16_000;

/** What voice detection makes of audio with a second of silence after it. */
async function detected(samples: Int16Array): Promise<VADEventType[]> {
  const detector = await silero.VAD.load();
  const stream = detector.stream();
  const all = new Int16Array(samples.length + RATE);
  all.set(samples);
  const frame = RATE / 50;
  let frames = 0;
  for (let at = 0; at + frame <= all.length; at += frame) {
    stream.pushFrame(new AudioFrame(all.slice(at, at + frame), RATE, 1, frame));
    frames += 1;
  }
  const events: VADEventType[] = [];
  const windows = Math.floor((frames * frame) / 512) - 1;
  let inferred = 0;
  for await (const event of stream) {
    if (event.type !== VADEventType.INFERENCE_DONE) events.push(event.type);
    else if ((inferred += 1) >= windows) break;
  }
  stream.close();
  return events;
}

test.each(['Goodbye.', 'I would like to know when you are open on the weekend.'])(
  'voice detection takes the speech of a caller for one utterance: %s',
  async (line) => {
    expect(await detected(callerSpeech(line).samples)).toEqual([
      VADEventType.START_OF_SPEECH,
      VADEventType.END_OF_SPEECH,
    ]);
  },
);

test('voice detection does not take coded speech for speech, so no caller can speak it', async () => {
  expect(await detected(encodeSpeech(1, 2000, RATE))).toEqual([]);
});
