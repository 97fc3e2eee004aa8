/** A call fails while the agent is answering: one voice is heard, and it is the apology. */
import { expect, test } from 'vitest';
import { endOf } from '../../machines/index.ts';
import { place, type Placed } from './harness.ts';
import { agent, LONG } from './plain.ts';

/** Two seconds, so that an answer that comes late comes in the middle of it. */
const APOLOGY = `Sorry, something went wrong here, ${'and we are very sorry for it, '.repeat(40)}goodbye.`;
const uncaught = endOf('system', 'process_crashed', 'application', 'uncaught: planted');
const crash = ({ run }: Placed) => run.send({ type: 'session.failed', end: uncaught });
const apologized = {
  reason: 'process_crashed',
  by: 'system',
  fault: 'application',
  apology: 'live',
  goodbye: 'skipped',
} as const;

test('T28 an exception in the middle of an answer: the answer stops, and the apology is heard whole', async () => {
  await using placed = await place({ agent, script: () => ({ say: LONG }), apology: { say: APOLOGY } });
  placed.says('Talk.');
  const talk = await placed.hears('This goes on');
  crash(placed);
  const sorry = await placed.hears('Sorry');
  await placed.endedWell(apologized);
  expect(sorry).toMatchObject({ isOver: true, isCut: false });
  expect(talk.isCut).toBe(true);
  expect(talk.overAt).toBeLessThan((sorry.overAt ?? 0) - 300); // not by the hang-up
});

test('T28 an exception while an answer is being made: it does not silence the apology when it begins', async () => {
  let asked: () => void = () => {};
  await using placed = await place({
    agent,
    script: () => {
      setImmediate(() => asked());
      return { say: LONG };
    },
    apology: { say: APOLOGY },
  });
  asked = () => crash(placed);
  placed.says('Talk.');
  const sorry = await placed.hears('Sorry');
  await placed.endedWell(apologized);
  expect(sorry).toMatchObject({ isOver: true, isCut: false });
});
