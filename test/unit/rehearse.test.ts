import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VAD, type VADStream } from '@livekit/agents';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rehearse } from '../../src/job/rehearse.ts';

class CountingVad extends VAD {
  label: string;
  frames = 0;
  open = 0;
  isDeaf = false;
  constructor(label: string) {
    super({ updateInterval: 32 });
    this.label = label;
  }
  stream(): VADStream {
    this.open += 1;
    const closed = new AbortController();
    const count = () => (this.frames += 1);
    const close = () => {
      this.open -= 1;
      if (!this.isDeaf) closed.abort();
    };
    const next = () =>
      new Promise((resolve) =>
        closed.signal.addEventListener('abort', () => resolve({ done: true, value: undefined })),
      );
    return { pushFrame: count, close, next } as unknown as VADStream;
  }
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-test-'));
  vi.stubEnv('TMPDIR', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

test('a rehearsal plays whole sessions and leaves nothing behind', async () => {
  let asked = 0;
  await rehearse(() => (asked += 1) > 0);
  expect(asked).toBe(6 + 2); // each session, and each part of the sound
  expect(await readdir(directory)).toEqual([]);
});

test('a rehearsal stops when the call is there', async () => {
  let rounds = 0;
  await rehearse(() => (rounds += 1) < 3);
  expect(rounds).toBe(3 + 1); // and once more, before the sound
  expect(await readdir(directory)).toEqual([]);
});

test('the voice activity detection that prewarm left is played silence, one of somebody’s own is left alone', async () => {
  const vads = [new CountingVad('silero.VAD'), new CountingVad('own.VAD')];
  await rehearse(() => true, { other: vads[1], vad: vads[0], text: 'no detection' });
  expect(vads.map(({ frames }) => frames)).toEqual([50, 0]);
  expect(vads.map(({ open }) => open)).toEqual([0, 0]);
});

test('a detection that fails, or never ends, holds up nothing', async () => {
  const fails = new CountingVad('silero.VAD');
  fails.stream = () => {
    throw new Error('planted');
  };
  await rehearse(() => true, { vad: fails });
  const hangs = new CountingVad('silero.VAD');
  hangs.isDeaf = true;
  await rehearse(() => true, { vad: hangs });
  expect(hangs.frames).toBe(50);
});

test('a rehearsal without a disk to write on is no trouble', async () => {
  vi.stubEnv('TMPDIR', join(directory, 'not-there'));
  await rehearse(() => true);
});
