/**
 * What docs/machines/ says about the machines, drawn from their code. The generator writes these files; a test of the
 * machine lane compares them, so a stale one fails.
 */
import { Graphviz } from '@hpcc-js/wasm-graphviz';
import type { AnyStateMachine } from 'xstate';
import {
  bounds,
  defaultPolicy,
  detections,
  plainConfig,
  recoveryContext,
  recoveryMachine,
  releases,
  sessionContext,
  sessionMachine,
  silences,
  starts,
  supervisionMachine,
  toDot,
  toMermaid,
  transitionTable,
  type Bound,
  type Policy,
} from '../../machines/index.ts';

const generated = '<!-- Generated from machines/ by test/docs/generate-machines.ts. Do not edit. -->\n\n';
const policy: Policy = defaultPolicy;
const number = (ms: number): string => ms.toLocaleString('en-US');
const lastOf = (id: string): string =>
  id
    .split('.')
    .slice(-2)
    .join('.')
    .replace(/^(session|recovery|supervision)\./, '');
const walkOf = ({ path, costs }: Bound): string =>
  path.map((id, index) => `${lastOf(id)} ${number(costs[index] ?? 0)}`).join(' → ');
const worst = (bounds: Bound[]): number => Math.max(...bounds.map(({ ms }) => ms));

/** The four numbers with the walks that make them. */
function numbersSection(): string {
  const states = bounds(sessionMachine, sessionContext(policy));
  const [longest] = [...states].reduce((a, b) => (b[1].ms > a[1].ms ? b : a));
  const { ms, path, costs } = states.get(longest) as Bound;
  const release = releases(policy);
  const start = starts(policy);
  const warm = starts(policy, undefined, 'warm');
  const silence = silences(policy);
  const rows = [
    ['`releaseBound`', release.session, 'the process lives'],
    ['', release.recovery, 'its death is what ends the call'],
    ['', release.together, 'it dies at the end of an ending'],
    ['`startBound`', start.session, 'a cold process lives'],
    ['', start.recovery, 'it never opened a journal'],
    ['', warm.session, 'a warm process lives'],
    ['', warm.recovery, 'it never opened a journal'],
    ['`silenceBound`', silence.session, 'the process lives'],
    ['', silence.recovery, 'from its death on'],
  ] as const;
  const sums = [
    ['start', start.together],
    ['silence', silence.together],
  ] as const;
  return [
    '## The four numbers\n\n',
    'Computed from the machines and the default policy, in milliseconds. Each step costs its whole deadline.\n\n',
    `* \`bound(policy, state)\`: any state → closed. The longest, from \`${longest}\`: **${number(ms)}** (${walkOf({ ms, path, costs })}).\n`,
    `* \`releaseBound(policy)\`: end trigger → caller released: **${number(worst(Object.values(release)))}**.\n`,
    `* \`startBound(policy)\`: caller there and job accepted → heard or released: **${number(worst([start.session, start.recovery]))}** with a cold process, **${number(worst([warm.session, warm.recovery]))}** with a warm one.\n`,
    `* \`silenceBound(policy)\`: longest time without audio while the caller waits for us: **${number(worst([silence.session, silence.recovery]))}**.\n\n`,
    '| number | ms | when | the walk |\n| --- | --- | --- | --- |\n',
    ...rows.map(([name, walk, when]) => `| ${name} | ${number(walk.ms)} | ${when} | ${walkOf(walk)} |\n`),
    '\nStart and silence hold in each machine alone. A process that freezes at the worst instant of the worst walk adds both up:\n\n',
    ...sums.map(([name, walk]) => `* ${name}: ${number(walk.ms)} (${walkOf(walk)})\n`),
    '\n',
  ].join('');
}

/** How long a death can stay unseen, with the walks that make the numbers. */
function detectionSection(): string {
  const { frozen, starved, lost, elsewhere } = detections(policy);
  const rows = [
    ['a process that stands still', frozen],
    ['one that stands still and had no core', starved],
    ['one that lives, from its lost connection on', lost],
    ['one of whom only LiveKit can tell, once LiveKit lists its agent no longer (20 s after its death)', elsewhere],
  ] as const;
  return [
    '## How long a death stays unseen\n\n',
    'In milliseconds, from the last beat to the end of the process. A process that was killed closes its connection, and is seen at once.\n\n',
    '| whose | ms | the walk |\n| --- | --- | --- |\n',
    ...rows.map(([whose, walk]) => `| ${whose} | ${number(walk.ms)} | ${walkOf(walk)} |\n`),
    '\n',
  ].join('');
}

const boundsSection = (machine: AnyStateMachine, context: unknown): string =>
  [
    '## From each state to the end\n\n| state | at most, in ms |\n| --- | --- |\n',
    ...[...bounds(machine, context)].map(([id, { ms }]) => `| \`${id}\` | ${number(ms)} |\n`),
  ].join('');

const page = (name: string, machine: AnyStateMachine, sections: string): string =>
  `${generated}# The ${name} machine\n\n![${name}](${name}.svg)\n\n` +
  'A box is a state. Blue: what it asks for, and its deadline. Brown: ways that lead further than a neighbour. ' +
  'Yellow: the caller waits for us and hears nothing. Green: a line of ours plays. Light blue: the caller is released.\n\n' +
  `${sections}## Every transition\n\n${transitionTable(machine)}`;

const index =
  `${generated}# The machines\n\nDrawn from the code in \`machines/\`; \`npx tsc -p tsconfig.build.json && node dist/test/docs/generate-machines.js\` draws them anew.\n\n` +
  '| machine | what it is | picture | text | for Stately’s editor |\n| --- | --- | --- | --- | --- |\n' +
  '| [session](session.md) | one call, from ring to end | [svg](session.svg) | [mermaid](session.mmd) | [json](session.config.json) |\n' +
  '| [recovery](recovery.md) | what the keeper does about a call whose process died or froze | [svg](recovery.svg) | [mermaid](recovery.mmd) | [json](recovery.config.json) |\n' +
  '| [supervision](supervision.md) | one call under the keeper’s eyes, from the accepted job to the sealed report | [svg](supervision.svg) | [mermaid](supervision.mmd) | [json](supervision.config.json) |\n';

/** Names below docs/machines/ with their texts. */
export async function machineDocuments(): Promise<Map<string, string>> {
  const graphviz = await Graphviz.load();
  const pictures = (name: string, machine: AnyStateMachine): [string, string][] => [
    [`${name}.mmd`, toMermaid(machine)],
    [`${name}.svg`, graphviz.dot(toDot(machine))],
    [`${name}.config.json`, `${JSON.stringify(plainConfig(machine), null, 2)}\n`],
  ];
  return new Map([
    ['README.md', index],
    ...pictures('session', sessionMachine),
    [
      'session.md',
      page('session', sessionMachine, `${numbersSection()}${boundsSection(sessionMachine, sessionContext(policy))}\n`),
    ],
    ...pictures('recovery', recoveryMachine),
    ['recovery.md', page('recovery', recoveryMachine, `${boundsSection(recoveryMachine, recoveryContext(policy))}\n`)],
    ...pictures('supervision', supervisionMachine),
    ['supervision.md', page('supervision', supervisionMachine, detectionSection())],
  ]);
}
