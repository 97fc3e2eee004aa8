/**
 * Races: up to twelve things happen to a call within moments, while parts of it settle, fail, hang or are late. The real
 * AgentSession, machine, adapters and journal; faults at the edges alone.
 *
 * A race is plain data: it is printed as a log that can be read, and kept in found-races.ts.
 */
import { voice } from '@livekit/agents';
import * as fc from 'fast-check';
import { bound, definePolicy, endOf, sessionMachine, type Policy, type SessionEvent } from '../../machines/index.ts';
import type { EntryData } from '../../src/journal/entry.ts';
import type { SessionDefinition } from '../../src/livekit/definition.ts';
import type { Venue } from '../../src/livekit/venue.ts';
import { assertReport } from '../contract/check-report.ts';
import { type Placed, place } from './harness.ts';
import { never, toolNamed, WithTools } from './plain.ts';

const parts = [
  'connect', 'awaitCaller', 'presence', 'play', 'hangUp', 'close', 'session', 'agent', 'start',
  'onEnter', 'onExit', 'onUserTurnCompleted', 'tool', 'model', 'voice',
] as const; // prettier-ignore
type Part = (typeof parts)[number];
const outcomes = ['fails', 'hangs', 'is late'] as const;
type Outcome = (typeof outcomes)[number];

const happenings = [
  'the caller asks', 'the caller asks for the tool', 'the caller leaves', 'the caller vanishes', 'the caller is lost',
  'the caller returns', 'the agent ends', 'the agent ends at once', 'the agent ends without goodbye', 'a model fails',
  'the worker stops', 'the worker stops now', 'the agent speaks', 'the agent is interrupted', 'the session is closed by hand',
  'another agent takes over', 'something is attached',
] as const; // prettier-ignore
type Happening = (typeof happenings)[number];

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

const LATE_MS = 150;
/** Of a machine that is busy; the limits of the policy are what is measured. */
const SLACK_MS = 2500;
const GOODBYE = 'Goodbye now.';
const limits: Partial<Policy> = {
  connectMs: 500,
  callerJoinMs: 500,
  firstAudioMs: 300,
  rungMs: 200,
  toolMs: 300,
  idleMs: 400,
  nudges: 1,
  callerGraceMs: 300,
  maxDurationMs: 3000,
  windDownMs: 500,
  drainMs: 200,
  interruptMs: 150,
  goodbyeMs: 400,
  apologyMs: 400,
  hangUpMs: 200,
  closeMs: 300,
  reportMs: 300,
};
const policy = definePolicy(limits);

class Racing extends WithTools {
  readonly #faults: Race['faults'];

  constructor(faults: Race['faults']) {
    super([toolNamed('look_up', () => faulty(faults, 'tool', async () => 'nine'))]);
    this.#faults = faults;
  }
  override async onEnter(): Promise<void> {
    await faulty(this.#faults, 'onEnter', async () => void this.session.say('I am here.'));
  }
  override async onExit(): Promise<void> {
    await faulty(this.#faults, 'onExit', async () => {});
  }
  override async onUserTurnCompleted(): Promise<void> {
    await faulty(this.#faults, 'onUserTurnCompleted', async () => {});
  }
}

async function faulty<Value>(faults: Race['faults'], part: Part, usual: () => Promise<Value>): Promise<Value> {
  switch (faults[part]) {
    case 'fails':
      throw new Error(`${part}: planted`);
    case 'hangs':
      return never();
    case 'is late':
      await new Promise((resolve) => setTimeout(resolve, LATE_MS));
      return usual();
    default:
      return usual();
  }
}

/** @returns what was wrong; empty when nothing was. */
export async function run(race: Race): Promise<string[]> {
  const { faults, greeting, events } = race;
  const seen = { hangUps: 0, isGone: false, wordsToNobody: [] as string[] };
  const edges = {
    venue: (usual: Venue): Partial<Venue> => ({
      connect: (signal) => faulty(faults, 'connect', () => usual.connect(signal)),
      awaitCaller: (signal) => faulty(faults, 'awaitCaller', () => usual.awaitCaller(signal)),
      presence: (signal) => faulty(faults, 'presence', () => usual.presence(signal)),
      play: (...given) => faulty(faults, 'play', () => usual.play(...given)),
      hangUp: (...given) => {
        seen.hangUps += 1;
        return faulty(faults, 'hangUp', () => usual.hangUp(...given));
      },
      close: () => faulty(faults, 'close', () => usual.close()),
      isCallerThere: () => !seen.isGone && usual.isCallerThere(),
    }),
  };
  const definition: Partial<SessionDefinition> = {
    greeting: greeting === 'say' ? { say: 'Hello there.' } : greeting,
    goodbye: { say: GOODBYE },
    nudge: { say: 'Still there?' },
    windDown: { say: 'Soon.' },
    filler: { say: 'One moment.' },
    apology: { say: 'Sorry.' },
    policy: limits,
  };
  const placed = await place({
    ...definition,
    agent: () => faulty(faults, 'agent', async () => new Racing(faults)) as never,
    start: () => faulty(faults, 'start', async () => ({})),
    script: (asked) => {
      if (faults.model === 'fails') return { error: new Error('model: planted') };
      if (faults.model !== undefined) return { isStuck: true };
      return asked === 'Use the tool.' ? { calls: ['look_up'] } : { say: 'It is nine.' };
    },
    edges,
  });
  if (faults.voice !== undefined) placed.tts.isMute = true;
  const goneAt = { seq: Infinity };
  const goes = () => {
    seen.isGone = true;
    goneAt.seq = placed.entries.at(-1)?.seq ?? 0;
  };
  try {
    for (const { afterMs, what } of events) {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      happen(what, placed, seen, goes);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    placed.call.end('finally');
    const outcome = await Promise.race([
      placed.run.closed.then(() => 'closed'),
      new Promise((resolve) => setTimeout(resolve, 9000)),
    ]);
    if (outcome !== 'closed') return [`it did not close; it rests in ${placed.run.leaves().join(' + ')}`];
    return await problemsOf(placed, seen.hangUps);
  } finally {
    await placed[Symbol.asyncDispose]();
  }
}

function happen(what: Happening, placed: Placed, seen: { isGone: boolean }, goes: () => void): void {
  const { call, run } = placed;
  const send = (event: SessionEvent) => run.send(event);
  const hasLeft = seen.isGone;
  try {
    switch (what) {
      case 'the caller asks':
        return placed.says('What time is it?');
      case 'the caller asks for the tool':
        return placed.says('Use the tool.');
      case 'the caller leaves':
        goes();
        return placed.leaves();
      case 'the caller vanishes':
        return goes();
      case 'the caller is lost':
        goes();
        return send({ type: 'caller.lost' });
      case 'the caller returns':
        if (!hasLeft) return;
        seen.isGone = false;
        return send({ type: 'caller.returned' });
      case 'the agent ends':
        return call.end('agent_done');
      case 'the agent ends at once':
        return call.end('agent_done_at_once', { drain: false });
      case 'the agent ends without goodbye':
        return call.end('agent_done_silently', { goodbye: false });
      case 'a model fails':
        return send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', 'planted') });
      case 'the worker stops':
        return send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 2000 });
      case 'the worker stops now':
        return send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 0 });
      case 'the agent speaks':
        return void call.session?.say('By the way.');
      case 'the agent is interrupted':
        return void call.session?.interrupt({ force: true });
      case 'the session is closed by hand':
        return void call.session?.close().catch(() => {});
      case 'another agent takes over':
        return call.session?.updateAgent(new voice.Agent({ instructions: 'Answer.' }));
      case 'something is attached':
        return call.attach('note', 'x');
    }
  } catch {
    // what the SDK refuses to the user's code is the user's
  }
}

