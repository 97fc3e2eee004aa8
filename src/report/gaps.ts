/**
 * How long the caller heard nothing, because a process died and another one had to come. Pure.
 *
 *   H1  From when the keeper noticed it: what the room had still buffered of the dead agent, some tenths of a second, was
 *       heard after its death and is not told apart. A process that froze was silent before it was noticed.
 *   H2  To the first sound of the agent in a later epoch, the recorded filler too. One that came and was never heard is
 *       passed over: to the caller it is the same silence, and one silence is one gap.
 *   H3  A death that nobody followed is none: it is how the call ended. Nor is a call that was left in a calm moment: its
 *       caller waited for nothing; nor did one who was not there.
 */
import { type Chapter, handOverIn, awaitedIn } from './chapters.ts';
import { elapsed, type Timed } from './clock.ts';
import { countOf, knownWord, recordOf } from './lenient.ts';
import type { Report } from './schema.ts';

type Gap = Report['completeness']['gaps'][number];

const deaths = ['died', 'frozen', 'gone', 'lost'] as const;

const isAgentHeard = ({ kind, data: raw }: Timed): boolean => {
  const { who, change } = recordOf(raw);
  return kind === 'audible' && who === 'agent' && change !== 'ends';
};

export const gapsOf = (jobs: readonly Chapter[], keeper: Chapter): Gap[] => {
  const gaps: Gap[] = [];
  for (const entry of keeper.entries) {
    if (entry.kind !== 'keeper.noticed') continue;
    const data = recordOf(entry.data);
    const cause = knownWord(deaths, data['what']);
    const fromEpoch = countOf(data['epoch']);
    if (cause === null || fromEpoch === 0) continue;
    if (gaps.some((gap) => fromEpoch >= gap.fromEpoch && fromEpoch < (gap.toEpoch ?? Infinity))) continue; // H2
    if (handOverIn(jobs.find(({ epoch }) => epoch === fromEpoch)) === 'calm') continue; // H3
    if (awaitedIn(jobs.filter(({ epoch }) => epoch <= fromEpoch))) continue; // H3
    const later = jobs.filter(({ epoch }) => epoch > fromEpoch);
    if (later.length === 0) continue; // H3
    const heard = later.flatMap(({ epoch, entries }) => {
      const sound = entries.find(isAgentHeard);
      return sound ? [{ toEpoch: countOf(epoch), ms: elapsed(entry, sound) }] : [];
    });
    gaps.push({ fromEpoch, ...(heard[0] ?? { toEpoch: null, ms: null }), cause });
  }
  return gaps;
};
