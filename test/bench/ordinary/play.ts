/**
 * Plays a composed call to the real ledger (`Turns`) and the real machine at work (`runSession`), on a virtual clock.
 * Lines of ours are spoken as on the track of our own: after a voice's first byte, until they are over or hushed.
 */
import type { Effects, End, SessionEvent } from '../../../machines/index.ts';
import { defaultPolicy } from '../../../machines/index.ts';
import { Turns } from '../../../src/livekit/observe/turns.ts';
import type { Log, Recorder } from '../../../src/session/ports.ts';
import { runSession, type SessionEffects } from '../../../src/session/run.ts';
import { VirtualClock } from '../../contract/virtual-session.ts';
import { type Plant, planted } from '../../ordinary/harness/planted.ts';
import type { Composed } from './compose.ts';
import type { Item } from './trace.ts';

/** A line of ours that was heard; in ms since the caller was there. `asked`: and not heard. */
export type Line = { line: string; rung: string; asked: number; from?: number; to?: number };
export type Played = { lines: Line[]; end: End | null; isClosed: boolean };

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const nowhere: Recorder = { append: () => 0, durable: () => Promise.resolve() };
const LINE_MS = 1400;
const RECORDED_MS = 60;
const RELEASE_MS = 30;
/** Longer than any call: one that has not closed by then never will. */
const FOR_EVER_MS = 3_600_000;

export async function play(call: Composed, plant?: Plant, recorder: Recorder = nowhere): Promise<Played> {
  const { trace, latencies } = call;
  const clock = new VirtualClock();
  const lines: Line[] = [];
  let since = 0;
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  let greeted = () => {};
  const greeting = new Promise<void>((resolve) => (greeted = resolve));
  let transferred: (output: Effects['transfer']['output']) => void = () => {};
  let hush = () => {};

  const speak: SessionEffects['speak'] = async ({ line, rung, until }, { signal, send: tell }) => {
    if (line === 'greeting') {
      isReady();
      await greeting;
      tell({ type: 'line.audible', line, rung });
      return { heardMs: 0 };
    }
    hush();
    const said: Line = { line, rung, asked: clock.now - since };
    lines.push(said);
    const stop = new AbortController();
    const isOver = () => void (said.from !== undefined && (said.to ??= clock.now - since));
    hush = () => {
      isOver();
      stop.abort();
    };
    const first = rung === 'live' ? latencies.of('tts') : RECORDED_MS;
    await clock.after(first, AbortSignal.any([signal, stop.signal])).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    if (stop.signal.aborted) return { heardMs: 0, skipped: 'somebody spoke first' };
    said.from = clock.now - since;
    tell({ type: 'line.audible', line, rung });
    const rest = clock.after(LINE_MS, stop.signal).then(isOver, isOver);
    if (until === 'played') await rest;
    return { heardMs: 0 };
  };
  const soon = async () => clock.after(RELEASE_MS);
  const turns = new Turns({ send: (event) => send(event), recorder, now: () => clock.now });
  const run = runSession({
    input: { policy: defaultPolicy, resumed: false, elapsedMs: 0, greeting: trace.greeting, goodbye: true },
    recorder,
    log: quiet,
    clock,
  });
  const send = planted(plant, (event: SessionEvent) => run.send(event), clock);

  function tellOf(item: Item): void {
    if ('fact' in item) {
      const { fact } = item;
      const isTimed = fact.fact === 'caller.speaks' || fact.fact === 'caller.stopped';
      turns.tell(isTimed ? { ...fact, atMs: clock.now } : fact);
    } else if ('event' in item) send(item.event);
    else if ('hush' in item) {
      if (!run.hasTag('leaving')) hush();
    } else if ('settled' in item) {
      if (item.settled === 'greeting') greeted();
      else transferred(item.output);
    }
  }

  run.start({
    connect: soon,
    startSession: async () => {
      for (const item of call.before) tellOf(item);
    },
    awaitCaller: async () => {
      if (trace.greeting === 'wait' || trace.greeting === 'agent') isReady();
      return { identity: 'caller' };
    },
    speak,
    hold: () => new Promise(() => {}),
    transfer: () => new Promise((resolve) => (transferred = resolve)),
    mend: soon,
    drain: soon,
    interrupt: async () => {
      hush();
      await soon();
    },
    hangUp: async () => {
      hush();
      await soon();
      return { verified: true };
    },
    close: soon,
    sendReport: async () => {},
  });
  void ready.then(() => {
    since = clock.now;
    const { items, end } = call;
    const next = (index: number): void => {
      if (run.hasTag('leaving')) return;
      const item = items[index];
      const [at, act] = item ? [item.at, () => (tellOf(item), next(index + 1))] : [end.at, () => send(end.event)];
      // What happened in one millisecond happened in one turn of the loop, or nearly.
      if (since + at <= clock.now) act();
      else clock.setTimeout(act, since + at - clock.now);
    };
    next(0);
  });
  while (clock.now < FOR_EVER_MS && (await clock.next()));
  return { lines, end: run.context().end, isClosed: run.leaves().includes('closed') };
}
