/** The instruments of this lane, measured before anything is measured with them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { connectLab, encodeSpeech } from '../../src/testing/index.ts';
import { readWav } from '../../src/sound/wav.ts';
import { compiled, roomsOf, silences, startCaller, startLiveKitServer } from './harness/index.ts';
import type { Caller, CallerWish } from './harness/index.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
const RATE = 16_000;
const callers: Caller[] = [];
let room = 0;

afterEach(async () => {
  await Promise.all(callers.splice(0).map((caller) => caller[Symbol.asyncDispose]()));
  await rooms.delete(`harness-${room}`);
});

async function call(wish: Partial<CallerWish> = {}): Promise<Caller> {
  const caller = await startCaller({ server, room: `harness-${room}`, ...wish });
  callers.push(caller);
  return caller;
}

/** Somebody who speaks and somebody who listens. */
async function two(wish: Partial<CallerWish> = {}): Promise<{ speaker: Caller; listener: Caller }> {
  room += 1;
  const listener = await call({ identity: 'listener' });
  const speaker = await call({ identity: 'speaker', ...wish });
  await listener.until('to hear the track', () => listener.find('track.heard'), 5000);
  return { speaker, listener };
}
const tones = (utterance: number, ms: number) => ({ sampleRate: RATE, samples: encodeSpeech(utterance, ms, RATE) });
/** A marker behind what is measured: when it is heard, nothing of that can come any more. */
const END = 99;
async function heardAfter(listener: Caller, speaker: Caller) {
  await speaker.play(tones(END, 500));
  await listener.until('the end marker', () => listener.utterances().some(({ utterance }) => utterance === END), 5000);
  return listener.utterances().filter(({ utterance }) => utterance !== END);
}

describe('a caller hears', () => {
  test('at least 98 % of what another speaks, once, and when', async () => {
    const { speaker, listener } = await two();
    const said = await speaker.play(tones(7, 3000));
    const [heard] = await heardAfter(listener, speaker);
    expect(heard).toMatchObject({ utterance: 7, times: 1 });
    expect(heard?.heardMs).toBeGreaterThanOrEqual(0.98 * 3000);
    expect((heard?.firstAt ?? 0) - said.from).toBeGreaterThan(-50);
    expect((heard?.firstAt ?? 0) - said.from).toBeLessThan(1000);
  });

  test('that 150 ms were cut off (planted)', async () => {
    const { speaker, listener } = await two();
    const { samples } = tones(7, 3000);
    await speaker.play({ sampleRate: RATE, samples: samples.subarray(0, samples.length - 0.15 * RATE) });
    const [heard] = await heardAfter(listener, speaker);
    expect(heard?.heardMs).toBeLessThan(0.98 * 3000);
    expect(heard?.lastPiece).toBeLessThan(58);
  });

  test('that something was played twice (planted)', async () => {
    const { speaker, listener } = await two();
    await speaker.play(tones(7, 1000));
    await speaker.play(tones(7, 1000));
    expect(await heardAfter(listener, speaker)).toMatchObject([{ utterance: 7, times: 2 }]);
  });

  test('nothing of a silent microphone (planted)', async () => {
    const { speaker, listener } = await two({ microphone: 'silent' });
    const said = await speaker.play(tones(7, 1000));
    const later = said.to + 500;
    await listener.until(
      'half a second more of the track',
      () => listener.tracks.some((track) => (track.to ?? 0) > later),
      5000,
    );
    expect(listener.sounds()).toEqual([]);
    expect(silences(listener.sounds(), said.from, said.to)[0]?.ms).toBeCloseTo(said.to - said.from, 0);
  });

  test('the bundled apology for what it is, and how much of it', async () => {
    const { speaker, listener } = await two();
    const { samples } = readWav(new URL('../../src/sound/assets/apology.en.wav', import.meta.url));
    const length = Math.floor((samples.length * RATE) / 24_000);
    const slower = Int16Array.from({ length }, (_, at) => {
      const place = at * 1.5;
      const [one = 0, other = 0] = [samples[Math.floor(place)], samples[Math.ceil(place)]];
      return (one + other) / 2;
    });
    // A receiver bends the first words of a call until its buffer has settled.
    await speaker.play(tones(98, 500));
    await speaker.play({ sampleRate: RATE, samples: slower });
    expect(await heardAfter(listener, speaker)).toMatchObject([{ utterance: 98 }]);
    const recordings = await listener.recordings();
    expect(recordings.map(({ name }) => name)).toEqual(['apology']);
    const share = (recordings[0]?.heardMs ?? 0) / (recordings[0]?.totalMs ?? 1);
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThanOrEqual(1);
  });
});

describe('a caller learns', () => {
  test('who leaves, and why it was disconnected itself', async () => {
    const { speaker, listener } = await two({ kind: 'sip', attributes: { 'sip.callStatus': 'active' } });
    await speaker.leave();
    const left = await listener.until('the speaker to leave', () => listener.find('participant.left'), 5000);
    expect(left).toMatchObject({ identity: 'speaker', reason: 'CLIENT_INITIATED' });
    await rooms.delete(`harness-${room}`);
    expect(await listener.disconnected(5000)).toMatchObject({ reason: 'ROOM_DELETED' });
  });

  test('nothing when it is killed: its process is gone, and the server still lists it', async () => {
    const { speaker, listener } = await two();
    await speaker.vanish();
    expect(() => process.kill(speaker.pid, 0)).toThrow(/ESRCH/);
    expect(await rooms.identities(`harness-${room}`)).toContain('speaker');
    expect(listener.find('participant.left')).toBeUndefined();
  });
});

test('a server that is killed and started again has the same address, and callers come back', async () => {
  const own = await startLiveKitServer();
  try {
    const caller = await startCaller({ server: own, room: 'own' });
    callers.push(caller);
    await caller.until('its microphone', () => caller.find('microphone.on'), 5000);
    const { pid } = own;
    await own.kill();
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    await own.restart();
    await caller.until('to reconnect', () => caller.find('reconnected'), 20_000);
    expect(await roomsOf(own).identities('own')).toEqual(['caller']);
  } finally {
    await own.stop();
  }
});

test('a wait that fails says what happened instead', async () => {
  room += 1;
  const caller = await call();
  await expect(caller.until('a miracle', () => false, 50)).rejects.toThrow(
    /expected a miracle within 50 ms.*"joined"/s,
  );
});

test('the lab runs as a process of its own and ends with its parent', async () => {
  const child = fork(compiled('src/testing/lab/main.ts'), [], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const urls = JSON.parse(line.toString()) as { openai: string; control: string };
  await connectLab(urls.control).fail('llm', { kind: 'status', status: 401 });
  expect((await fetch(`${urls.openai}/models`)).status).toBe(401);
  child.disconnect();
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});
