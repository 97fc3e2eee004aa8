/**
 * Who was audible when, as the journal has it. Pure.
 *
 *   A1  `audible` says it: of the caller, of replies, of lines on a track of their own.
 *   A2  A line of ours that went through the session is a reply, and `line.audible` says at the same instant which one.
 *   A3  Where nothing but `spoken` is there (the keeper's apology, a journal of an earlier version) its length is what was
 *       heard of it.
 *   A4  A process that is gone is not audible.
 */
import type { JournalName } from '../journal/folder.ts';
import { whenOf } from '../report/clock.ts';
import { durationOf, recordOf, textOf } from '../report/lenient.ts';
import type { Entry } from '../journal/entry.ts';
import type { LaneName, Reference, Tone } from './answers.ts';
import { OpenSpans } from './spans.ts';

type Voice = Extract<LaneName, 'caller' | 'agent' | 'filler' | 'apology'>;

/** A reply and the event of the line that it is are written within the same turn of the loop. */
const SAME_MS = 250;

const laneOf = (line: string): Voice => (line === 'filler' || line === 'apology' ? line : 'agent');
const toneOf: Record<Voice, Tone> = { caller: 'caller', agent: 'agent', filler: 'quiet', apology: 'bad' };

export class Sounds {
  readonly lanes: Record<Voice, OpenSpans> = {
    caller: new OpenSpans(),
    agent: new OpenSpans(),
    filler: new OpenSpans(),
    apology: new OpenSpans(),
  };

  take(file: JournalName, entry: Entry, ref: Reference): void {
    const data = recordOf(entry.data);
    const at = whenOf(entry);
    if (entry.kind === 'audible') this.#audible(file, data, at, ref);
    else if (entry.kind === 'event') this.#event(file, data, at, ref);
    else if (entry.kind === 'spoken') this.#spoken(file, data, at, ref);
    else if (entry.kind === 'session.closed') this.over(file, at);
  }

  /** A4. */
  over(file: JournalName, at: number): void {
    for (const lane of Object.values(this.lanes)) lane.endAll(`${file} `, at);
  }

  /** Somebody is audible now. */
  get isAnybody(): boolean {
    return Object.values(this.lanes).some(({ spans }) => spans.some(({ to }) => to === null));
  }

  #begin(lane: Voice, key: string, label: string, from: number, ref: Reference): void {
    if (!this.lanes[lane].of(key)) this.lanes[lane].begin(key, { from, label, ref, tone: toneOf[lane] });
  }

  #audible(file: JournalName, data: Record<string, unknown>, at: number, ref: Reference): void {
    const line = textOf(data['line']);
    const lane = data['who'] === 'caller' ? 'caller' : laneOf(line ?? '');
    const key = `${file} ${line === null ? (textOf(data['speech']) ?? '') : `line ${line}`}`;
    if (data['change'] === 'ends') {
      for (const each of lane === 'caller' ? (['caller'] as const) : (['agent', 'filler', 'apology'] as const))
        this.lanes[each].end(key, at);
      return;
    }
    if (lane !== 'caller' && Object.values(this.lanes).some((each) => each.of(key))) return; // goes on
    const agent = textOf(data['agent']);
    this.#begin(lane, key, lane === 'caller' ? 'the caller' : (line ?? agent ?? 'the agent'), at, ref);
  }

  #event(file: JournalName, data: Record<string, unknown>, at: number, ref: Reference): void {
    const type = data['type'] === 'apologist.audible' ? 'line.audible' : data['type'];
    if (type !== 'line.audible') return;
    const line = textOf(data['line']) ?? 'apology';
    const lane = laneOf(line);
    const reply = this.lanes.agent.spans.findLast(({ to }) => to === null);
    if (this.lanes[lane].of(`${file} line ${line}`)) return;
    if (reply && at - reply.from <= SAME_MS) {
      reply.label = line; // A2
      if (lane !== 'agent') reply.tone = toneOf[lane];
      return;
    }
    this.#begin(lane, `${file} line ${line}`, line, at, ref);
  }

  #spoken(file: JournalName, data: Record<string, unknown>, at: number, ref: Reference): void {
    const line = textOf(data['line']) ?? 'line';
    const lane = laneOf(line);
    const heardMs = durationOf(data['heardMs']) ?? 0;
    const key = `${file} line ${line}`;
    const open = this.lanes[lane].of(key);
    if (open) this.lanes[lane].end(key, heardMs > 0 ? Math.min(at, open.from + heardMs) : at);
    else if (heardMs > 0 && !this.#isKnown(lane, line, at - heardMs, at)) {
      this.#begin(lane, key, line, at - heardMs, ref); // A3
      this.lanes[lane].end(key, at);
    }
  }

  /** A span with this line's name lies there already. */
  #isKnown(lane: Voice, line: string, from: number, to: number): boolean {
    const all = [...this.lanes[lane].spans, ...this.lanes.agent.spans];
    return all.some((span) => span.label === line && span.from < to + SAME_MS && (span.to ?? to) > from - SAME_MS);
  }
}
