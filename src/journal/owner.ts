/**
 * Who wrote a journal, and whether that process still lives. A pid alone says neither: it is reused, and it means
 * something else in another container. Linux; elsewhere an answer is `unknown` unless the pid is free.
 *
 * /proc is memory, and is read at once: through the pool of threads, a disk that hangs would keep everybody from knowing
 * who is dead.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Owner } from './entry.ts';

/** `unknown`: another host or container wrote it, so only LiveKit or the lease of that host can say. */
export type Liveness = 'alive' | 'dead' | 'unknown';

type ProcessFacts = { state: string; group: string; startTicks: string };

/** Fields of /proc/PID/stat; the name in field 2 may hold blanks and parentheses, so count from the last one. */
const processFacts = (pid: number | string): ProcessFacts => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', group: fields[2] ?? '', startTicks: fields[19] ?? '' }; // fields 3, 5, 22 of the line
};

const orUndefined = <Value>(read: () => Value): Value | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};
const textOf = (path: string): string => orUndefined(() => readFileSync(path, 'utf8').trim()) ?? '';

/** Of this system, since it was started; empty where it does not say. */
export const bootId = (): string => textOf('/proc/sys/kernel/random/boot_id');
const pidNamespace = () => (orUndefined(() => readlinkSync('/proc/self/ns/pid')) ?? '').replace(/\D/g, '');

/** A process of this host and namespace, as the first record of its journal names it. */
export const ownerOf = async (pid: number): Promise<Owner> => {
  const facts = orUndefined(() => processFacts(pid));
  return {
    host: hostname(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    pid,
    startTicks: facts?.startTicks ?? '',
  };
};
export const thisProcess = (): Promise<Owner> => ownerOf(process.pid);

const isZombie = (state: string): boolean => state === 'Z' || state === 'X';

/** Whether the process that wrote a journal lives. A zombie is dead; so is everybody from before a reboot of this host. */
export const isAlive = async (owner: Owner): Promise<Liveness> => {
  if (!Number.isSafeInteger(owner.pid) || owner.pid <= 0 || owner.host !== hostname()) return 'unknown';
  const boot = bootId();
  if (boot === '' || owner.bootId === '') return isPidFree(owner.pid) ? 'dead' : 'unknown';
  if (owner.bootId !== boot) return 'dead';
  if (owner.pidNamespace === '' || owner.pidNamespace !== pidNamespace()) return 'unknown';
  try {
    const { state, startTicks } = processFacts(owner.pid);
    if (isZombie(state)) return 'dead';
    return startTicks === owner.startTicks ? 'alive' : 'dead'; // the pid is somebody else's now
  } catch (error) {
    // ESRCH: it went between open and read.
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH' ? 'dead' : 'unknown';
  }
};

/** The process group of a process, if that process is still the one; undefined where the system does not say. */
export const groupOf = async ({ pid, startTicks }: Owner): Promise<number | undefined> => {
  const facts = orUndefined(() => processFacts(pid));
  return facts && facts.startTicks === startTicks ? Number(facts.group) : undefined;
};

const pidsOf = (): string[] => (orUndefined(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name));

/** Who lives in a process group, each with its start time; nobody where the system does not tell. */
export const membersOf = async (group: number): Promise<Owner[]> => {
  const isMember = (facts: ProcessFacts | undefined) => facts?.group === String(group) && !isZombie(facts.state);
  const members = pidsOf().filter((pid) => isMember(orUndefined(() => processFacts(pid))));
  return Promise.all(members.map((pid) => ownerOf(Number(pid))));
};

/** Whether anybody lives in a process group. Zombies do not count, where the system tells: nobody may ever reap them. */
export const isGroupAlive = async (group: number): Promise<boolean> => {
  if (isPidFree(-group)) return false;
  const pids = pidsOf();
  if (pids.length === 0) return true;
  const all = pids.map((pid) => orUndefined(() => processFacts(pid)));
  return all.some((facts) => facts?.group === String(group) && !isZombie(facts.state));
};

/**
 * How long the main thread of a process has been ready to run and had no core, in all. In ms; undefined where the system
 * does not say.
 */
export const waitedForCoreMs = async ({ pid }: Pick<Owner, 'pid'>): Promise<number | undefined> => {
  const [, waitedNs] = textOf(`/proc/${pid}/task/${pid}/schedstat`).split(' ');
  return waitedNs === undefined ? undefined : Number(waitedNs) / 1e6;
};

const isPidFree = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
};
