/**
 * A participant without an AgentSession that says something of its own, and then throws; one that may be taken over stays
 * until its process dies, and the next one says something else and has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } from '@livekit/rtc-node';
import { defineSession, runWorker } from '../../../src/index.ts';
import { encodeSpeech } from '../../../src/testing/speech/index.ts';
import type { DeploymentWish } from '../harness/wishes.ts';
import { warmFor } from './calls-to-come.ts';

const RATE = 24_000;
const HELLO = { utterance: 7, ms: 1500 };
const AGAIN = { utterance: 8, ms: 1500 };
const wish = JSON.parse(process.env['LASTWORD_TEST'] ?? '{}') as DeploymentWish;

export default defineSession({
  program: async (call) => {
    const { room, resumed } = call;
    const { utterance, ms } = resumed ? AGAIN : HELLO;
    const source = new AudioSource(RATE, 1);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
    const track = LocalAudioTrack.createAudioTrack('program', source);
    const publication = await room.localParticipant?.publishTrack(track, options);
    await publication?.waitForSubscription();
    const samples = encodeSpeech(utterance, ms, RATE);
    await source.captureFrame(new AudioFrame(samples, RATE, 1, samples.length));
    await source.waitForPlayout();
    await sleep(200); // what a network still holds
    if (resumed) return call.end((resumed.snapshot as { said?: string } | undefined)?.said);
    if (wish.onCrash?.resume) await sleep(60_000);
    throw new Error('planted: the program throws after its greeting');
  },
  ...(wish.onCrash && { onCrash: { resume: wish.onCrash.resume ?? 0 }, snapshot: () => ({ said: 'hello' }) }),
  policy: wish.policy ?? {},
});
warmFor(wish.calls);
runWorker(import.meta.url, {
  agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
  port: Number(process.env['LASTWORD_TEST_PORT']),
  server: { numIdleProcesses: wish.idleProcesses ?? 1 },
});
