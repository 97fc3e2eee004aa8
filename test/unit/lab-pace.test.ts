import { expect, test } from 'vitest';
import { connectLab, Pace, paces, profiles, startLab } from '../../src/testing/index.ts';

const drawn = (pace: Pace, count = 4000) => Array.from({ length: count }, () => pace.next('llm')).sort((a, b) => a - b);

test('half of all latencies are below the median of their profile, 95 of 100 below its p95, and none is endless', () => {
  for (const name of ['typical', 'slow'] as const) {
    const { median, p95 } = profiles[name].waits.llm;
    const all = drawn(new Pace(name, 7));
    expect(Math.abs((all[2000] ?? 0) / median - 1)).toBeLessThan(0.05);
    expect(Math.abs((all[3800] ?? 0) / p95 - 1)).toBeLessThan(0.1);
    expect(all.at(-1)).toBeLessThan(2 * p95);
  }
});

test('the same seed draws the same latencies, another seed others, and `instant` none', () => {
  expect(drawn(new Pace('typical', 3), 20)).toEqual(drawn(new Pace('typical', 3), 20));
  expect(drawn(new Pace('typical', 3), 20)).not.toEqual(drawn(new Pace('typical', 4), 20));
  expect(new Set(drawn(new Pace('instant'), 20))).toEqual(new Set([0]));
});

test('each kind of wait is longer at each slower pace', () => {
  for (const what of ['llm', 'tts', 'stt', 'tool', 'network'] as const) {
    const medians = paces.map((name) => profiles[name].waits[what].median);
    expect(medians).toEqual(medians.toSorted((a, b) => a - b));
  }
});

test('a pace that is none is refused with those there are', async () => {
  await expect(startLab({ pace: 'human' as 'typical' })).rejects.toThrow('expected one of instant, typical, slow');
});

test('a lab answers at the pace it was started with, and at another one when it is told so from outside', async () => {
  const lab = await startLab({ pace: { name: 'slow', seed: 5 } });
  const secondsFor = async () => {
    const began = performance.now();
    const body = JSON.stringify({ model: 'lab', messages: [{ role: 'user', content: 'Hello.' }] });
    await (await fetch(`${lab.urls.openai}/chat/completions`, { method: 'POST', body })).text();
    return (performance.now() - began) / 1000;
  };
  try {
    const remote = connectLab(lab.controlUrl);
    const first = secondsFor();
    await remote.setPace('instant');
    expect(await secondsFor()).toBeLessThan(0.5);
    expect(await first).toBeGreaterThan(0.5);
    await expect(remote.setPace('human' as 'slow')).rejects.toThrow('400');
  } finally {
    await lab.close();
  }
});
