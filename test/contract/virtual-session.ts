/**
 * One session on a virtual clock: the real machine and the real run, effects that do what effects do (a line is heard
 * and journaled, a hang-up is verified), and the report that its journal folds to. An hour takes a millisecond.
 */
import {
  defaultPolicy,
  definePolicy,
  type Effects,
  endOf,
  type Greeting,
  type Policy,
  type SessionEvent,
} from '../../machines/index.ts';
import type { Entry, EntryData, EntryKind } from '../../src/journal/entry.ts';
import { toJson } from '../../src/journal/json.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { fold } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { LeftError } from '../../src/waiting/deadline.ts';
import type { Log, Recorder } from '../../src/session/ports.ts';
import { runSession, type SessionEffects, type SessionRun } from '../../src/session/run.ts';
import { assertReport } from './check-report.ts';
import { facts, owner } from './sessions.ts';

export type Spoken = { line: string; rung: string; at: number; heard: boolean };

const BEGAN = Date.UTC(2026, 10, 20, 9, 30);
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
/** To its first audio, and from there to its end. */
const LINE_MS = { first: 100, rest: 1000 };

export type VirtualOptions = {
  policy?: Partial<Policy>;
  greeting?: Greeting;
  goodbye?: boolean;
  /** In place of what they do here. */
  effects?: (usual: SessionEffects, clock: VirtualClock) => Partial<SessionEffects>;
  /** Lines that are asked for and never sound. */
  isMute?: (line: string) => boolean;
  /** Is the caller in the room? Default true; `leaves()` changes it. */
  isThere?: boolean;
};

export class VirtualClock {
  now = 0;
  #ids = 0;
  readonly #timers = new Map<number, { at: number; fire: () => void }>();

  setTimeout = (fire: () => void, ms: number): number => {
    this.#timers.set((this.#ids += 1), { at: this.now + ms, fire });
    return this.#ids;
  };
  clearTimeout = (id: unknown): void => void this.#timers.delete(id as number);

  /** Resolves after so long, rejects when it is left before. */
  after(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(new LeftError('left'));
      if (signal?.aborted) return leave();
      signal?.addEventListener('abort', leave, { once: true });
      this.setTimeout(resolve, ms);
    });
  }

  /** Whatever waits for no time has happened. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
  }

  /** Fires the next timer that is due by then. */
  async next(until = Infinity): Promise<boolean> {
    await this.settle();
    const [first] = [...this.#timers].sort(([id, one], [other, two]) => one.at - two.at || id - other);
    if (!first || first[1].at > until) return false;
    this.#timers.delete(first[0]);
    this.now = Math.max(this.now, first[1].at);
    first[1].fire();
    await this.settle();
    return true;
  }

  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    while (await this.next(until));
    this.now = until;
  }
}

export class VirtualSession {
  readonly clock = new VirtualClock();
  readonly policy: Policy;
  readonly run: SessionRun;
  readonly spoken: Spoken[] = [];
  /** Effects in the order in which they were asked for; a line by its name. */
  readonly asked: string[] = [];
  readonly entries: Entry[] = [];
  isThere: boolean;
  readonly isMute: (line: string) => boolean;
  closedAt: number | undefined;
  hungUpAt: number | undefined;

  constructor({
    policy = {},
    greeting = 'say',
    goodbye = true,
    effects = () => ({}),
    isMute = () => false,
    isThere = true,
  }: VirtualOptions = {}) {
    this.policy = Object.keys(policy).length === 0 ? defaultPolicy : definePolicy(policy);
    this.isThere = isThere;
    this.isMute = isMute;
    const recorder: Recorder = { append: (kind, data) => this.note(kind, data), durable: () => Promise.resolve() };
    this.note('session.opened', {
      ...facts,
      session: sessionIdOf('virtual'),
      epoch: 1,
      owner,
      identity: 'agent',
      policy: this.policy,
      policyHash: 'none',
      machineHash: 'none',
      hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
      versions: {},
    });
    const usual = this.#usual();
    const all = { ...usual, ...effects(usual, this.clock) };
    const counted = Object.fromEntries(
      Object.entries(all).map(([name, act]) => [
        name,
        (asked: { line?: string } | undefined, port: never) => {
          this.asked.push(asked?.line ?? name);
          return (act as (asked: unknown, port: never) => Promise<unknown>)(asked, port);
        },
      ]),
    ) as unknown as SessionEffects;
    this.run = runSession({
      input: { policy: this.policy, resumed: false, elapsedMs: 0, greeting, goodbye },
      recorder,
      log: quiet,
      clock: this.clock,
    });
    void this.run.closed.then(() => (this.closedAt = this.clock.now));
    this.run.start(counted);
  }

