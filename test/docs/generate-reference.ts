/**
 * docs/reference.md from the types that are exported, their docstrings, the defaults and the refusals of the code. After
 * a build: node dist/test/docs/generate-reference.js
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { defaultPolicy, definePolicy } from '../../machines/index.ts';
import { destination, file, slack, stdout } from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { checkDefinition, type SessionDefinition } from '../../src/livekit/definition.ts';
import { type Described, type PublicField, publicTypes } from './public-types.ts';
import { repositoryRoot } from './repository.ts';

export const referencePath = 'docs/reference.md';

/** Told in documents of their own, inside of ours, or one word around another type. */
const leftOut = ['Report', 'version', 'Awaitable', 'Value', 'Say', 'FunctionsOfCall'];
const destinations = ['Webhook', 'File', 'Stdout', 'Module', 'Slack'].map((kind) => `${kind}Destination`);
/** Given by us, and never by the user: nothing of them has a default. */
const results = ['Call', 'End', 'Transferred', 'Log'];

type Chapter = { title: string; text: string; names: string[] };
const chapters: Chapter[] = [
  {
    title: 'The definition',
    text: 'What is wrong in it is refused before any call, all of it in one [`DefinitionError`](errors.md#lastword_definition).',
    names: ['defineSession', 'SessionDefinition', 'StartOptions', 'ConnectOptions', 'ParticipantEntry', 'Words'],
  },
  {
    title: 'The policy',
    text: 'A wrong limit is a [`PolicyError`](errors.md#policy_invalid); what each of them is for: [concepts](concepts.md#the-policy).',
    names: ['Policy', 'defaultPolicy', 'bound', 'releaseBound', 'silenceBound', 'startBound'],
  },
  {
    title: 'The worker',
    text: 'A wrong option is a [`ConfigError`](errors.md#lastword_config).',
    names: ['runWorker', 'WorkerOptions'],
  },
  {
    title: 'The call',
    text: 'Nothing here throws or rejects because of a wrong value: the call comes first. It is an error in the report, or a line in the log.',
    names: ['currentCall', 'Call', 'EndOptions', 'TransferTarget', 'Transferred', 'endSessionTool'],
  },
  {
    title: 'Destinations',
    text: 'A wrong one is a [`ConfigError`](errors.md#lastword_config), before any call.',
    names: ['webhook', 'WebhookOptions', 'file', 'stdout', 'destination', 'slack', 'verifyWebhook', 'signWebhook'],
  },
];

export const readTypes = (): Described[] =>
  publicTypes(repositoryRoot(), 'src/index.ts', [...leftOut, ...destinations]).filter(
    ({ name }) => name !== 'Destination',
  );

const isNumber = ({ type, doc }: PublicField) => /^number\b/.test(type) || /\bMs$/.test(doc);
const unit = /\b(ms|milliseconds|MiB|seconds|days|gigabytes|port|calls|whole number|number of)\b/i;

/** What a reader would miss: a line each. */
export const incompleteOf = (described: readonly Described[]): string[] =>
  described.flatMap(({ name, kind, doc, fields, isExported }) => [
    ...(doc === '' && isExported && kind === 'function' ? [`${name}: no docstring`] : []),
    ...(kind === 'type' && fields.every((field) => field.doc === '')
      ? []
      : fields.flatMap((field) => [
          ...(field.doc === '' ? [`${name}.${field.name}: no docstring`] : []),
          ...(field.isOptional && !results.includes(name) && !/\bdefaults?\b/i.test(field.doc)
            ? [`${name}.${field.name}: its docstring names no default`]
            : []),
          ...(isNumber(field) && !unit.test(field.doc) ? [`${name}.${field.name}: its docstring names no unit`] : []),
        ])),
  ]);

