/** Records one call of the lane `ordinary` as a trace. What it wraps goes on as before. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Greeting, Transferred } from '../../../machines/index.ts';
import type { Call } from '../../../src/livekit/call.ts';
import { Pace, type Waited } from '../../../src/testing/lab/pace.ts';
import type { Placed } from '../../faults/harness.ts';
import type { Caller } from '../../ordinary/harness/caller.ts';
import type { Soundtrack } from '../../ordinary/harness/soundtrack.ts';
import type { Cause, Item, Trace } from './trace.ts';

/** Short, so that no filler of ours gets into a trace; other ones are drawn when it is played. */
const TAKES: Record<Cause, number> = {
  llm: 500,
  tts: 150,
  stt: 300,
  tool: 1500,
  hook: 1000,
  transfer: 1500,
  rest: 700,
  into: 1500,
  given: 700,
};
const REST_MS = 3000;

/** Models that always take the same time, and say so. */
class ToldPace extends Pace {
  readonly #tape: Tape;
  constructor(tape: Tape) {
    super('typical');
    this.#tape = tape;
  }
  override next(what: Waited): number {
    return what === 'network' ? 0 : this.#tape.begins(what);
  }
}

export class Tape {
  readonly pace: Pace;
  readonly #takes: Record<Cause, number>;
  readonly #items: Item[] = [];
  #placed: Placed | undefined;
  #soundtrack: Soundtrack | undefined;
  #isTelling = false;
  #now: number | undefined;

  constructor(takes: Partial<Record<Cause, number>> = {}) {
    this.#takes = { ...TAKES, ...takes };
    this.pace = new ToldPace(this);
  }

  get call(): Call {
    return this.#of(this.#placed).call;
  }

  // ── what a script says ──

  /** From here on another thing is done: rest, at which nobody speaks and nothing is owed. */
  async part(name: string): Promise<void> {
    const { turns } = this.#of(this.#placed).job;
    const isAtRest = () => {
      const { heard, isCallerSpeaking, speeches, turns: hooks, tools } = turns.ledger;
      return heard === 'nobody' && !isCallerSpeaking && Object.keys({ ...speeches, ...hooks, ...tools }).length === 0;
    };
    const until = Date.now() + REST_MS;
    while (!isAtRest()) {
      if (Date.now() > until) throw new Error(`part "${name}": expected rest, got ${JSON.stringify(turns.ledger)}`);
      await sleep(20);
    }
    this.#note({ part: name });
    await this.takes('rest');
  }

  /** @returns how long it takes */
  begins(cause: Cause): number {
    this.#note({ waits: cause, ms: this.#takes[cause] });
    return this.#takes[cause];
  }

  takes(cause: Cause): Promise<void> {
    return sleep(this.begins(cause));
  }

  /** Says something, and waits for an answer to it. */
  async asks(caller: Caller, text: string): Promise<void> {
    await caller.says(text);
    this.expects();
  }

  /** The caller waits for an answer from now on; false: no more. Their own words, and the agent's, end it too. */
  expects(expects = true): void {
    this.#note({ expects });
  }

  // ── what is wrapped ──

  watch(placed: Placed, soundtrack: Soundtrack): void {
    this.#placed = placed;
    this.#soundtrack = soundtrack;
    const { turns, run, venue } = placed.job;
    const tell = turns.tell.bind(turns);
    turns.tell = (fact) => {
      this.#note({ fact });
      const wasTelling = this.#isTelling;
      this.#isTelling = true;
      tell(fact);
      this.#isTelling = wasTelling;
    };
    const send = run.send.bind(run);
    run.send = (event) => {
      if (!this.#isTelling && event.type !== 'caller.left') this.#note({ event });
      send(event);
    };
    const hush = venue.hush.bind(venue);
    venue.hush = () => {
      this.#note({ hush: true });
      hush();
    };
  }

  /** @throws Error when something of ours was in it that is drawn anew, or what it began with was missed */
  trace(name: string, greeting: Greeting): Trace {
    const { entries } = this.#of(this.#placed);
    const { sounds } = this.#of(this.#soundtrack);
    if (sounds.some(({ voice }) => voice === 'line')) throw new Error(`${name}: a line of ours is in it`);
    const items: Item[] = [...this.#items];
    for (const { voice, from, to, isCut, pauses } of sounds) {
      if (voice === 'line') continue;
      items.push({ at: from, sound: voice, is: 'begins' });
      for (const pause of pauses) {
        items.push({ at: pause.from, sound: voice, is: 'held' });
        if (pause.to !== undefined) items.push({ at: pause.to, sound: voice, is: 'goes on' });
      }
      if (to !== undefined) items.push({ at: to, sound: voice, is: isCut ? 'cut' : 'ends' });
    }
    for (const { at, kind, data } of entries) {
      if (kind !== 'effect' || data.phase !== 'settled') continue;
      const { name: effect } = data;
      if (effect === 'awaitCaller') items.push({ at, ready: true });
      if (effect === 'speak') items.push({ at, settled: 'greeting' });
      if (effect === 'transfer') items.push({ at, settled: 'transfer', output: data.output as unknown as Transferred });
    }
    const left = entries.find(({ kind, data }) => kind === 'event' && 'type' in data && data.type === 'caller.left');
    const over = left?.at ?? Infinity;
    const ready = items.find((item) => 'ready' in item)?.at;
    if (ready === undefined) throw new Error(`${name}: the caller was never there`);
    const ordered = items
      .filter(({ at }) => at < over)
      .toSorted((one, other) => one.at - other.at || orderOf(one) - orderOf(other))
      .map((item) => ({ ...item, at: item.at - ready }) as Item);
    return { name, greeting, items: ordered };
  }

  #note(item: Item extends infer Each ? (Each extends Item ? Omit<Each, 'at'> : never) : never): void {
    if (this.#now === undefined) queueMicrotask(() => (this.#now = undefined));
    this.#now ??= Date.now(); // what is told in one turn is told at once
    this.#items.push({ at: this.#now, ...item } as Item);
  }

  #of<Value>(value: Value | undefined): Value {
    if (value === undefined) throw new Error('expected a tape that watches a call; it does not yet');
    return value;
  }
}

/** In one millisecond: ready first, then sounds, then what was told of them; all else as it came. */
const orderOf = (item: Item): number => ('ready' in item ? 0 : 'sound' in item ? 1 : 2);
