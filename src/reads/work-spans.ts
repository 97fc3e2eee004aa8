/** Tools and effects as spans. Pure. What its process took with it ends with the process, and nobody knows how it went. */
import { spellMs } from '../output/spell-ms.ts';
import { oneLine } from '../output/for-people.ts';
import { whenOf } from '../report/clock.ts';
import { recordOf, textOf } from '../report/lenient.ts';
import type { Span, Tone } from './answers.ts';
import { epochsOf } from './ended-files.ts';
import { refOf, type Placed } from './session-read.ts';
import { OpenSpans } from './spans.ts';

const endTones: Record<string, Tone> = {
  settled: 'plain',
  failed: 'bad',
  abandoned: 'bad',
  aborted: 'quiet',
  late: 'quiet',
};

export function workSpans(all: readonly Placed[]): { tools: Span[]; effects: Span[] } {
  const tools = new OpenSpans();
  const effects = new OpenSpans();
  for (const placed of all) {
    const { file, entry } = placed;
    const data = recordOf(entry.data);
    const [at, ref] = [whenOf(entry), refOf(placed)];
    if (entry.kind === 'tool') {
      const [name, status] = [short(data['name']), textOf(data['status']) ?? ''];
      const key = `${file} ${textOf(data['call']) ?? name}`;
      if (status === 'started' && !tools.of(key)) tools.begin(key, { from: at, label: name, ref, tone: 'plain' });
      else if (status !== 'started') ended(tools.end(key, at), status);
    }
    if (entry.kind === 'effect' && data['machine'] !== 'supervision') {
      const phase = textOf(data['phase']) ?? '';
      const line = short(data['line']);
      const key = `${file} ${textOf(data['machine']) ?? ''} ${textOf(data['id']) ?? ''}`;
      const label = `${short(data['name'])}${line === '' ? '' : ` ${line}`}`;
      if (phase === 'requested') effects.begin(key, { from: at, label, ref, tone: 'quiet' });
      else if (phase !== 'late') ended(effects.end(key, at), phase);
    }
  }
  for (const { epoch, end } of epochsOf(all))
    if (end)
      for (const open of [tools, effects])
        for (const span of open.spans)
          if (span.to === null && span.ref?.startsWith(`${epoch}:`)) {
            span.to = Math.max(span.from, end.at);
            if (end.isDeath) Object.assign(span, { label: `${span.label}: unknown, its process is gone`, tone: 'bad' });
          }
  return { tools: tools.spans, effects: effects.spans };
}

const ended = (span: Span | undefined, how: string): void => {
  if (!span) return;
  const lasted = spellMs((span.to ?? span.from) - span.from);
  span.label += how === 'settled' ? `, ${lasted}` : ` ${oneLine(how).slice(0, 40)} after ${lasted}`;
  span.tone = endTones[how] ?? 'bad';
};

const short = (value: unknown): string => oneLine(textOf(value) ?? '').slice(0, 80);