  note<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): number {
    const seq = this.entries.length + 1;
    this.entries.push({ seq, at: BEGAN + this.clock.now, kind, data: toJson(data) } as unknown as Entry);
    return seq;
  }

  readonly send = (event: SessionEvent): void => this.run.send(event);

  /** Into the conversation, the greeting heard. */
  async converse(): Promise<this> {
    const isTheCallersTurn = () =>
      this.run.leaves().some((leaf) => leaf.startsWith('live.conversing.dialogue.active.quiet'));
    while (!isTheCallersTurn() && !this.run.hasTag('leaving') && (await this.clock.next()));
    return this;
  }

  leaves(): void {
    this.isThere = false;
    this.send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
  }

  /** To `closed`, by time alone. Fails when no time would bring it there. */
  async report(): Promise<Report> {
    while (this.closedAt === undefined) {
      if (!(await this.clock.next()) && this.closedAt === undefined)
        throw new Error(`it never closed; it rests in ${this.run.leaves().join(' + ')}`);
    }
    const report = fold({
      session: sessionIdOf('virtual'),
      epochs: [{ epoch: 1, entries: this.entries, torn: false }],
      keeper: [],
    });
    assertReport(report);
    return report;
  }

  #usual(): SessionEffects {
    const { clock } = this;
    /** Played on by themselves, until the caller is let go. */
    const playing = new Set<() => void>();
    const speak: SessionEffects['speak'] = async ({ line, rung, until }, { signal, send }) => {
      if (!this.isThere) {
        this.note('spoken', { line, rung, heardMs: 0, outcome: 'skipped', why: 'nobody is there' });
        return { heardMs: 0, skipped: 'nobody is there' };
      }
      const spoken: Spoken = { line, rung, at: clock.now, heard: false };
      this.spoken.push(spoken);
      let begun: number | undefined;
      let isNoted = false;
      const note = (more: Pick<EntryData['spoken'], 'outcome' | 'heardMs'> & { why?: string }) => {
        if (!isNoted) this.note('spoken', { line, rung, ...more });
        isNoted = true;
        playing.delete(cut);
      };
      const cut = () =>
        note({
          outcome: begun === undefined ? 'failed' : 'cut',
          heardMs: clock.now - (begun ?? clock.now),
          why: 'left',
        });
      playing.add(cut);
      signal.addEventListener('abort', () => (begun === undefined || until === 'played') && cut());
      if (this.isMute(line)) await new Promise(() => {});
      await clock.after(LINE_MS.first, signal);
      spoken.heard = true;
      begun = clock.now;
      send({ type: 'line.audible', line, rung });
      const rest = clock.after(LINE_MS.rest, until === 'played' ? signal : undefined).then(() => {
        note({ outcome: 'played', heardMs: LINE_MS.rest });
        if (line === 'greeting') send({ type: 'dialogue.moved' }); // as the ledger tells it
      });
      if (until === 'played') await rest;
      return { heardMs: until === 'played' ? LINE_MS.rest : 0 };
    };
    return {
      connect: async (_, { signal }) => clock.after(50, signal),
      startSession: async (_, { signal }) => clock.after(50, signal),
      awaitCaller: async () => ({ identity: 'caller' }),
      speak,
      mend: async (_, { signal }) => clock.after(300, signal),
      drain: async (_, { signal }) => clock.after(10, signal),
      interrupt: async (_, { signal }) => clock.after(10, signal),
      hangUp: async (_, { signal }): Promise<Effects['hangUp']['output']> => {
        await clock.after(20, signal);
        this.hungUpAt = clock.now;
        for (const cut of playing) cut();
        this.note('hangup', { strategy: 'delete-room', attempts: 1, verified: true, left: [], ms: 20 });
        return { verified: true };
      },
      hold: () => new Promise(() => {}),
      transfer: async (_, { signal }): Promise<Effects['transfer']['output']> => {
        await clock.after(50, signal);
        return { outcome: 'declined' };
      },
      close: async (_, { signal }) => clock.after(20, signal),
      sendReport: async ({ end }) => {
        const { alsoTriggered } = this.run.context();
        this.note('session.closed', { end, alsoTriggered, stage: this.run.stage() ?? 'connecting' });
      },
    };
  }
}
