/**
 * One keeper for a LASTWORD_DIR. Two would seal, hang up and restart workers against each other.
 *
 *   K1  The claim is a file `keeper.N.json` that names its owner; the highest N holds. It is made by link(), so it is
 *       whole from the start and only one can make it. A claim whose owner is dead is never removed to be made again
 *       (between the two, another keeper could have made its own): the next one is N + 1.
 *   K3  A keeper that is ending says so in `keeper.ending.json`: the next one waits for it instead of being refused, so
 *       that a restart works while the last calls say goodbye.
 *   K2  Who finds a higher N after making its own has lost, and takes its own back.
 */
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../journal/entry.ts';
import { isAlive, thisProcess } from '../journal/owner.ts';
import { ownFolder } from './owned-folder.ts';

const ATTEMPTS = 10;
/** K3. Whoever lost their starter needs a moment to notice it. */
const NOTICE_MS = 1_500;
const ENDING_POLL_MS = 100;
const ENDING = 'keeper.ending.json';
const claimName = /^keeper\.(\d+)\.json$/;

/** Another keeper runs on this directory. One line, with its pid. */
export class KeeperRunsError extends Error {
  override name = 'KeeperRunsError';
  readonly code = 'LASTWORD_KEEPER_RUNS';
  readonly pid: number;
  constructor(directory: string, pid: number) {
    super(
      `a keeper already runs on ${directory} (pid ${pid}); expected none. Stop it, or set LASTWORD_DIR to another directory.`,
    );
    this.pid = pid;
  }
}

const claimsIn = async (directory: string): Promise<number[]> =>
  (await readdir(directory))
    .map((name) => Number(claimName.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((one, other) => other - one);

const ownerOf = async (path: string): Promise<Owner | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner;
  } catch {
    return undefined; // gone meanwhile, or no claim of ours
  }
};

/**
 * *Effect.* Makes the directory if need be, and claims it for this process.
 * @param isListening does anybody listen on the directory's socket? Decides about an owner in another container
 * @param onWaiting the keeper before is ending, and this one waits for it
 * @param onSaid what the operator should know of the directory
 * @returns gives the claim back
 * @throws KeeperRunsError when its keeper lives; ConfigError when the directory is not ours or cannot be written
 */
export async function claimDirectory(
  directory: string,
  isListening: () => Promise<boolean>,
  onWaiting: (pid: number) => void = () => undefined,
  onSaid: (text: string) => void = () => undefined,
): Promise<() => Promise<void>> {
  const folder = resolve(directory);
  for (const text of await ownFolder(folder)) onSaid(text);
  const mine = await thisProcess();
  const draft = join(folder, `.keeper.${mine.pid}.${mine.startTicks}.json`);
  await rm(draft, { force: true }); // of a process of the same number, or planted: what is there is not written to
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600, flag: 'wx' });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [highest = 0] = await claimsIn(folder);
      const owner = highest > 0 ? await ownerOf(join(folder, `keeper.${highest}.json`)) : undefined;
      if (owner) {
        const holds = async () => {
          const liveness = await isAlive(owner);
          return liveness === 'alive' || (liveness === 'unknown' && (await isListening()));
        };
        if (await holds()) await endOf(folder, owner, holds, onWaiting);
      }
      const number = highest + 1;
      const claim = join(folder, `keeper.${number}.json`);
      try {
        await link(draft, claim); // K1
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue; // another one was quicker: ask who
        throw error;
      }
      const after = await claimsIn(folder);
      if (after[0] !== number) {
        await rm(claim, { force: true }); // K2
        continue;
      }
      for (const old of after.slice(1)) await rm(join(folder, `keeper.${old}.json`), { force: true });
      return async () => {
        await rm(join(folder, ENDING), { force: true });
        await rm(claim, { force: true });
      };
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new Error(
    `${folder} could not be claimed in ${ATTEMPTS} attempts; expected one other keeper at most, start again`,
  );
}

/** *Effect.* K3. This keeper is ending. Never rejects: a full disk only makes the next one say that we are still there. */
export async function markEnding(directory: string): Promise<void> {
  const mine = JSON.stringify(await thisProcess());
  const path = join(resolve(directory), ENDING);
  await rm(path, { force: true })
    .then(() => writeFile(path, mine, { mode: 0o600, flag: 'wx' }))
    .catch(() => undefined);
}

/** Resolves when this owner holds nothing any more. @throws KeeperRunsError when it is not about to end */
async function endOf(folder: string, owner: Owner, holds: () => Promise<boolean>, onWaiting: (pid: number) => void) {
  const isEnding = async () => {
    const ending = await ownerOf(join(folder, ENDING));
    return ending?.pid === owner.pid && ending.startTicks === owner.startTicks;
  };
  for (const until = performance.now() + NOTICE_MS; !(await isEnding()); await sleep(ENDING_POLL_MS)) {
    if (!(await holds())) return;
    if (performance.now() > until) throw new KeeperRunsError(folder, owner.pid);
  }
  onWaiting(owner.pid);
  while (await holds()) await sleep(ENDING_POLL_MS);
}
