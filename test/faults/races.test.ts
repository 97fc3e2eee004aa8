/**
 * `LASTWORD_RACES=600` runs more of them, `LASTWORD_RACES_SEED=…` others. What is found is printed, shrunk, as a log and
 * as a line for found-races.ts.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { foundRaces } from './found-races.ts';
import { type Race, races, run, told } from './races.ts';

/** Run beside each other: nearly all of their time is waiting. */
const AT_ONCE = 6;
const wanted = Number(process.env['LASTWORD_RACES'] ?? 60);
const seed = Number(process.env['LASTWORD_RACES_SEED'] ?? 20_261_124);

async function raced(race: Race): Promise<string> {
  const problems = await run(race);
  if (problems.length === 0) return '';
  return `${problems.join('\n')}\n\n${told(race)}\n\nTo keep it, in found-races.ts:\n  { what: '…', race: ${JSON.stringify(race)} },\n`;
}

test(
  'E1 E3 B7 G3 twelve events in a moment, each part of the call settling, failing, hanging or late: one report, the first reason, one goodbye at most and to somebody, one hang-up, in time',
  async () => {
    const outcome = await fc.check(
      fc.asyncProperty(fc.array(races, { minLength: 1, maxLength: AT_ONCE, size: 'max' }), async (together) => {
        const found = (await Promise.all(together.map(raced))).filter((each) => each !== '');
        if (found.length > 0) throw new Error(found.join('\n'));
      }),
      {
        seed,
        numRuns: Math.ceil(wanted / (AT_ONCE / 2)),
        interruptAfterTimeLimit: 1000 + wanted * 1000,
        endOnFailure: false,
      },
    );
    expect(outcome.failed ? String(outcome.errorInstance) : '').toBe('');
  },
  60_000 + wanted * 2000,
);

test.each(foundRaces)('found once: $what', async ({ race }) => {
  expect(await raced(race)).toBe('');
});
test('a race is told so that somebody can follow it', () => {
  expect(
    told({ greeting: 'say', faults: { hangUp: 'hangs' }, events: [{ afterMs: 30, what: 'the caller leaves' }] }),
  ).toBe('a call, greeting "say", in which hangUp hangs\n   +30 ms  the caller leaves');
});