const idOf = (leaf: string): string =>
  leaf.split('.').reduce((node, key) => node.states[key] as never, sessionMachine.root).id;

async function problemsOf(placed: Placed, hangUps: number): Promise<string[]> {
  const problems: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) problems.push(what);
  };
  const closedAt = Date.now();
  const report = await placed.report();
  assertReport(report);
  check(report.completeness.status === 'closed', `completeness ${report.completeness.status}`);
  check(placed.of('session.closed').length === 1, 'session.closed was written twice');

  const transitions = placed.entries.filter(({ kind }) => kind === 'transition');
  const ending = transitions.find(({ data }) => (data as EntryData['transition']).end !== undefined);
  const first = (ending?.data as EntryData['transition'] | undefined)?.end;
  check(
    first !== undefined && report.end.reason === first.reason,
    `reason ${report.end.reason}, first ${first?.reason}`,
  );
  const given = placed.entries.filter(({ kind, data }) => kind === 'event' && 'end' in data);
  const told = given.findIndex(({ seq }) => seq < (ending?.seq ?? 0));
  if (told >= 0) {
    const { reason } = (given[told] as { data: { end: { reason: string } } }).data.end;
    check(report.end.reason === reason, `the first trigger was ${reason}, the reason is ${report.end.reason}`);
  }

  const lines = placed.of('effect').filter(({ name, phase }) => name === 'speak' && phase === 'requested');
  const goodbyes = lines.filter(({ line }) => line === 'goodbye');
  check(goodbyes.length <= 1, `${goodbyes.length} goodbyes`);
  check(placed.heard.filter(({ text }) => text.includes(GOODBYE)).length <= 1, 'the goodbye was heard twice');
  const asked = placed.entries.find(
    ({ kind, data }) => kind === 'effect' && (data as EntryData['effect']).line === 'goodbye',
  );
  const away = placed.entries.findLast(
    ({ kind, data, seq }) => kind === 'event' && /^caller\.(left|lost)$/.test(data.type) && seq < (asked?.seq ?? 0),
  );
  const back = placed.entries.findLast(({ kind, data }) => kind === 'event' && data.type === 'caller.returned');
  check(!asked || !away || (back?.seq ?? 0) > away.seq, 'a goodbye to nobody');
  check(hangUps === 1, `${hangUps} hang-ups`);
  for (const { name, status } of report.tools) check(status !== 'unknown', `tool ${name} is unknown`);
  for (const { line, outcome } of report.lines) check(outcome !== 'unknown', `${line} is unknown`);

  if (ending) {
    const to = (ending.data as EntryData['transition']).to[0] ?? '';
    const limit = bound(policy, idOf(to));
    const took = closedAt - ending.at;
    check(took <= limit + SLACK_MS, `from ${to} to closed ${took} ms, computed ${limit}`);
  }
  return problems;
}
