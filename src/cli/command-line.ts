/** The command line: which command, with what; errors in one line. */
import { parseArgs } from 'node:util';
import { harmless, isColoured, paintWith } from '../show/paint.ts';
import { nearest } from '../demo/nearest.ts';
import { version } from '../job/version.ts';
import type { Command, Given } from './command.ts';
import { consoleCommand } from './console.ts';
import { deliveries } from './deliveries.ts';
import { diff } from './diff.ts';
import { doctor } from './doctor.ts';
import { inspect } from './inspect.ts';
import { ledger } from './ledger.ts';
import { machine } from './machine.ts';
import { mcp } from './mcp.ts';
import { exitCodes, problemOf, UsageError } from './problems.ts';
import { purge } from './purge.ts';
import { redeliver } from './redeliver.ts';
import { reload } from './reload.ts';
import { report } from './report.ts';
import { sessions } from './sessions.ts';
import { settings } from './settings.ts';
import { show } from './show.ts';
import { why } from './why.ts';
import { dev, start } from './start.ts';

export const commands: readonly Command[] = [
  start,
  dev,
  consoleCommand,
  sessions,
  show,
  why,
  diff,
  report,
  deliveries,
  ledger,
  redeliver,
  purge,
  reload,
  machine,
  inspect,
  doctor,
  mcp,
];

export type CommandStreams = {
  env: Readonly<Record<string, string | undefined>>;
  isTTY: boolean;
  out: (text: string) => void;
  err: (text: string) => void;
};

/** *Pure.* A command with calls of its own: an output that nobody reads any more is no reason to end. */
export const holdsCalls = ([name]: readonly string[]): boolean =>
  [start, dev, consoleCommand].some((command) => command.name === name);

const exits = `Exit codes: 0 it worked; 1 it did not, and trying again may help; 2 the command line was not understood;
3 there is no such session; 78 environment, files or keys are wrong. start and dev: the worker's own.`;

/** *Pure.* */
export const helpFor = ({ name, usage, summary, details }: Command): string =>
  [
    `lastword ${name}${usage === '' ? '' : ` ${usage}`} [--json]`,
    '',
    summary,
    ...(details === '' ? [] : ['', details]),
  ].join('\n');

/** *Pure.* */
export const help = (): string => {
  const width = Math.max(...commands.map(({ name, usage }) => name.length + usage.length + 1));
  return [
    'lastword COMMAND: every voice session gets its last word.',
    '',
    ...commands.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(width)}  ${summary}`),
    '',
    'Each takes --json and --help. Sessions are looked for in LASTWORD_DIR (default ./.lastword); a .env file is read.',
    exits,
  ].join('\n');
};

/** *Effect.* @returns the exit code; never rejects */
export async function runCommandLine(given: readonly string[], terminal: CommandStreams): Promise<number> {
  const print = (text: string) => terminal.out(`${text}\n`);
  try {
    const [name, ...rest] = given;
    if (name === undefined) throw new UsageError(`expected a command, got nothing\n\n${help()}`);
    if (name === '--help' || name === '-h' || name === 'help') {
      print(help());
      return exitCodes.ok;
    }
    if (name === '--version') {
      print(version);
      return exitCodes.ok;
    }
    const command = commands.find((each) => each.name === name);
    if (!command) throw new UsageError(unknownCommand(name));
    const parsed = parse(command, rest);
    if (parsed === 'help') {
      print(helpFor(command));
      return exitCodes.ok;
    }
    const paint = paintWith(isColoured(terminal, terminal.env));
    return await command.run(parsed, { settings: settings(terminal.env), env: terminal.env, paint, print });
  } catch (error) {
    const { message, code } = problemOf(error);
    terminal.err(`lastword: ${harmless(message)}\n`);
    return code;
  }
}

const unknownCommand = (name: string): string => {
  const near = nearest(
    name,
    commands.map((each) => each.name),
    1,
  );
  const advice = near.length > 0 ? `did you mean ${near[0]}?` : 'lastword --help lists them';
  return `expected a command, got ${JSON.stringify(name)}; ${advice}`;
};

/** @throws UsageError */
function parse(command: Command, given: string[]): Given | 'help' {
  if (command.passesOn) {
    const isOurs = (word: string) => word === '--json' || word === '--help' || word === '-h';
    if (given.includes('--help') || given.includes('-h')) return 'help';
    return { positionals: given.filter((word) => !isOurs(word)), values: {}, isJson: given.includes('--json') };
  }
  try {
    const { values, positionals } = parseArgs({
      args: given,
      options: { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    const { json, help: wantsHelp, ...own } = values;
    return wantsHelp === true ? 'help' : { positionals, values: own as Given['values'], isJson: json === true };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [first = ''] = error.message.split(/\. |\n/); // then follows advice that fits no command of ours
    throw new UsageError(`${command.name}: ${first}; lastword ${command.name} --help lists its options`);
  }
}
