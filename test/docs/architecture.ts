/** The rooms of the house and who leads to whom, read from the imports: the picture and the table of docs/architecture.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { repositoryRoot } from './repository.ts';

/** Each folder with code of ours. What is not named here turns the test red: nobody can guess what it is for. */
export const rooms: Readonly<Record<string, string>> = {
  machines:
    'what may happen: session, recovery, supervision, turns, deliveries; policy, events, ends; `analysis/`: what is computed from them (walks, bounds, diagrams, replays). Pure',
  'src/waiting': 'a race with a limit: the SDK, users’ code and the network all hang now and then',
  'src/errors': 'configuration errors (what was expected, what came, what to do), and what was thrown as a text',
  'src/sound': 'WAV files, loudness, the bundled recordings',
  'src/output': 'lines to whoever may not read them, and what people are shown of texts that others wrote',
  'src/journal':
    'the append-only files: whose they are (`ids.ts`), what an entry is (`entry.ts`), write, read, follow, budgets',
  'src/link': 'the socket between keeper, worker and job: messages, client, server; what a destination is',
  'src/report': 'the fold from entries to the report, its schema, its cap',
  'src/store': 'port and SQLite (in a thread of its own), one file a table: sessions, reports, outbox, owed hang-ups',
  'src/rooms': 'LiveKit’s server API: list, remove, delete, dispatch, verify, refer a telephone elsewhere',
  'src/session':
    'machines at work: what runs any of them and writes down what it receives, the session’s run, its limits, its ports. No LiveKit',
  'src/delivery': 'relay, courier (the process that delivers, and the keeper’s end of it), signing, destinations',
  'src/livekit':
    'the SDK, in the job only: `observe/` (its events → ours), `act/` (our effects → its calls), `guard/` (your code, bounded), `caller/`, `tools/`, `terminal/`',
  'src/keeper':
    'the top process: starts the worker, supervises each session, recovers, folds and seals, hangs up late, runs the relay, forgets what is old, and tells collectors how it is',
  'src/reads':
    'one function a question about sessions, living or dead, each with its limit: list, why it ended, entries, state at an entry, lanes, difference, deliveries, ledger. Read-only',
  'src/show': 'those answers as text for a terminal',
  'src/inspector':
    'those answers for a browser, in a process of its own: routes, guards, streams, what acts; for assistants (MCP) and for Stately’s inspector',
  'src/job': '`defineSession`: session and LiveKit put together; what a warm process does while it waits for its call',
  'src/worker': '`runWorker`: the SDK’s worker below a keeper, its pool of processes, which calls are taken',
  'src/cli': 'the command line, one file a command',
  'src/doctor': 'an installation, checked: machine, LiveKit server, receivers, policy; one file for what is asked',
  'src/demo': '`npm start` without keys, and the console of an agent file',
  'src/client': 'published as `lastword/client`: what a browser shows of a call; it imports nothing',
  'src/testing': 'published as `lastword/testing`: provider lab, coded speech, callers’ speech',
};

const root = repositoryRoot();
const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
const sources = [...filesBelow('machines'), ...filesBelow('src')];

/** The outermost folder of a file: that is its room. */
export const roomOf = (file: string): string => /^(machines|src\/[^/]+)/.exec(file)?.[0] ?? file;

/** `index.ts` and `agent.ts` put everything together, and belong to no room. */
const isTop = (room: string): boolean => room.endsWith('.ts');

/** Who imports whom. */
export function ways(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of sources) {
    const from = roomOf(file);
    if (isTop(from)) continue;
    const targets = found.get(from) ?? new Set();
    found.set(from, targets);
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const to = roomOf(normalize(join(dirname(file), specifier)));
      if (to !== from && !isTop(to)) targets.add(to);
    }
  }
  return found;
}

/** The floor a room is on: one above the highest that it leads to. @throws Error for a circle, which has no floor */
export function floors(all = ways()): Map<string, number> {
  const found = new Map<string, number>();
  const floorOf = (room: string, path: readonly string[]): number => {
    if (path.includes(room)) throw new Error(`a circle: ${[...path.slice(path.indexOf(room)), room].join(' → ')}`);
    const known = found.get(room);
    if (known !== undefined) return known;
    const below = [...(all.get(room) ?? [])].map((one) => floorOf(one, [...path, room]));
    const floor = below.length === 0 ? 0 : Math.max(...below) + 1;
    found.set(room, floor);
    return floor;
  };
  for (const room of Object.keys(rooms)) floorOf(room, []);
  return found;
}

const short = (room: string): string => room.replace(/^src\//, '');

/** Ways that another way leads along anyway are left out of the picture, not out of the table. */
function direct(all: Map<string, Set<string>>): [string, string][] {
  const reaches = (from: string, to: string): boolean =>
    [...(all.get(from) ?? [])].some((one) => one === to || reaches(one, to));
  return [...all].flatMap(([from, targets]) =>
    [...targets]
      .filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)))
      .map((to): [string, string] => [from, to]),
  );
}

/** `docs/architecture.svg`. */
export async function picture(): Promise<string> {
  const all = ways();
  const onFloor: string[][] = [];
  for (const [room, floor] of floors(all)) (onFloor[floor] ??= []).push(room);
  const lines = [
    'digraph { rankdir=TB; ranksep=0.35; nodesep=0.2; node [shape=box style="rounded,filled" fillcolor="#eef3fb" color="#5b7db1" fontname="Helvetica" fontsize=11]; edge [color="#8a94a6" arrowsize=0.6];',
    ...onFloor.map((here) => `{ rank=same; ${here.map((room) => `"${short(room)}"`).join('; ')} }`),
    ...direct(all).map(([from, to]) => `"${short(from)}" -> "${short(to)}";`),
    '}',
  ];
  const graphviz = await Graphviz.load();
  return graphviz.dot(lines.join('\n'));
}

const linesOf = (file: string): number => readFileSync(join(root, file), 'utf8').split('\n').length - 1;

/** The files above 300 lines. */
export const longFiles = (): string[] => sources.filter((file) => linesOf(file) > 300).sort();

/** Names that two files or more export, each with its files. Those of `lastword/testing` alone are its own affair. */
export function doubleNames(): string[] {
  const files = new Map<string, string[]>();
  for (const file of sources)
    for (const [, name = ''] of readFileSync(join(root, file), 'utf8').matchAll(
      /^export (?:async )?(?:const|function\*?|class|type|interface) (\w+)/gm,
    ))
      files.set(name, [...(files.get(name) ?? []), file]);
  return [...files].filter(([, where]) => where.length > 1).map(([name, where]) => `${name}: ${where.join(', ')}`);
}

function table(): string {
  const all = ways();
  const floor = floors(all);
  const rows = Object.entries(rooms)
    .toSorted(([one], [other]) => (floor.get(one) ?? 0) - (floor.get(other) ?? 0))
    .map(([room, what]) => {
      const leads = [...(all.get(room) ?? [])].map(short).sort().join(', ');
      return `| \`${room}/\` | ${what} | ${leads === '' ? '–' : leads} |`;
    });
  return ['| room | what is in it | imports |', '| --- | --- | --- |', ...rows].join('\n');
}

const [BEGIN, END] = ['<!-- generated: npm run gen:docs -->', '<!-- /generated -->'];

/** The text of docs/architecture.md with its table as it is. */
export function withRooms(text: string): string {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`expected ${BEGIN} and ${END} in the text`);
  return `${before}${BEGIN}\n${table()}\n${END}${after}`;
}
