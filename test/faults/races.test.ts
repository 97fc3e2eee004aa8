/**
 * `LASTWORD_RACES=600` runs more of them, `LASTWORD_RACES_SEED=…` others. What is found is printed, shrunk, as a log and
 * as a line for found-races.ts.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { foundRaces } from './found-races.ts';
import { run } from './race-run.ts';
import { type Race, races, told } from './races.ts';

/** Run beside each other: nearly all of their time is waiting. */
const AT_ONCE = 6;
const wanted = Number(process.env['LASTWORD_RACES'] ?? 60);
const seed = Number(process.env['LASTWORD_RACES_SEED'] ?? 20_261_124);

async function raced(race: Race): Promise<string> {
  const { problems, log } = await run(race);
  if (problems.length === 0) return '';
  return [
    problems.join('\n'),
    told(race),
    log,
    `To keep it, in found-races.ts:\n  { what: '…', race: ${JSON.stringify(race)} },\n`,
  ].join('\n\n');
}

test(
  'E1 E3 B7 twelve events in a moment, each part of the call settling, failing, hanging or late: one report, the first reason, one goodbye at most and to somebody, one hang-up, in time',
  async () => {
    let ran = 0;
    let isFound = false;
    const outcome = await fc.check(
      fc.asyncProperty(fc.array(races, { minLength: 1, maxLength: AT_ONCE, size: 'max' }), async (together) => {
        if (ran >= wanted && !isFound) return; // enough; what is found is shrunk to its end
        ran += together.length;
        const found = (await Promise.all(together.map(raced))).filter((each) => each !== '');
        isFound ||= found.length > 0;
        if (found.length > 0) throw new Error(found.join('\n'));
      }),
      { seed, numRuns: wanted, interruptAfterTimeLimit: 30_000 + wanted * 2000, markInterruptAsFailure: true },
    );
    const { failed, errorInstance: found } = outcome;
    expect(failed ? (found instanceof Error ? found.message : 'it took too long') : '').toBe('');
    expect(ran).toBeGreaterThanOrEqual(wanted);
  },
  60_000 + wanted * 2000,
);

test.each([
  ['a machine answered', 'voicemail'],
  ['hold music begins', 'on_hold'],
  ['the agent hands the caller over', 'transferred'],
] as const)('%s, and nothing else: the call ends as %s, with no words but those', async (what, reason) => {
  const events = [
    { afterMs: 200, what },
    { afterMs: 400, what: 'something is attached' },
  ] as const;
  const { problems, log } = await run({ greeting: 'wait', faults: {}, events: [...events] });
  expect(problems).toEqual([]);
  expect(log).toContain(`because of "${reason}" by`);
});

test.each(foundRaces)('found once: $what', async ({ race }) => {
  expect(await raced(race)).toBe('');
});
test('a race is told so that somebody can follow it', () => {
  expect(
    told({ greeting: 'say', faults: { hangUp: 'hangs' }, events: [{ afterMs: 30, what: 'the caller leaves' }] }),
  ).toBe('a call, greeting "say", in which hangUp hangs\n   +30 ms  the caller leaves');
});
