/** Every way through the wait of a caller whom nobody answers, as far as anything new happens in it. */
import { expect, test } from 'vitest';
import {
  actOnWait,
  type CallerWait,
  nextWait,
  UNTAKEN_MS,
  type WaitAct,
  type WaitFacts,
} from '../../machines/index.ts';

const STEP_MS = UNTAKEN_MS / 3;
const ANSWER_MS = 3.5 * UNTAKEN_MS;
const both = [true, false];
/** Called for again: the keeper has a new dispatch, and looks at it from then on. */
const acted = (wait: CallerWait, act: WaitAct, at: number): CallerWait =>
  act.type === 'call again' ? { ...wait, since: at, isCalledAgain: true, dispatches: `again at ${at}` } : wait;

type Day = { wait: CallerWait; act: WaitAct; at: number; facts: WaitFacts };
/** A look each four seconds, for as long as nobody is told. @param facts of each look */
function waited(facts: (at: number) => Partial<WaitFacts>, alone = 'PA_1'): Day[] {
  const days: Day[] = [];
  let wait: CallerWait | undefined;
  for (let at = 0; at < 10 * UNTAKEN_MS; at += STEP_MS) {
    wait = nextWait(wait, { dispatches: wait?.dispatches ?? 'one', alone }, at);
    const given = {
      at,
      answerMs: ANSWER_MS,
      waitsForTracks: false,
      isRefused: false,
      isTakingCalls: true,
      mayTell: true,
      ...facts(at),
    };
    const act = actOnWait(wait, given);
    days.push({ wait, act, at, facts: given });
    if (act.type === 'tell') break;
    wait = acted(wait, act, at);
  }
  return days;
}
const actsOf = (days: Day[]) =>
  days.flatMap(({ act, at }) => (act.type === 'wait' ? [] : [[act.type, at / UNTAKEN_MS]]));

test('C6 who waits with a worker at hand is called for again each time that a dispatch was not taken, then told in time', () => {
  expect(actsOf(waited(() => ({})))).toEqual([
    ['call again', 1],
    ['call again', 2],
    ['tell', 3 + 2 / 3],
  ]);
});

test('C6 without a worker they are told after answerMs; one that comes in the last moment is asked first', () => {
  expect(actsOf(waited(() => ({ isTakingCalls: false })))).toEqual([['tell', 3 + 2 / 3]]);
  const late = waited((at) => ({ isTakingCalls: at > 3 * UNTAKEN_MS }));
  expect(actsOf(late).map(([act]) => act)).toEqual(['call again', 'tell']);
});

test('C6 nothing is done before the same dispatches have stood for as long as an offer may be with another worker', () => {
  const facts = both.flatMap((isTakingCalls) =>
    both.flatMap((isRefused) =>
      both.flatMap((mayTell) => both.map((waitsForTracks) => ({ isTakingCalls, isRefused, mayTell, waitsForTracks }))),
    ),
  );
  for (const each of facts) {
    const days = waited(() => each);
    for (const { wait, act, at } of days) {
      if (act.type !== 'wait') expect(at - wait.since).toBeGreaterThanOrEqual(UNTAKEN_MS);
      if (act.type === 'tell') expect(at - (wait.alone?.since ?? at)).toBeGreaterThanOrEqual(ANSWER_MS);
      expect(act.type === 'tell' && (each.isRefused || each.waitsForTracks || !each.mayTell)).toBe(false);
      expect(act.type === 'take back' && !each.isRefused).toBe(false);
      expect(act.type === 'call again' && (each.isRefused || !each.isTakingCalls)).toBe(false);
    }
  }
});

test('C6 a dispatch of another keeper begins the wait anew, and another caller has their own time', () => {
  const first = nextWait(undefined, { dispatches: 'one', alone: 'PA_1' }, 0);
  const other = nextWait(first, { dispatches: 'two', alone: 'PA_1' }, 5_000);
  expect(other).toEqual({ dispatches: 'two', since: 5_000, isCalledAgain: true, alone: { sid: 'PA_1', since: 0 } });
  const company = nextWait(other, { dispatches: 'two', alone: undefined }, 6_000);
  expect(company).toMatchObject({ since: 5_000, alone: undefined });
  expect(nextWait(company, { dispatches: 'two', alone: 'PA_2' }, 7_000).alone).toEqual({ sid: 'PA_2', since: 7_000 });
});
