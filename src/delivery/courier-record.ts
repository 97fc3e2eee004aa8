/**
 * Which processes of couriers there are.
 *
 *   K3  It stands in `courier.json`, so that the next keeper can end what this one leaves.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Owner } from '../journal/entry.ts';
import { isAlive, ownerOf } from '../journal/owner.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { killGroup } from './kill-group.ts';

const RECORD_MS = 1_000;
const ENDING_MS = 2_000;
const ENDING_POLL_MS = 20;

const pathOf = (directory: string) => join(directory, 'courier.json');

export class CourierRecord {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #processes = new Set<number>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  add(pid: number | undefined): void {
    if (pid === undefined) return; // it never began
    this.#processes.add(pid);
    this.#write();
  }

  remove(...pids: readonly (number | undefined)[]): void {
    for (const pid of pids) if (pid !== undefined) this.#processes.delete(pid);
    this.#write();
  }

  /** Resolves when all of it is written, or after a second: a disk that hangs holds nobody. */
  async written(): Promise<void> {
    await settledWithin(this.#writing, RECORD_MS);
  }

  #write(): void {
    this.#writing = this.#writing
      .then(async () => {
        const owners = await Promise.all([...this.#processes].map(ownerOf));
        const path = pathOf(this.#directory);
        await writeFile(`${path}.new`, JSON.stringify(owners), { mode: 0o600 });
        await rename(`${path}.new`, path);
      })
      .catch((error: unknown) => this.#log.warn({ err: error }, 'the courier could not be written down'));
  }
}

/** *Effect.* K3. Ends what an earlier keeper's couriers left running. Never rejects. */
export async function endEarlierCouriers(directory: string, log: Logger): Promise<void> {
  const read = async () => JSON.parse(await readFile(pathOf(directory), 'utf8')) as Owner[];
  const found = await settledWithin(read(), RECORD_MS);
  if (found.kind !== 'settled' || !Array.isArray(found.value)) return; // none, or no record of ours
  for (const owner of found.value) {
    if ((await isAlive(owner)) !== 'alive') continue;
    log.warn({ courierPid: owner.pid }, 'a process that delivers outlived its keeper; killing it');
    killGroup(owner.pid);
    for (const until = performance.now() + ENDING_MS; performance.now() < until; await pause(ENDING_POLL_MS))
      if ((await isAlive(owner)) !== 'alive') break;
  }
}
