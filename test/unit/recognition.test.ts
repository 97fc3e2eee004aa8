import { stt } from '@livekit/agents';
import { expect, test } from 'vitest';
import type { EntryKind } from '../../src/journal/entry.ts';
import { guardRecognition } from '../../src/livekit/guard/recognition.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';

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
    return { type: stt.SpeechEventType.FINAL_TRANSCRIPT };
  }
  override stream(): stt.SpeechStream {
    throw new Error('does not stream');
  }
}

function watched(isLeaving = false) {
  const sent: { type: string }[] = [];
  const noted: { kind: EntryKind; data: object }[] = [];
  const job = {
    run: { send: (event: { type: string }) => sent.push(event), hasTag: () => isLeaving },
    recorder: { append: (kind: EntryKind, data: object) => noted.push({ kind, data }) },
    log: { warn() {} },
  } as unknown as LiveJob;
  return { job, sent, noted };
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
