/** The lane is red when a millisecond world is planted: a proof that it would have seen what it is there for. */
import { expect, test } from 'vitest';
import { type Healthy, type Life, plain, playHealthy } from './harness/call.ts';
import type { Plant } from './harness/planted.ts';
import { quickly } from './harness/wits.ts';
import { taking } from './tools.ts';

const poem = Array.from({ length: 16 }, (_, index) => `Line ${index + 1} of the poem.`).join(' ');
const ASKED = 'Is there a table?';
const slowTool: Healthy = {
  agent: plain([taking('look', 8000)]),
  script: (asked) => (asked === ASKED ? { calls: ['look'], firstMs: 600 } : quickly('There is one.')),
  asked: { fillers: { least: 1, most: 3 } },
};
const asks = async ({ caller }: Life) => {
  await caller.says(ASKED);
  await caller.listensTo('There is one');
};
const reads: Healthy = { script: () => quickly(poem) };
const listens = async ({ caller }: Life) => {
  await caller.says('Read me a poem.');
  await caller.listensTo('Line 1 of');
};

const isBare = process.env['LASTWORD_BARE'] === '1'; // nothing of ours, nothing to plant
test.runIf(!isBare).concurrent.each<[Plant, string, Healthy, typeof asks, RegExp]>([
  ['filled', 'a tool of 8 s', slowTool, asks, /There is one|model_failed|fillers/],
  ['idle', 'a reading of 20 s', reads, listens, /nudge|was cut/],
])(
  'with the old clock `%s` planted, %s is seen to be harmed',
  { timeout: 120_000 },
  async (plant, what, given, live, seen) => {
    await expect(playHealthy(what, { ...given, plant }, live)).rejects.toThrow(seen);
  },
);
