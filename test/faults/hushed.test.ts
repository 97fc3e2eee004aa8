/** A filler that is hushed before it was heard has not failed: somebody speaks, which is what it was for. */
import { expect, test } from 'vitest';
import { voice } from '@livekit/agents';
import type { PlayResult, Venue } from '../../src/livekit/venue.ts';
import { Pace } from '../../src/testing/lab/pace.ts';
import { PacedTts } from '../ordinary/harness/voice.ts';
import { place } from './harness.ts';

/** A track of our own that takes long to be subscribed to: nothing on it is heard before it is hushed. */
const slowTrack = (): Partial<Venue> => {
  let hush = () => {};
  return {
    play: () =>
      new Promise<PlayResult>((resolve) => (hush = () => resolve({ heardMs: 0, plannedMs: 0, isHushed: true }))),
    hush: () => hush(),
  };
};

test.each([true, false])(
  'the greeting is heard in the instant in which a filler is under way (a voice that streams: %s): the call goes on',
  async (streaming) => {
    await using placed = await place({
      agent: () => new voice.Agent({ instructions: 'Answer.' }),
      greeting: { say: 'Good evening.' },
      options: { tts: new PacedTts(new Pace('instant'), { coldMs: 500, streaming }) },
      policy: { firstAudioMs: 150, rungMs: 1500 },
      edges: { venue: slowTrack },
    });
    await placed.until('the greeting is heard', () => placed.heard.some(({ isOver }) => isOver));
    expect(placed.run.hasTag('live')).toBe(true);
    placed.leaves();
    const { lines, end } = await placed.report();
    expect(end.reason).toBe('caller_hung_up');
    expect(lines.find(({ line }) => line === 'filler')).toMatchObject({ outcome: 'skipped' });
  },
);

test('an answer that comes while a filler is under way: the filler was not needed, and is no failure', async () => {
  await using placed = await place({
    agent: () => new voice.Agent({ instructions: 'Answer.' }),
    greeting: { say: 'Good evening.' },
    options: { tts: new PacedTts(new Pace('instant'), { coldMs: 500, streaming: true }) },
    policy: { firstAudioMs: 150, rungMs: 1500 },
    // It does not even notice that it is to be silent.
    edges: { venue: () => ({ play: () => new Promise<PlayResult>(() => {}), hush: () => {} }) },
  });
  await placed.until('the greeting is heard', () => placed.heard.some(({ isOver }) => isOver));
  placed.leaves();
  const { lines } = await placed.report();
  expect(lines.find(({ line }) => line === 'filler')).toMatchObject({
    outcome: 'skipped',
    why: 'the call went on before it was heard',
  });
});
