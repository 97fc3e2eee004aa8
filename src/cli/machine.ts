import { readFile } from 'node:fs/promises';
import type { AnyStateMachine } from 'xstate';
import { decisionTable, defaultDeliveryPolicy } from '../../machines/delivery.ts';
import {
  type Bound,
  bounds,
  definePolicy,
  detections,
  machineShape,
  type Policy,
  recoveryContext,
  recoveryMachine,
  releaseBound,
  sessionContext,
  sessionMachine,
  silenceBound,
  startBound,
  supervisionMachine,
  toDot,
  toMermaid,
  transitionTable,
} from '../../machines/index.ts';
import { ConfigError } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import { table } from '../show/paint.ts';
import { choiceOf } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes, UsageError } from './problems.ts';

const names = ['session', 'recovery', 'supervision', 'delivery'] as const;
const formats = ['mermaid', 'dot', 'table', 'json'] as const;

export const machine: Command = {
  name: 'machine',
  usage: '[NAME]',
  summary: 'Prints a machine, and the numbers that follow from its limits.',
  details: `NAME: session (default), recovery, supervision or delivery.

--format mermaid|dot|table|json   default table: every transition, then the numbers
--policy FILE                    limits in JSON, such as {"maxDurationMs": 600000}; default: the defaults`,
  options: { format: { type: 'string' }, policy: { type: 'string' } },
  async run(given, { print }) {
    const [name, ...more] = given.positionals;
    if (more.length > 0)
      throw new UsageError(
        `machine: expected one of ${names.join(', ')}, got ${given.positionals.length} names; run it once for each`,
      );
    const which = choiceOf(name, names, 'machine') ?? 'session';
    const format = choiceOf(given.values['format'], formats, '--format') ?? (given.isJson ? 'json' : 'table');
    const file = given.values['policy'];
    const policy = typeof file === 'string' ? await policyIn(file) : definePolicy();
    if (which === 'delivery') {
      if (format === 'mermaid' || format === 'dot')
        throw new UsageError(
          `--format: expected table or json, got "${format}"; deliveries are decided by a table and have no states`,
        );
      print(
        format === 'json'
          ? JSON.stringify({ machine: which, policy: defaultDeliveryPolicy }, null, 2)
          : decisionTable(),
      );
      return exitCodes.ok;
    }
    const chart: AnyStateMachine = machines[which];
    if (format === 'mermaid') print(toMermaid(chart));
    else if (format === 'dot') print(toDot(chart));
    else {
      const numbers = numbersOf(policy);
      const boundOf = Object.fromEntries([...boundsFor(which, policy)].map(([state, { ms }]) => [state, ms]));
      if (format === 'json')
        print(
          JSON.stringify({ machine: which, policy, numbers, bounds: boundOf, shape: machineShape(chart) }, null, 2),
        );
      else
        print(
          `${transitionTable(chart)}\n${table(Object.entries(numbers).map(([name, ms]) => [name, `${ms.toLocaleString('en-US')} ms`, meanings[name] ?? '']))}`,
        );
    }
    return exitCodes.ok;
  },
};

const machines = { session: sessionMachine, recovery: recoveryMachine, supervision: supervisionMachine };
/** A supervision has none: whoever lives is waited for. What it may take to see a death is among the numbers. */
function boundsFor(which: keyof typeof machines, policy: Policy): Map<string, Bound> {
  if (which === 'session') return bounds(sessionMachine, sessionContext(policy));
  return which === 'recovery' ? bounds(recoveryMachine, recoveryContext(policy)) : new Map();
}

const meanings: Record<string, string> = {
  bound: 'from any state to closed',
  releaseBound: 'from what ends the call to the release of the caller',
  startBound: 'from the accepted job, caller there, to the first sound or the release; a cold process',
  warmStartBound: 'the same with a warm process',
  silenceBound: 'the longest silence while the caller waits for us',
  detection: 'from the last beat of a process that stands still to its end',
  starvedDetection: 'the same of one that had no core',
  lostDetection: 'the same of one that lives, from its lost connection on',
};

const numbersOf = (policy: Policy) => ({
  bound: Math.max(...[...bounds(sessionMachine, sessionContext(policy)).values()].map(({ ms }) => ms)),
  releaseBound: releaseBound(policy),
  startBound: startBound(policy),
  warmStartBound: startBound(policy, 'warm'),
  silenceBound: silenceBound(policy),
  detection: detections(policy).frozen.ms,
  starvedDetection: detections(policy).starved.ms,
  lostDetection: detections(policy).lost.ms,
});

async function policyIn(path: string): Promise<Policy> {
  const wrong = (expected: string, cause: unknown) =>
    new ConfigError({
      field: '--policy',
      expected,
      got: `${path} (${messageOf(cause)})`,
      advice: 'correct the file, or its path',
      cause,
    });
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw wrong('a file that can be read', error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong('a file of JSON', error);
  }
  return definePolicy(value);
}
