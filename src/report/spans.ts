/** When the agent was heard, and when the caller was there to hear it. Pure. */
import { type Timed, whenOf } from './clock.ts';
import { recordOf } from './lenient.ts';

export type Stretch = { from: number; to: number };

/** Opened and closed by turns; one that is still open at the end never closed. */
class Spans {
  readonly #all: Stretch[] = [];
  #from: number | undefined;

  open(at: number): void {
    this.#from ??= at;
  }

  close(at: number): void {
    if (this.#from !== undefined) this.#all.push({ from: this.#from, to: at });
    this.#from = undefined;
  }

  all(): Stretch[] {
    return this.#from === undefined ? this.#all : [...this.#all, { from: this.#from, to: Infinity }];
  }
}

/** Of one process. Null where its journal does not tell: that of an older Lastword. What is only written is not heard. */
export const heardIn = (entries: readonly Timed[]): Stretch[] | null => {
  const spans = new Spans();
  const facts = entries.filter(({ kind }) => kind === 'fact');
  let isAudible = true;
  for (const entry of facts) {
    const data = recordOf(entry.data);
    const at = whenOf(entry);
    if (data['fact'] === 'pipeline') isAudible = data['isAudible'] !== false;
    if (data['fact'] === 'agent.heard' && isAudible) spans.open(at);
    if (data['fact'] === 'agent.quiet') spans.close(at);
  }
  return facts.length === 0 ? null : spans.all();
};

const gone: readonly unknown[] = ['left', 'lost'];

/** `identity`: who turned out to be the caller. Until they are let go, or nobody knows. Null if nothing is known of them. */
export const presenceOf = (identity: string | undefined, entries: readonly Timed[]): Stretch[] | null => {
  if (identity === undefined) return null;
  const spans = new Spans();
  for (const entry of entries) {
    const { kind, data: raw } = entry;
    const data = recordOf(raw);
    const at = whenOf(entry);
    if (kind === 'hangup' && data['verified'] === true) spans.close(at);
    if (kind !== 'participant' || data['identity'] !== identity) continue;
    if (gone.includes(data['change'])) spans.close(at);
    else if (data['isRinging'] !== true) spans.open(at);
  }
  return spans.all();
};

/** Is there an instant that lies in one span of each? */
export const meet = (...all: readonly (readonly Stretch[])[]): boolean =>
  all.reduce((found, spans) => found.flatMap((one) => spans.flatMap((other) => common(one, other)))).length > 0;

const common = (one: Stretch, other: Stretch): Stretch[] => {
  const from = Math.max(one.from, other.from);
  const to = Math.min(one.to, other.to);
  return from < to ? [{ from, to }] : [];
};
