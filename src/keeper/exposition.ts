/** Prometheus' text format 0.0.4: one way to write numbers down that every collector reads. *Pure.* */

export type Sample = {
  value: number;
  labels?: Readonly<Record<string, string>>;
  /** Behind the metric's name: `_bucket`, `_sum`, `_count`. */
  suffix?: string;
};
export type Metric = {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  samples: readonly Sample[];
};

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const escapedLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const escapedHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const spelled = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : Number.isNaN(value) ? 'NaN' : String(value);

const lineOf = (name: string, { value, labels = {}, suffix = '' }: Sample): string => {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${spelled(value)}\n`;
};

export const expositionOf = (metrics: readonly Metric[]): string =>
  metrics
    .map(({ name, help, type, samples }) =>
      [
        `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n`,
        ...samples.map((sample) => lineOf(name, sample)),
      ].join(''),
    )
    .join('');
