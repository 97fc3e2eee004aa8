/**
 * "This call met nobody": what a healthy call sounds like when nothing of ours came in its way.
 *
 *   N1  No line of ours but those asked for. A filler only after `firstAudioMs` of silence, and only while somebody waits
 *       for an answer: what is heard next is the agent.
 *   N2  Never two voices at once: not the session's and our own track, and none of ours over the caller.
 *   N3  No nudge, no apology, no end but the script's.
 *   N4  A true report: it fits the schema, blames nobody, and has the transcript in the order in which it was said, the
 *       caller's words each once, and of ours what was heard.
 */
import { expect } from 'vitest';
import type { Policy } from '../../../machines/index.ts';
import type { Report } from '../../../src/report/schema.ts';
import { assertReport } from '../../contract/check-report.ts';
import { busyMs } from './busy.ts';
import type { Sound, Soundtrack } from './soundtrack.ts';

export type Asked = {
  /** Lines of ours that the script brings about, with how often; a filler as a range. */
  lines?: Partial<Record<'greeting' | 'goodbye' | 'nudge' | 'windDown' | 'again', number>>;
  /** How many at least and at most, where the script says how long it takes. Default: as N1 allows. */
  fillers?: { least: number; most: number };
  /** After the caller's last sound this long is their own: they may go on. Default 500 ms; the endpointing of the session. */
  ownMs?: number;
  end: { reason: string; by: Report['end']['by'] };
  /** What the caller said and the transcript has to hold. */
  said: readonly string[];
  /** Where the transcript differs on purpose (words that are dropped, turns that stay unanswered). */
  transcript?: 'as said' | 'other';
};

/** Sounds of one frame may meet at their edges; a cut takes a moment to be heard. */
const AT_ONCE_MS = 120;
const CLOCK_MS = 150;

export function expectMetNobody(report: Report, soundtrack: Soundtrack, policy: Policy, asked: Asked): void {
  assertReport(report);
  const story = `\n${soundtrack.story()}`;
  expect({ reason: report.end.reason, by: report.end.by, detail: report.end.detail }, `the end${story}`).toMatchObject(
    asked.end,
  );
  expect(report.completeness.status).toBe('closed');

  const spoken = report.lines.filter(({ outcome }) => outcome !== 'skipped');
  const counts: Record<string, number> = {};
  for (const { line } of spoken) counts[line] = (counts[line] ?? 0) + 1;
  const { filler = 0, ...others } = counts;
  expect(others, `lines of ours${story}`).toEqual(asked.lines ?? {});
  const { least, most } = asked.fillers ?? { least: 0, most: Infinity };
  expect(filler, `fillers${story}`).toBeGreaterThanOrEqual(least);
  expect(filler, `fillers${story}`).toBeLessThanOrEqual(most);

  expectGoodManners(soundtrack.sounds, policy, asked.ownMs, story);

  expect(report.errors, `errors${story}`).toEqual([]);
  expect(
    report.tools.filter(({ status }) => status !== 'settled'),
    'tools',
  ).toEqual([]);
  const times = report.transcript.map(({ at }) => at ?? '');
  expect(times, 'the transcript in the order in which it was said').toEqual(times.toSorted());
  if (asked.transcript === 'other') return;
  const said = report.transcript.filter(({ role }) => role === 'user').map(({ text }) => text);
  expect(said.join(' '), `what the caller said${story}`).toBe(asked.said.join(' '));
  expectHeard(report, soundtrack.sounds, story);
}

/** N1 and N2, told from the sounds alone. */
export function expectGoodManners(sounds: readonly Sound[], policy: Policy, ownMs = 500, story = ''): void {
  expectNoOverlap(sounds, story);
  expectPatience(sounds, policy, ownMs, story);
}

const endOf = ({ to }: Sound) => to ?? Infinity;
const meets = (one: Sound, other: Sound) => {
  const [from, to] = [Math.max(one.from, other.from), Math.min(endOf(one), endOf(other))];
  return to - from > AT_ONCE_MS + busyMs(from, to);
};

/** N2. Agent and caller may meet: they interrupt each other. */
function expectNoOverlap(sounds: readonly Sound[], story: string): void {
  const lines = sounds.filter(({ voice }) => voice === 'line');
  for (const line of lines) {
    const met = sounds.filter((other) => other !== line && meets(line, other));
    expect(met, `nobody speaks while we say "${line.text}"${story}`).toEqual([]);
  }
}

/**
 * N1. The first filler: from the last sound of ours, or from where the caller's last turn was over. The next ones: from
 * the beginning of the one before.
 */
function expectPatience(
  sounds: readonly Sound[],
  { firstAudioMs, fillerMs }: Policy,
  ownMs: number,
  story: string,
): void {
  for (const line of sounds.filter(({ voice }) => voice === 'line')) {
    const next = sounds.find((other) => other.voice !== 'line' && other.from > line.from);
    expect(next?.voice, `what is heard after "${line.text}"${story}`).toBe('agent');
    const before = sounds.filter((other) => other !== line && other.from < line.from);
    const last = before.at(-1);
    const over = before.map((other) => endOf(other) + (other.voice === 'caller' ? ownMs : 0));
    const [waited, least] =
      last?.voice === 'line' ? [line.from - last.from, fillerMs] : [line.from - Math.max(...over), firstAudioMs];
    expect(waited, `a filler after ${least} ms of silence${story}`).toBeGreaterThanOrEqual(least - CLOCK_MS);
  }
}

/** N4. Word by word, for sentences come through the output one by one and stand in the transcript together. */
function expectHeard({ transcript }: Report, sounds: readonly Sound[], story: string): void {
  const wordsOf = (texts: readonly string[]) => texts.join(' ').split(/\s+/).join(' ');
  const told = transcript.filter(({ role, interrupted }) => role === 'assistant' && !interrupted);
  const heard = sounds.filter(({ voice, isCut }) => voice === 'agent' && !isCut);
  expect(
    told.filter((row) => row.heard !== true),
    `said, and not heard${story}`,
  ).toEqual([]);
  expect(wordsOf(told.map(({ text }) => text)), `what was heard${story}`).toBe(wordsOf(heard.map(({ text }) => text)));
}
