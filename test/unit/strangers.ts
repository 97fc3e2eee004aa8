/** A journal within its budget on a virtual clock, and what outsiders do to it. */
import type { Entry, EntryData, EntryKind, SessionJournal } from '../../src/journal/entry.ts';
import { withinBudget } from '../../src/journal/within-budget.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { opened } from '../contract/sessions.ts';

const BEGAN = Date.UTC(2026, 10, 20, 9, 30);
export const KIB = 1024;
export const MIB = 1024 * KIB;

export class Kept {
  readonly entries: Entry[] = [...opened(sessionIdOf('one')).entries];
  /** Of the lines as they would stand in the file. */
  bytes = 0;
  nowMs = 0;
  readonly #journal = withinBudget(
    {
      path: '',
      lastSeq: 0,
      append: (kind, data) => {
        const entry = { seq: this.entries.length + 1, at: BEGAN + this.nowMs, kind, data } as Entry;
        this.bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
        return this.entries.push(entry);
      },
      durable: async () => {},
      pending: () => '',
      close: async () => {},
    },
    () => this.nowMs,
  );

  add<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind], afterMs = 0): number {
    this.nowMs += afterMs;
    return this.#journal.append(kind, data);
  }

  joins(identity: string, more: Partial<EntryData['participant']> = {}): number {
    return this.add('participant', { change: 'joined', identity, sid: `PA_${identity}`, isCaller: false, ...more });
  }

  sets(identity: string, attributes: Record<string, string>, afterMs = 0): number {
    return this.add('participant', { change: 'attributes', identity, attributes }, afterMs);
  }

  closes(): this {
    this.add('session.closed', {
      end: { by: 'caller', reason: 'caller_hung_up', fault: 'none' },
      alsoTriggered: [],
      stage: 'conversing',
    });
    return this;
  }

  of<Kind extends EntryKind>(kind: Kind): EntryData[Kind][] {
    return this.entries.flatMap((entry) => (entry.kind === kind ? [entry.data as EntryData[Kind]] : []));
  }

  /** The last count of each. */
  withheld(): EntryData['withheld'][] {
    return [...new Map(this.of('withheld').map((each) => [`${each.part} ${each.identity ?? ''}`, each])).values()];
  }

  session(): SessionJournal {
    return { session: sessionIdOf('one'), epochs: [{ epoch: 1, entries: this.entries, torn: false }], keeper: [] };
  }
}

/** 3 MB/s: what a caller's own client can send. */
export function flood(
  kept: Kept,
  seconds: number,
  identity = 'caller',
): { entries: number; last: Record<string, string> } {
  const value = 'x'.repeat(60_000);
  let last: Record<string, string> = {};
  const entries = (seconds * 3_000_000) / value.length;
  for (let turn = 0; turn < entries; turn += 1) {
    last = { page: `${turn} ${value}` };
    kept.sets(identity, last, 20);
  }
  return { entries, last };
}

/** Two hours without a pause: an interview with long answers, tools, a telephone, an app that shows where it is. */
export function interview(kept: Kept): void {
  const answer = 'And then I thought about it for a long while, and found that it was so. '.repeat(14); // 1 KB
  const latencies = { startedSpeakingAt: 1795947877.799, stoppedSpeakingAt: 1795947878.799, e2eLatency: 0.912 };
  const usage = { type: 'llm_usage', provider: 'openai', model: 'gpt-4.1', inputTokens: 1, outputTokens: 1 };
  kept.joins('caller', { isCaller: true, kind: 'sip', attributes: { 'sip.phoneNumber': '+4930901820' } });
  for (let turn = 0; turn < 600; turn += 1) {
    kept.add('transcript', { text: answer }, 6_000);
    const text = { text: answer, interrupted: false, createdAt: BEGAN + kept.nowMs };
    const sdk = { type: 'message', content: [answer], interrupted: false, createdAt: BEGAN, metrics: latencies };
    kept.add('audible', { who: 'caller', change: 'begins' });
    kept.add('audible', { who: 'caller', change: 'ends' });
    kept.add('item', { id: `question ${turn}`, role: 'user', ...text, sdk: { id: 'item_0123456789ab', ...sdk } });
    kept.add('request', {
      agent: 'interviewer',
      items: ['item_0123456789ab', 'item_0123456789ac'],
      after: { seq: kept.entries.length, count: 2 * turn },
      instructions: '0123456789abcdef',
      ...(turn === 0 && { pii: { instructions: answer.repeat(10) } }),
    });
    const speech = `speech_${turn}`;
    kept.add('audible', { who: 'agent', change: 'begins', speech, agent: 'interviewer' });
    const second = {
      who: 'agent',
      change: 'goes-on',
      speech,
      pii: { text: answer.slice(0, answer.length / 6) },
    } as const;
    for (let each = 0; each < 6; each += 1) kept.add('audible', second);
    kept.add('audible', { who: 'agent', change: 'ends', speech, heardMs: 6_000, isWhole: true });
    if (turn % 3 === 0) {
      const call = { type: 'function_call', callId: `c${turn}`, name: 'look_up', createdAt: BEGAN };
      const tool = { role: 'tool', text: '', interrupted: false, createdAt: BEGAN } as const;
      kept.add('item', { id: `call ${turn}`, ...tool, sdk: { ...call, args: '{}' } });
      kept.add('item', { id: `output ${turn}`, ...tool, sdk: { ...call, output: 'row '.repeat(1_250) } });
      kept.add('tool', { call: `c${turn}`, name: 'look_up', status: 'started', args: { turn } });
      kept.add('tool', { call: `c${turn}`, name: 'look_up', status: 'settled', output: 'row '.repeat(1_250), ms: 5 });
    }
    for (let told = 0; told < 4; told += 1) kept.add('usage', { models: [usage, usage, usage] });
    kept.add('latency', { measure: 'turn', ms: 900 });
    kept.add(
      'item',
      { id: `answer ${turn}`, role: 'assistant', ...text, speech, sdk: { id: 'item_1', ...sdk } },
      6_000,
    );
    kept.add('key', { identity: 'caller', pii: { digit: '1' } });
    kept.sets('caller', { page: String(turn) });
    if (turn % 20 === 0) kept.add('error', { component: 'llm', message: 'slow', recoverable: true, stack: answer });
    if (turn % 20 === 0) kept.add('attach', { key: `page ${turn}`, value: answer });
  }
}
