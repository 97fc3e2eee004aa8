/** A keeper that is measured from within (probe.ts). */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiled, until } from '../../e2e/harness/index.ts';
import type { Siege } from '../../siege/harness/siege.ts';
import { probeVariable, type Probed } from './probe.ts';

const ANSWER_MS = 10_000;
export const probeFlags = ['--expose-gc', '--import', pathToFileURL(compiled('test/bench/keeper/probe.ts')).href];

const fileOf = (siege: Siege) => join(siege.scenario.scratch, 'probe.json');
export const probeEnvironment = (siege: Siege): Record<string, string> => ({ [probeVariable]: fileOf(siege) });

/** Since it was last asked. */
export async function probed(siege: Siege, pid: number): Promise<Probed> {
  const file = fileOf(siege);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const read = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Probed;
    } catch {
      return undefined;
    }
  };
  return await until('an answer of the probe', read, ANSWER_MS);
}
