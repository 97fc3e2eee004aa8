/** `worker.json`: who the worker is, and whom it has replaced, for the next keeper. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Owner } from '../journal/entry.ts';
import type { OneWorker } from './one-worker.ts';

export type RecordedWorkers = { serving?: Owner; replaced: Owner[] };

export class WorkerRecord {
  readonly #path: string;
  readonly #log: Logger;
  /** One after the other. */
  #written = Promise.resolve();

  constructor(directory: string, log: Logger) {
    this.#path = join(directory, 'worker.json');
    this.#log = log;
  }

  /** *Effect.* What an earlier keeper has left. Never rejects. */
  async read(): Promise<RecordedWorkers> {
    const text = await readFile(this.#path, 'utf8').catch(() => '{}');
    try {
      const { replaced = [], ...serving } = JSON.parse(text) as Partial<Owner> & { replaced?: Owner[] };
      return { ...(serving.pid !== undefined && { serving: serving as Owner }), replaced };
    } catch {
      return { replaced: [] };
    }
  }

  /** *Effect.* Without it a worker that outlives us is not waited for, and a second one starts. Never rejects. */
  write(now: () => { serving: OneWorker | undefined; replaced: Iterable<OneWorker> }): void {
    this.#written = this.#written.then(async () => {
      try {
        const { serving, replaced: before } = now();
        const owner = await serving?.owner;
        const replaced = await Promise.all([...before].map((one) => one.owner));
        await rm(this.#path, { force: true }); // made anew: a link that somebody planted is not followed
        if (!owner && replaced.length === 0) return;
        await writeFile(this.#path, JSON.stringify({ ...owner, replaced }), { mode: 0o600, flag: 'wx' });
      } catch (error) {
        this.#log.warn({ err: error }, 'the worker could not be written down for the next keeper');
      }
    });
  }
}
