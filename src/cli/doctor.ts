import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { definePolicy } from '../../machines/index.ts';
import { destinationsFromEnvironment } from '../delivery/destinations.ts';
import { checkLiveKit } from '../doctor/check-livekit.ts';
import { checkDirectory, checkFiles, checkNode, checkSdk } from '../doctor/check-machine.ts';
import { checkGrace, defaultGraceMs } from '../doctor/check-policy.ts';
import { checkReceivers } from '../doctor/check-receivers.ts';
import { describeAgent } from '../doctor/describe-agent.ts';
import { type Finding, finding, type Outcome } from '../doctor/finding.ts';
import { messageOf } from '../errors/thrown.ts';
import { oneLine, printable, table } from '../show/paint.ts';
import type { Tone } from '../reads/answers.ts';
import { CALLS_PER_CORE } from '../worker/worker-options.ts';
import type { Command } from './command.ts';
import { exitCodes, UsageError } from './problems.ts';
import { checkAgentFile } from './start.ts';

export const doctor: Command = {
  name: 'doctor',
  usage: '[FILE]',
  summary: 'Checks an installation: one line and one remedy for each thing.',
  details: `Node, the SDK, LASTWORD_DIR and its disk, open files; the LiveKit server (a room of its own is made and removed), its
keys, dispatch, clock and departureTimeout; each receiver, by a signed test of type "lastword.test"; the grace period.
FILE: the agent file, for its policy and its receivers; without it the defaults and the environment count.

--grace SECONDS   between SIGTERM and SIGKILL, default 30 as in Kubernetes
Exit code 1 when anything is bad.`,
  options: { grace: { type: 'string' } },
  async run(given, { settings, env, paint, print }) {
    const [file, ...more] = given.positionals;
    if (more.length > 0) throw new UsageError('doctor: expected one agent file, got several; run it once for each');
    if (file !== undefined) checkAgentFile(file);
    const findings = await examine({
      file,
      graceMs: graceOf(given.values['grace']),
      directory: settings.directory,
      env,
    });
    if (given.isJson) print(printable(findings));
    else {
      const rows = findings.map(({ check, outcome, found, remedy }) => [
        paint(tones[outcome], marks[outcome]),
        check,
        oneLine(remedy === '' ? found : `${found} → ${remedy}`),
      ]);
      print(table(rows));
    }
    return findings.some(({ outcome }) => outcome === 'bad') ? exitCodes.failure : exitCodes.ok;
  },
};

const marks: Record<Outcome, string> = { good: 'good', doubtful: 'look', bad: 'BAD', skipped: '–' };
const tones: Record<Outcome, Tone> = { good: 'good', doubtful: 'state', bad: 'bad', skipped: 'quiet' };

/** @throws UsageError */
function graceOf(value: string | boolean | undefined): number {
  if (value === undefined) return defaultGraceMs;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1_000;
  throw new UsageError(`--grace: expected seconds above 0, got ${JSON.stringify(value)}; leave it out for 30`);
}

type Examined = {
  file: string | undefined;
  graceMs: number;
  directory: string;
  env: Readonly<Record<string, string | undefined>>;
};

/** All at once: each has a limit of its own. */
async function examine({ file, graceMs, directory, env }: Examined): Promise<Finding[]> {
  const asked = file === undefined ? undefined : await describeAgent(resolve(file));
  const described = typeof asked === 'object' ? asked : undefined;
  const agent =
    typeof asked === 'string'
      ? [finding('agent file', asked, 'correct it; the defaults are checked meanwhile')]
      : asked === undefined
        ? []
        : [
            finding(
              'agent file',
              asked.agentName === '' ? 'no agentName: each new room gets it' : `dispatched as ${asked.agentName}`,
            ),
          ];
  const policy = described?.policy ?? definePolicy();
  const [sdk, own, files, server, receivers] = await Promise.all([
    checkSdk(file === undefined ? process.cwd() : dirname(resolve(file))),
    checkDirectory(directory),
    checkFiles(described?.maxCalls ?? CALLS_PER_CORE * availableParallelism()),
    checkLiveKit(env, policy),
    receiversOf(described, env),
  ]);
  return [
    ...agent,
    checkNode(process.versions.node),
    sdk,
    ...own,
    files,
    ...server,
    ...receivers,
    ...checkGrace(policy, graceMs),
  ];
}

async function receiversOf(
  described: { reports: Parameters<typeof checkReceivers>[0] } | undefined,
  env: Examined['env'],
): Promise<Finding[]> {
  try {
    return await checkReceivers(described?.reports ?? destinationsFromEnvironment(env));
  } catch (error) {
    return [finding('receivers', messageOf(error), 'as it says')];
  }
}
