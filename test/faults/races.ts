/**
 * Races: up to twelve things happen to a call within moments, while parts of it settle, fail, hang or are late. The real
 * AgentSession, machine, adapters and journal; faults at the edges alone.
 *
 * A race is plain data: it is printed as a log that can be read, and kept in found-races.ts. Here is what may happen; how
 * it is made to happen is in race-run.ts, and what has to hold afterwards in race-checks.ts.
 */
import * as fc from 'fast-check';

const parts = [
  'connect', 'awaitCaller', 'presence', 'play', 'hangUp', 'close', 'session', 'agent', 'start',
  'onEnter', 'onExit', 'onUserTurnCompleted', 'tool', 'model', 'voice', 'playout', 'cut', 'sealing',
  'invite', 'answered', 'confirm',
] as const; // prettier-ignore
export type Part = (typeof parts)[number];
const outcomes = ['fails', 'hangs', 'is late'] as const;
type Outcome = (typeof outcomes)[number];

const happenings = [
  'the caller asks', 'the caller asks for the tool', 'the caller leaves', 'the caller vanishes', 'the caller is lost',
  'the caller returns', 'the agent ends', 'the agent ends at once', 'the agent ends without goodbye', 'a model fails',
  'the worker stops', 'the worker stops now', 'the agent speaks', 'the agent is interrupted', 'the session is closed by hand',
  'another agent takes over', 'something is attached', 'a machine answered', 'hold music begins', 'a human is back',
  'the agent hands the caller over',
] as const; // prettier-ignore
export type Happening = (typeof happenings)[number];

export type Race = {
  greeting: 'say' | 'agent' | 'wait';
  faults: Partial<Record<Part, Outcome>>;
  /** Milliseconds after the one before. */
  events: { afterMs: number; what: Happening }[];
};

export const races: fc.Arbitrary<Race> = fc.record({
  greeting: fc.constantFrom('say', 'agent', 'wait'),
  faults: fc
    .uniqueArray(fc.record({ part: fc.constantFrom(...parts), outcome: fc.constantFrom(...outcomes) }), {
      maxLength: 4,
      selector: ({ part }) => part,
    })
    .map((list) => Object.fromEntries(list.map(({ part, outcome }) => [part, outcome]))),
  events: fc.array(
    fc.record({ afterMs: fc.constantFrom(0, 0, 0, 5, 30, 80, 200, 400), what: fc.constantFrom(...happenings) }),
    { maxLength: 12 },
  ),
});

/** The race as somebody would tell it. */
export const told = ({ greeting, faults, events }: Race): string => {
  const broken = Object.entries(faults).map(([part, outcome]) => `${part} ${outcome}`);
  return [
    `a call, greeting "${greeting}"${broken.length > 0 ? `, in which ${broken.join(', ')}` : ''}`,
    ...events.map(({ afterMs, what }) => `${`+${afterMs}`.padStart(6)} ms  ${what}`),
  ].join('\n');
};
