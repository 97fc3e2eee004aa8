/** A participant without an AgentSession that says something of its own, and then throws. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } from '@livekit/rtc-node';
import { defineSession, runWorker } from '../../../src/index.ts';
import { encodeSpeech } from '../../../src/testing/speech/index.ts';
import type { DeploymentWish } from '../harness/wishes.ts';
import { warmFor } from './calls-to-come.ts';

const RATE = 24_000;
const HELLO = { utterance: 7, ms: 1500 };
const wish = JSON.parse(process.env['LASTWORD_TEST'] ?? '{}') as DeploymentWish;

export default defineSession({
  program: async ({ room }) => {
    const source = new AudioSource(RATE, 1);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
    const track = LocalAudioTrack.createAudioTrack('program', source);
    const publication = await room.localParticipant?.publishTrack(track, options);
    await publication?.waitForSubscription();
    const samples = encodeSpeech(HELLO.utterance, HELLO.ms, RATE);
    await source.captureFrame(new AudioFrame(samples, RATE, 1, samples.length));
    await source.waitForPlayout();
    await sleep(200); // what a network still holds
    throw new Error('planted: the program throws after its greeting');
  },
  policy: wish.policy ?? {},
});
warmFor(wish.calls);
runWorker(import.meta.url, {
  agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
  port: Number(process.env['LASTWORD_TEST_PORT']),
  server: { numIdleProcesses: wish.idleProcesses ?? 1 },
});
