/** The helper that says "this call met nobody" hears what it is there for. No call and no time in it. */
import { expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { expectGoodManners } from './harness/met-nobody.ts';
import type { Sound, Voice } from './harness/soundtrack.ts';

const sound = (voice: Voice, from: number, to: number): Sound => ({
  voice,
  text: `${voice} at ${from}`,
  from,
  to,
  pauses: [],
});
const manners =
  (...sounds: Sound[]) =>
  () =>
    expectGoodManners(sounds, defaultPolicy);
const asked = sound('caller', 0, 1000);

test.each([
  ['an answer', manners(asked, sound('agent', 2500, 4000))],
  [
    'a filler into three seconds of silence, then the answer',
    manners(asked, sound('line', 4600, 5600), sound('agent', 7000, 8000)),
  ],
  [
    'fillers that follow each other',
    manners(asked, sound('line', 4600, 5600), sound('line', 8200, 9200), sound('agent', 11_000, 12_000)),
  ],
  ['a caller who interrupts the agent', manners(asked, sound('agent', 2500, 4000), sound('caller', 3000, 3800))],
])('%s is no harm', (_, hears) => expect(hears).not.toThrow());

test.each([
  [
    'a filler that comes too early',
    manners(asked, sound('line', 3000, 4000), sound('agent', 5000, 6000)),
    /a filler after 3000 ms/,
  ],
  [
    'a filler after another one that comes too early',
    manners(asked, sound('line', 4600, 5600), sound('line', 6600, 7600), sound('agent', 8000, 9000)),
    /a filler after 3500 ms/,
  ],
  [
    'a filler in the caller’s own turn',
    manners(asked, sound('line', 4600, 5600), sound('caller', 7000, 8000)),
    /what is heard after/,
  ],
  ['a filler that nobody waited for', manners(asked, sound('line', 4600, 5600)), /what is heard after/],
  [
    'a filler over the answer',
    manners(asked, sound('line', 4600, 6600), sound('agent', 6000, 8000)),
    /nobody speaks while/,
  ],
  [
    'a filler over the caller',
    manners(asked, sound('line', 4600, 6600), sound('caller', 6000, 7000), sound('agent', 8000, 9000)),
    /nobody speaks while|what is heard/,
  ],
])('%s is harm', (_, hears, says) => expect(hears).toThrow(says));
