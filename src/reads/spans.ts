/** Spans of time, as lanes draw them. Pure; `to: null` goes on still. */
import type { Reference, Span, Tone } from './answers.ts';

export type Between = { from: number; to: number };

/** *Pure.* Those that touch become one; in order. */
export const joined = (spans: readonly Between[]): Between[] => {
  const all: Between[] = [];
  for (const { from, to } of [...spans].sort((one, other) => one.from - other.from)) {
    const last = all.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else if (to > from) all.push({ from, to });
  }
  return all;
};

/** *Pure.* What of `whole` none of `parts` covers. Both in order, as `joined` gives them. */
export const gapsIn = (whole: readonly Between[], parts: readonly Between[]): Between[] => {
  const gaps: Between[] = [];
  let next = 0;
  for (const { from, to } of whole) {
    let at = from;
    while (next < parts.length && (parts[next]?.to ?? 0) <= from) next += 1;
    for (let index = next; index < parts.length; index += 1) {
      const part = parts[index];
      if (!part || part.from >= to) break;
      if (part.from > at) gaps.push({ from: at, to: part.from });
      at = Math.max(at, part.to);
    }
    if (at < to) gaps.push({ from: at, to });
  }
  return gaps;
};

/** *Pure.* How much of `one` lies in `parts`, which are in order. */
export const overlapMs = (one: Between, parts: readonly Between[]): number =>
  parts.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, one.to) - Math.max(from, one.from)), 0);

/** Spans that begin and end by a key, one of a key at a time. */
export class OpenSpans {
  readonly spans: Span[] = [];
  readonly #open = new Map<string, Span>();

  begin(key: string, span: { from: number; label: string; ref: Reference | null; tone: Tone }): Span {
    this.end(key, span.from);
    const begun: Span = { ...span, to: null };
    this.#open.set(key, begun);
    this.spans.push(begun);
    return begun;
  }

  of(key: string): Span | undefined {
    return this.#open.get(key);
  }

  end(key: string, at: number): Span | undefined {
    const span = this.#open.get(key);
    if (!span) return undefined;
    span.to = Math.max(span.from, at);
    this.#open.delete(key);
    return span;
  }

  /** Those whose key begins so: their process is gone. */
  endAll(prefix: string, at: number): void {
    for (const key of this.#open.keys()) if (key.startsWith(prefix)) this.end(key, at);
  }
}