const refusalOf = (attempt: () => unknown): string => {
  try {
    attempt();
    return '';
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const wanted = [...message.matchAll(/expected (.*?)[,;] got /g)].map(([, text]) => text ?? '');
    return wanted[0] ?? '';
  }
};
const WRONG = 7;
const valid: SessionDefinition = { session: () => ({}), agent: () => ({}) as never };
const definitionWith = (field: string) => refusalOf(() => checkDefinition({ ...valid, [field]: WRONG }));
/** What the code itself says when a field of this type is wrong. */
const refusals: Record<string, (field: string) => string> = {
  SessionDefinition: definitionWith,
  Policy: (field) => refusalOf(() => definePolicy({ [field]: -1 })),
  WebhookOptions: (field) => refusalOf(() => webhook({ url: 'https://example.com', [field]: WRONG })),
  file: (field) => refusalOf(() => file({ dir: '.', [field]: WRONG })),
  stdout: (field) => refusalOf(() => stdout({ [field]: WRONG })),
  destination: (field) => refusalOf(() => destination(pathToFileURL(import.meta.filename), { [field]: WRONG })),
  slack: (field) => refusalOf(() => slack({ url: 'https://example.com', [field]: WRONG })),
};

const cell = (text: string) => text.replaceAll('|', '\\|');
const code = (text: string) => `\`${cell(text)}\``;
const told = (doc: string) => cell(doc.replaceAll(/\bdefault\b/gi, (word) => `**${word}**`));

const tableOf = ({ name, fields }: Described): string[] => {
  const refusal = refusals[name];
  const rows = fields.map((field) => {
    const expected = refusal?.(field.name) ?? '';
    const value =
      name === 'Policy' ? Object.entries(defaultPolicy).find(([limit]) => limit === field.name)?.[1] : undefined;
    const doc = value === undefined ? told(field.doc) : `${told(field.doc)} (${value.toLocaleString('en')})`;
    return `| ${code(`${field.name}${field.isOptional ? '?' : ''}`)} | ${code(field.type)} | ${doc} |${refusal ? ` ${cell(expected)} |` : ''}`;
  });
  const [head, rule] = refusal
    ? ['| field | type | meaning | anything else: expected … |', '| --- | --- | --- | --- |']
    : ['| field | type | meaning |', '| --- | --- | --- |'];
  return [head, rule, ...rows];
};

const entryOf = (described: Described): string => {
  const { name, kind, doc, text, fields } = described;
  const lines = [`### ${name}`, ''];
  if (doc !== '') lines.push(doc.replaceAll('@throws', 'Throws'), '');
  if (kind === 'function') lines.push('```ts', text, '```', '');
  if (kind === 'type') lines.push('```ts', `type ${name} = ${text.replace(/^\| /, '')}`, '```', '');
  if (fields.some((field) => field.doc !== '')) lines.push(...tableOf(described), '');
  return lines.join('\n');
};

/** The table of docs/cli.md, which a test compares with the sources. */
const environment = (): string => {
  const [, table] =
    /^## Environment\n\n((?:\|.*\n)+)/m.exec(readFileSync(path.join(repositoryRoot(), 'docs/cli.md'), 'utf8')) ?? [];
  if (table === undefined) throw new Error('expected a table under "Environment" in docs/cli.md, found none');
  return table.replaceAll('](#', '](cli.md#');
};

export const referenceText = (described: readonly Described[]): string => {
  const named = new Set(chapters.flatMap(({ names }) => names));
  const inChapters = chapters.map(({ title, text, names }) => {
    const entries = names.flatMap((name) => described.find((each) => each.name === name) ?? []);
    return [`## ${title}`, '', text, '', ...entries.map(entryOf)].join('\n');
  });
  const others = described.filter(({ name }) => !named.has(name));
  return (
    [
      '<!-- Written by `npm run gen:docs` from the docstrings; change those. -->',
      '# Reference',
      '',
      'Every field, method and destination, with its type, its default, its unit, and what is refused. Milliseconds unless said otherwise. The report has [a page of its own](report.md).',
      '',
      ...inChapters,
      '## Environment',
      '',
      'Read by the command line, the keeper and the worker, with a `.env` file. A wrong value is one line and exit code 78.',
      '',
      environment(),
      '## Types that are named above',
      '',
      ...others.filter(({ kind }) => kind !== 'value').map(entryOf),
    ]
      .join('\n')
      .trimEnd() + '\n'
  );
};

const isProgram =
  process.argv[1] !== undefined && import.meta.url === pathToFileURL(path.resolve(process.argv[1])).href;
if (isProgram) writeFileSync(path.join(repositoryRoot(), referencePath), referenceText(readTypes()));
