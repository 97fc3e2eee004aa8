/** `start` and `dev`: a keeper over an agent file. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../job/version.ts';
import { ConfigError } from '../errors/config-error.ts';
import { escapeMarks, oneLine } from '../output/for-people.ts';
import { runKeeper } from '../keeper/main.ts';
import { standardError, standardOutput } from '../output/standard-output.ts';
import { type Beside, startBeside } from '../inspector/beside.ts';
import { hasLoader, inheritedFlags, whenStarterIsGone } from '../link/starter.ts';
import { clock } from './arguments.ts';
import type { Command, CommandContext, Given } from './command.ts';
import { takeOwn } from './keeper-options.ts';
import { openLog } from './log-output.ts';
import { UsageError } from './problems.ts';

/** For the last lines, when whoever reads the log is slow. */
const LAST_LINES_MS = 500;

const details = `The keeper supervises the worker and its calls, seals one report for each call, and delivers it. SIGTERM lets
running calls end with their goodbye. Options that are not listed here go to the agent file.
--inspect           the inspector's page beside the keeper (lastword inspect); its address is printed
--metrics-port N    /metrics, /healthz and /readyz of the keeper at 127.0.0.1:N; also LASTWORD_METRICS_PORT`;

const commandOf = (mode: 'start' | 'dev', summary: string, more: string): Command => ({
  name: mode,
  usage: 'FILE',
  summary,
  details: `${details}\n${more}`,
  options: {},
  passesOn: true,
  run: (given, context) => keep(mode, given, context),
});

export const start = commandOf('start', 'Runs an agent file, with its keeper.', 'The log is lines of JSON.');
export const dev = commandOf(
  'dev',
  "Runs an agent file in the SDK's development mode.",
  'The log is for people; with --json it is lines of JSON.',
);

async function keep(
  mode: 'start' | 'dev',
  { positionals, isJson }: Given,
  { settings, env, paint }: CommandContext,
): Promise<number> {
  const { isInspected, metricsPort, rest } = takeOwn(positionals, env);
  const [file, ...args] = rest;
  if (file === undefined) throw new UsageError(`${mode}: expected FILE, got nothing; write lastword ${mode} agent.js`);
  checkAgentFile(file);
  const output = standardOutput();
  const log = mode === 'start' || isJson ? openLog(output) : openLog(output, (line) => `${readable(line, paint)}\n`);
  const forget = whenStarterIsGone(() => {
    log.warn('whoever started this keeper is gone; ending as for SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  });
  let inspector: Beside | undefined;
  const inspected = () => {
    inspector = startBeside({ command: inspectorCommand(mode === 'start' || isJson), log });
  };
  try {
    const metrics = metricsPort === undefined ? {} : { metrics: { port: metricsPort, version } };
    return await runKeeper({
      agentFile: file,
      mode,
      args,
      ...settings,
      ...metrics,
      ...(isInspected && { onOwned: inspected }),
      log,
    });
  } finally {
    forget();
    inspector?.stop();
    await Promise.all([output.flushed(LAST_LINES_MS), standardError().flushed(LAST_LINES_MS)]);
  }
}

/** This command line once more, as a process of its own. */
const inspectorCommand = (isJson: boolean) => {
  const main = fileURLToPath(new URL(`./main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  return { file: process.execPath, args: [...inheritedFlags(), main, 'inspect', ...(isJson ? ['--json'] : [])] };
};

/** @throws ConfigError */
export function checkAgentFile(file: string): void {
  const wrong = (expected: string, got: string, advice: string) =>
    new ConfigError({ field: 'FILE', expected, got, advice });
  if (file.startsWith('-'))
    throw new UsageError(`FILE: expected the agent file first, got ${JSON.stringify(file)}; put options behind it`);
  if (!existsSync(file))
    throw wrong('an agent file', `${resolve(file)}, which does not exist`, 'check the path, or build it first');
  // Node 22.18 and later strip types; before that a .ts file is a syntax error with a stack.
  const stripsTypes = 'typescript' in process.features && process.features.typescript !== false;
  if (/\.[cm]?tsx?$/.test(file) && !stripsTypes && !hasLoader())
    throw wrong(
      'JavaScript',
      `${file}, which Node ${process.versions.node} cannot run`,
      `compile it and give the compiled file, or run it with a loader: npx tsx ${file} start`,
    );
}

const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const ownFields: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

/** A line of the log for people: time, level, message, fields. Values are data: they forge no field, line or colour. */
export function readable(line: string, paint: CommandContext['paint']): string {
  const entry = JSON.parse(line) as { level: number; time: number; msg?: string; [field: string]: unknown };
  const level = levels[entry.level] ?? String(entry.level);
  const fields = Object.entries(entry)
    .filter(([name]) => !ownFields.has(name))
    .map(([name, value]) => `${name}=${fieldOf(value)}`);
  const tone = entry.level >= 50 ? 'bad' : 'plain';
  return `${paint('quiet', clock(entry.time).slice(11))} ${level.padEnd(5)} ${paint(tone, oneLine(entry.msg ?? ''))} ${paint('quiet', fields.join(' '))}`.trimEnd();
}

const plain = /^[\w.,:;@/+~%-]+$/;
const fieldOf = (value: unknown): string => {
  if (typeof value === 'string' && plain.test(value)) return value;
  const isError = typeof value === 'object' && value !== null && 'message' in value;
  return oneLine(escapeMarks(JSON.stringify(isError ? value.message : value)));
};
