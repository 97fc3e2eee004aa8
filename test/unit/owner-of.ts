import { readFile } from 'node:fs/promises';
import type { Owner } from '../../src/journal/entry.ts';
import { thisProcess } from '../../src/journal/owner.ts';

/** A process of this machine, as the first record of its journal would name it. */
export const ownerOf = async (pid: number): Promise<Owner> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return { ...(await thisProcess()), pid, startTicks };
};
