/**
 * One exact place in a life of processes, and who dies there. A test writes a list of these into a folder; every process
 * that it starts has `die-here.ts` loaded, which looks there whenever it comes to such a place.
 *
 *   B1  In order: a blow waits for the one before it.
 *   B2  Once: whoever makes its file first has struck it. The file says who that was, and when.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Role = 'keeper' | 'worker' | 'job' | 'courier';
/**
 * `writes`: a line of a journal. `says`: text to a socket, of the link or of HTTP. `hears`: text from a socket, which
 * nobody has looked at yet. `asks`: a request by its address; after: it was answered. `gives`: a call to the store's
 * thread. `learns`: its answer, which nobody has looked at yet: what was asked is committed. `runs`: a statement of
 * SQLite. `gets` and `sends`: what goes between a process and its child.
 */
export type Place = 'writes' | 'says' | 'hears' | 'asks' | 'gives' | 'learns' | 'runs' | 'gets' | 'sends';
export type Victim = 'itself' | 'keeper' | 'worker';

export type Blow = {
  who: Role;
  place: Place;
  /** After: what was written is on the disk, what was said is with the system. Of `hears`, `learns` and `gets`: before. */
  side: 'before' | 'after';
  /** What its text has in it, all of them. */
  holds: readonly string[];
  /** In this order; nobody: it is only waited for. Default: itself. */
  kills?: readonly Victim[];
};

export type Armed = { blows: readonly Blow[]; pids: { keeper?: number; worker?: number } };
export type Struck = { blow: number; pid: number; at: number; text: string };

/** Where the folder is, for whoever has `die-here.ts` loaded. */
export const POINTS = 'LASTWORD_POINTS';

const armedIn = (folder: string) => join(folder, 'armed.json');
const struckIn = (folder: string, blow: number) => join(folder, `struck-${blow}.json`);

/** *Effect.* Whole at once: it is read by processes in the middle of a call. */
export function arm(folder: string, armed: Armed): void {
  mkdirSync(folder, { recursive: true });
  disarm(folder);
  const draft = join(folder, 'draft.json');
  writeFileSync(draft, JSON.stringify(armed));
  renameSync(draft, armedIn(folder));
}

/** *Effect.* */
export function disarm(folder: string): void {
  rmSync(armedIn(folder), { force: true });
  for (const name of readdirSync(folder)) if (name.startsWith('struck-')) rmSync(join(folder, name));
}

/** Those that were struck, in order. */
export function struckOf(folder: string): Struck[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('struck-'));
  const all = names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Struck);
  return all.sort((one, other) => one.blow - other.blow);
}

export type Next = { blow: Blow; number: number; pids: Armed['pids'] };

/** The blow that is next (B1), if it is of this role and place. */
export function nextOf(folder: string, role: Role | undefined, ...places: Place[]): Next | undefined {
  let armed: Armed;
  try {
    armed = JSON.parse(readFileSync(armedIn(folder), 'utf8')) as Armed;
  } catch {
    return undefined; // nothing is armed
  }
  const number = armed.blows.findIndex((_, index) => !existsSync(struckIn(folder, index)));
  const blow = armed.blows[number];
  if (!blow || blow.who !== role || !places.includes(blow.place)) return undefined;
  return { blow, number, pids: armed.pids };
}

export const fits = ({ holds }: Blow, text: string): boolean => holds.every((part) => text.includes(part));

/** *Effect.* Returns only where somebody else has struck it (B2), or where it does not kill whoever is here. */
export function strike(folder: string, { blow, number, pids }: Next, text: string): void {
  const struck: Struck = { blow: number, pid: process.pid, at: Date.now(), text: text.slice(0, 2_000) };
  try {
    writeFileSync(struckIn(folder, number), JSON.stringify(struck), { flag: 'wx' });
  } catch {
    return;
  }
  for (const victim of blow.kills ?? ['itself']) {
    const pid = victim === 'itself' ? process.pid : pids[victim];
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
}
