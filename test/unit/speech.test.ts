import { describe, expect, test } from 'vitest';
import { encodeSpeech, measureSpeech, recordingOf, SpeechDecoder } from '../../src/testing/speech/index.ts';
import { digitsOf, pieceOf } from '../../src/testing/speech/code.ts';
import { readWav } from '../../src/sound/wav.ts';

const RATE = 16_000;
const START = 1_000_000;

/** Plays samples into a decoder in frames of 10 ms, each arriving on time. */
function listen(decoder: SpeechDecoder, samples: Int16Array, rate = RATE, start = START): SpeechDecoder {
  const frame = rate / 100;
  for (let at = 0; at < samples.length; at += frame) {
    decoder.push(samples.subarray(at, at + frame), start + ((at + frame) / rate) * 1000);
  }
  return decoder;
}
const silence = (ms: number, rate = RATE) => new Int16Array((rate * ms) / 1000);
function join(...parts: Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
const noisy = (samples: Int16Array, amplitude: number) => {
  let state = 1;
  return samples.map((sample) => {
    state = (state * 48271) % 2147483647;
    return sample + (state / 2147483647 - 0.5) * 2 * amplitude;
  });
};

describe('coded speech', () => {
  test.each([16_000, 24_000, 48_000])(
    'every piece is heard once, whatever the offset of the frames, at %i Hz',
    (rate) => {
      for (const offset of [0, 3, 7, 11, 23, 37, 44]) {
        const samples = join(silence(100 + offset, rate), encodeSpeech(4711, 2400, rate), silence(100, rate));
        const { utterances } = listen(new SpeechDecoder(rate), samples, rate).heard();
        expect(utterances).toMatchObject([
          { utterance: 4711, firstPiece: 0, lastPiece: 47, heardMs: 2400, times: 1, repeatedPieces: 0, gaps: [] },
        ]);
        expect(Math.abs((utterances[0]?.firstAt ?? 0) - (START + 100 + offset))).toBeLessThanOrEqual(35);
        expect(Math.abs((utterances[0]?.lastAt ?? 0) - (START + 2500 + offset))).toBeLessThanOrEqual(35);
      }
    },
  );

  test('the largest number and the last piece of a minute can be told', () => {
    const samples = encodeSpeech(8137, 500, RATE, 1190);
    expect(listen(new SpeechDecoder(RATE), samples).heard().utterances).toMatchObject([
      { utterance: 8137, firstPiece: 1190, lastPiece: 1199 },
    ]);
  });

  test('what was cut off at the end is missing from what was heard', () => {
    const whole = encodeSpeech(7, 2400, RATE);
    const { utterances } = listen(new SpeechDecoder(RATE), whole.subarray(0, whole.length - RATE * 0.15)).heard();
    expect(utterances).toMatchObject([{ heardMs: 2250, lastPiece: 44 }]);
  });

  test('a hole in the middle is a gap', () => {
    const samples = join(encodeSpeech(7, 1000, RATE), silence(200), encodeSpeech(7, 1000, RATE, 24));
    expect(listen(new SpeechDecoder(RATE), samples).heard().utterances).toMatchObject([
      { heardMs: 2000, times: 1, gaps: [{ from: 20, to: 23 }] },
    ]);
  });

  test('an utterance played twice is heard twice', () => {
    const once = encodeSpeech(7, 1000, RATE);
    expect(listen(new SpeechDecoder(RATE), join(once, silence(300), once)).heard().utterances).toMatchObject([
      { heardMs: 1000, times: 2, repeatedPieces: 20 },
    ]);
  });

  test('two utterances that follow each other are told apart', () => {
    const samples = join(encodeSpeech(7, 700, RATE), encodeSpeech(8, 600, RATE));
    expect(listen(new SpeechDecoder(RATE), samples).heard().utterances).toMatchObject([
      { utterance: 7, heardMs: 700, gaps: [] },
      { utterance: 8, heardMs: 600, gaps: [] },
    ]);
  });

  test('noise 12 dB below the speech changes nothing', () => {
    const samples = noisy(encodeSpeech(1234, 3000, RATE), 1900);
    expect(listen(new SpeechDecoder(RATE), samples).heard().utterances).toMatchObject([
      { utterance: 1234, heardMs: 3000, times: 1, gaps: [] },
    ]);
  });

  test('plain speech and noise are not taken for coded speech', () => {
    const speech = readWav(new URL('../../src/sound/assets/caller-long.en.wav', import.meta.url));
    const samples = join(speech.samples, noisy(silence(5000), 8000));
    const { utterances, sounds } = listen(new SpeechDecoder(RATE), samples).heard();
    expect(utterances).toEqual([]);
    expect(sounds.every((sound) => sound.codedMs === 0)).toBe(true);
  });

  test('20 ms of another place are not believed', () => {
    const stray = encodeSpeech(7, 50, RATE, 30).subarray(0, RATE * 0.02);
    const samples = join(encodeSpeech(7, 500, RATE), stray, encodeSpeech(7, 500, RATE, 10));
    expect(listen(new SpeechDecoder(RATE), samples).heard().utterances).toMatchObject([
      { lastPiece: 19, heardMs: 1000, times: 1 },
    ]);
  });

  test('one wrong digit never passes, and of random digits one in 25', () => {
    const digits = digitsOf({ utterance: 4711, piece: 815 });
    expect(pieceOf(digits)).toEqual({ utterance: 4711, piece: 815 });
    digits.forEach((digit, index) => {
      for (let other = 1; other < 5; other += 1)
        expect(pieceOf(digits.with(index, (digit + other) % 5))).toBeUndefined();
    });
    let passed = 0;
    for (let piece = 0; piece < 1000; piece += 1) {
      const mixed = digitsOf({ utterance: 7, piece }).map((digit, index) => (digit + piece * (index + 3)) % 5);
      if (pieceOf(mixed)) passed += 1;
    }
    expect(passed).toBeLessThan(1000 * 0.25);
  });

  test('wrong arguments are refused in words', () => {
    expect(() => encodeSpeech(9000, 100, RATE)).toThrow(/expected an integer from 0 to 8137, got 9000/);
    expect(() => encodeSpeech(1, 61_000, RATE)).toThrow(/at most 60000 ms, got 61000/);
    expect(() => encodeSpeech(1, 100, 22_050)).toThrow(/expected one that has whole samples/);
  });
});

describe('what sounds at all', () => {
  test('sounds and the silence between them are measured to 20 ms', () => {
    const samples = join(
      silence(500),
      encodeSpeech(1, 1000, RATE),
      silence(2000),
      encodeSpeech(2, 500, RATE),
      silence(300),
    );
    const { sounds } = listen(new SpeechDecoder(RATE), samples).heard();
    expect(sounds).toHaveLength(2);
    const edges = sounds.flatMap((sound) => [sound.from - START, sound.to - START]);
    [500, 1500, 3500, 4000].forEach((expected, index) => {
      expect(Math.abs((edges[index] as number) - expected)).toBeLessThanOrEqual(20);
    });
    for (const sound of sounds) expect(sound.codedMs / (sound.to - sound.from)).toBeGreaterThan(0.9);
  });

  test('frames that a busy listener reads late make no silence', () => {
    const decoder = new SpeechDecoder(RATE);
    const samples = encodeSpeech(1, 2000, RATE);
    for (let at = 0; at < samples.length; at += 160) {
      const onTime = START + (at + 160) / 16;
      // From 500 to 900 ms the process sleeps: 40 frames come at once.
      const late = onTime > START + 500 && onTime < START + 900 ? START + 900 : onTime;
      decoder.push(samples.subarray(at, at + 160), late);
    }
    expect(decoder.heard().sounds).toMatchObject([{ from: START }]);
    expect(decoder.heard().to).toBeCloseTo(START + 2000, 0);
  });

  test('a stream that pauses is silent for as long as it paused', () => {
    const decoder = new SpeechDecoder(RATE);
    listen(decoder, encodeSpeech(1, 1000, RATE));
    listen(decoder, encodeSpeech(2, 1000, RATE), RATE, START + 4000);
    const [first, second] = decoder.heard().sounds;
    expect((second?.from ?? 0) - (first?.to ?? 0)).toBeCloseTo(3000, -2);
  });

  test('a recording is found with its place and how much of it was heard, and another is not', () => {
    const file = (name: string) => readWav(new URL(`../../src/sound/assets/${name}.en.wav`, import.meta.url));
    const atDecoderRate = ({ samples }: { samples: Int16Array }) =>
      Int16Array.from(
        { length: Math.floor((samples.length * 2) / 3) },
        (_, at) => samples[Math.floor(at * 1.5)] as number,
      );
    const known = ['apology', 'filler'].map((name) => recordingOf(name, file(name)));
    const apology = atDecoderRate(file('apology'));
    const samples = join(
      encodeSpeech(1, 500, RATE),
      silence(1000),
      noisy(apology, 100),
      silence(900),
      apology.subarray(0, 22_400),
    );
    const decoder = listen(new SpeechDecoder(RATE, known), samples);
    const recordings = decoder.recordings();
    expect(recordings.map((recording) => recording.name)).toEqual(['apology', 'apology']);
    expect((recordings[0]?.heardMs ?? 0) / (recordings[0]?.totalMs ?? 1)).toBeGreaterThan(0.98);
    expect(Math.abs((recordings[0]?.at ?? 0) - START - 1500)).toBeLessThan(20);
    const half = (recordings[1]?.heardMs ?? 0) / (recordings[1]?.totalMs ?? 1);
    expect(half).toBeGreaterThan(0.38);
    expect(half).toBeLessThan(0.55);
  });

  test('a recording with a hole of 120 ms in the middle is still heard on both sides of it', () => {
    const { samples, sampleRate } = readWav(new URL('../../src/sound/assets/apology.en.wav', import.meta.url));
    const broken = join(samples.subarray(0, 36_000), silence(120, sampleRate), samples.subarray(36_000));
    const decoder = listen(
      new SpeechDecoder(sampleRate, [recordingOf('apology', { samples, sampleRate })]),
      broken,
      sampleRate,
    );
    const recordings = decoder.recordings();
    expect(recordings).toHaveLength(1);
    expect((recordings[0]?.heardMs ?? 0) / (recordings[0]?.totalMs ?? 1)).toBeGreaterThan(0.9);
  });
});

describe('measured speech', () => {
  test('length and level do not depend on the silence around', () => {
    const { samples } = readWav(new URL('../../src/sound/assets/caller-short.en.wav', import.meta.url));
    const bare = measureSpeech({ samples, sampleRate: RATE });
    const hum = (ms: number) => noisy(silence(ms), 60);
    const padded = measureSpeech({ samples: join(hum(700), samples, hum(600)), sampleRate: RATE });
    expect(Math.abs(padded.speechMs - bare.speechMs)).toBeLessThanOrEqual(40);
    expect(padded.level / bare.level).toBeCloseTo(1, 1);
    expect(bare.speechMs).toBeGreaterThan(1200);
  });

  test('silence has no speech', () => {
    expect(measureSpeech({ samples: silence(1000), sampleRate: RATE })).toEqual({
      totalMs: 1000,
      speechMs: 0,
      level: 0,
    });
  });
});
