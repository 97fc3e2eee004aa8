/** Which states a session went through, and for how long. Pure. */
import { stageOf } from '../../machines/index.ts';
import { mergeByTime } from '../journal/merge.ts';
import type { Chapter } from './chapters.ts';
import { elapsed, type Timed, whenOf } from './clock.ts';
import { recordOf, textOf, textsOf, timeOf } from './lenient.ts';
import type { Report } from './schema.ts';

export type Step = Report['path'][number];

type Dated = { step: Step; since: Timed };

const stepsIn = ({ epoch, entries }: Chapter): Dated[] => {
  const steps: Dated[] = [];
  const open = new Map<string, Dated>();
  for (const entry of entries) {
    if (entry.kind !== 'transition') continue;
    const data = recordOf(entry.data);
    const states = textsOf(data['to']);
    if (states.length === 0) continue;
    const machine = textOf(data['machine']) ?? 'session';
    const before = open.get(machine);
    if (before) before.step.ms = elapsed(before.since, entry);
    open.delete(machine);
    if (machine === 'recovery' && states[0] === 'done') continue; // over: no state to be in
    const event = textOf(data['event']) ?? '';
    const dated = { step: { machine, epoch, states, event, at: timeOf(entry.at), ms: 0 }, since: entry };
    open.set(machine, dated);
    steps.push(dated);
  }
  // What was never left lasts as long as its process is known to have lived.
  for (const { step, since } of open.values()) step.ms = elapsed(since, entries.at(-1) ?? since);
  return steps;
};

export const pathOf = (chapters: readonly Chapter[]): Step[] =>
  mergeByTime(chapters.map(stepsIn), ({ since }) => whenOf(since)).map(({ step }) => step);

export const stagesOf = (path: readonly Step[]): Report['stages'] => {
  const stages: Report['stages'] = [];
  for (const step of path) {
    const stage = step.machine === 'session' ? stageOf(step.states) : null;
    if (stage === null) continue;
    const last = stages.at(-1);
    if (last?.stage === stage) last.ms += step.ms;
    else stages.push({ stage, ms: step.ms });
  }
  return stages;
};
