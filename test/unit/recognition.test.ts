import { defaultPolicy } from '../../machines/index.ts';
import { initializeLogger, stt } from '@livekit/agents';
import { describe, expect, test, vi } from 'vitest';
import type { EntryKind } from '../../src/journal/entry.ts';
import { Guarded } from '../../src/livekit/guard/guarded.ts';
import { guardRecognition } from '../../src/livekit/guard/recognition.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';

initializeLogger({ pretty: false, level: 'silent' });

class Recognizer extends stt.STT {
  label = 'planted';
  asked = 0;
  readonly #answers: (string | Error)[];
  constructor(answers: (string | Error)[], streaming = false) {
    super({ streaming, interimResults: false });
    this.#answers = answers;
  }
  protected override async _recognize(): Promise<stt.SpeechEvent> {
    const answer = this.#answers[this.asked] ?? 'no answer planted';
    this.asked += 1;
    if (answer instanceof Error) throw answer;
    if (answer === 'hangs') await new Promise(() => {});
    return { type: stt.SpeechEventType.FINAL_TRANSCRIPT };
  }
  override stream(): stt.SpeechStream {
    throw new Error('does not stream');
  }
}

function watched(isLeaving = false) {
  const sent: { type: string }[] = [];
  const noted: { kind: EntryKind; data: object }[] = [];
  const told: object[] = [];
  const job = {
    run: { send: (event: { type: string }) => sent.push(event), hasTag: () => isLeaving },
    recorder: { append: (kind: EntryKind, data: object) => noted.push({ kind, data }) },
    log: { warn() {} },
    definition: { policy: defaultPolicy },
    guarded: new Guarded(),
    turns: { tell: (fact: object) => told.push(fact) },
  } as unknown as LiveJob;
  return { job, sent, noted, told };
}

test('a recognition that fails once is tried again with the same audio, and the call goes on', async () => {
  const { job, sent, noted } = watched();
  const recognizer = new Recognizer([new Error('planted'), 'words']);
  guardRecognition(job, recognizer);
  await recognizer.recognize([] as never);
  expect(recognizer.asked).toBe(2);
  expect(sent).toEqual([]);
  expect(noted).toMatchObject([{ kind: 'error', data: { component: 'stt', message: 'planted', recoverable: true } }]);
});

test('a recognition that fails twice ends the call in the error branch: the SDK would be deaf without an event', async () => {
  const { job, sent } = watched();
  const recognizer = new Recognizer([new Error('one'), new Error('two')]);
  guardRecognition(job, recognizer);
  await expect(recognizer.recognize([] as never)).rejects.toThrow('two');
  expect(sent).toMatchObject([
    { type: 'session.failed', end: { reason: 'model_failed', fault: 'provider', detail: 'stt: two' } },
  ]);
});

test('O-A5 a recognition that finds no words says so', async () => {
  const { job, told } = watched();
  const recognizer = new Recognizer(['words']); // an event without alternatives
  guardRecognition(job, recognizer);
  await recognizer.recognize([] as never);
  expect(told).toEqual([{ fact: 'words.missed' }]);
});

test('while the session ends nobody cares any more', async () => {
  const { job, sent } = watched(true);
  const recognizer = new Recognizer([new Error('one'), new Error('two')]);
  guardRecognition(job, recognizer);
  await expect(recognizer.recognize([] as never)).rejects.toThrow('two');
  expect(sent).toEqual([]);
});

test('one that streams is left to the SDK, and one that is guarded is not guarded twice', async () => {
  const { job } = watched();
  const streaming = new Recognizer([], true);
  const before = Reflect.get(streaming, 'recognize') as unknown;
  guardRecognition(job, streaming);
  expect(Reflect.get(streaming, 'recognize')).toBe(before);
  const once = new Recognizer([new Error('a'), new Error('b'), new Error('c'), new Error('d')]);
  guardRecognition(job, once);
  guardRecognition(job, once);
  await expect(once.recognize([] as never)).rejects.toThrow('b');
  expect(once.asked).toBe(2);
});

describe('T9 inside an adapter, which drops the words without an event', () => {
  const frames = [] as never;

  test('the next provider of a fallback adapter gets the same audio', async () => {
    const { job, sent, noted } = watched();
    const [first, second] = [new Recognizer([new Error('one')]), new Recognizer(['words'])];
    const adapter = new stt.FallbackAdapter({ sttInstances: [first, second], vad: {} as never });
    guardRecognition(job, adapter);
    await (adapter.sttInstances[0] as stt.StreamAdapter)._recognize(frames);
    expect([first.asked, second.asked]).toEqual([1, 1]);
    expect(sent).toEqual([]);
    expect(noted).toMatchObject([{ data: { message: 'one', recoverable: true } }]);
  });

  test('when all have failed the call ends in the error branch', async () => {
    const { job, sent } = watched();
    const adapter = new stt.FallbackAdapter({
      sttInstances: [new Recognizer([new Error('one')]), new Recognizer([new Error('two')])],
      vad: {} as never,
    });
    guardRecognition(job, adapter);
    await expect((adapter.sttInstances[0] as stt.StreamAdapter)._recognize(frames)).rejects.toThrow('two');
    expect(sent).toMatchObject([{ end: { reason: 'model_failed', fault: 'provider', detail: 'stt: two' } }]);
  });

  test('a plain StreamAdapter is seen through as well, and finding what it wraps costs the provider nothing', async () => {
    const { job, sent } = watched();
    const inner = new Recognizer([new Error('one'), new Error('two')]);
    const adapter = new stt.StreamAdapter(inner, {} as never);
    guardRecognition(job, adapter);
    guardRecognition(job, new stt.StreamAdapter(inner, {} as never)); // a second agent with the same one
    expect(inner.asked).toBe(0);
    await expect(adapter._recognize(frames)).rejects.toThrow('two');
    expect(inner.asked).toBe(2);
    expect(sent).toHaveLength(1);
  });

  test('one that hangs is overtaken by the next after 6 s, and when all hang patience ends the call after `turnMs`', async () => {
    vi.useFakeTimers();
    try {
      const one = watched();
      const adapter = new stt.FallbackAdapter({
        sttInstances: [new Recognizer(['hangs']), new Recognizer(['words'])],
        vad: {} as never,
      });
      guardRecognition(one.job, adapter);
      const words = (adapter.sttInstances[0] as stt.StreamAdapter)._recognize(frames);
      await vi.advanceTimersByTimeAsync(6000);
      await words;
      expect(one.sent).toEqual([]);

      const all = watched();
      const dead = new Recognizer(['hangs', 'hangs']);
      guardRecognition(all.job, dead);
      const none = expect(dead.recognize(frames)).rejects.toThrow('no words within 20000 ms');
      await vi.advanceTimersByTimeAsync(19_999);
      expect(all.sent).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await none;
      expect(all.sent).toMatchObject([{ end: { reason: 'model_failed' } }]);
    } finally {
      vi.useRealTimers();
    }
  });
});
