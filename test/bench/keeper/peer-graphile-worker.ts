/** graphile-worker with its local queue, and completions in batches: what its documentation calls its quickest. */
import { installed, type OpenPeer, type Row } from './peer.ts';

const JOBS = 128;

type Runner = { stop(): Promise<void> };
type Utilities = {
  migrate(): Promise<void>;
  addJobs(jobs: { identifier: string; payload: Row }[]): Promise<unknown>;
  release(): Promise<void>;
};
type Library = {
  makeWorkerUtils: (options: object) => Promise<Utilities>;
  run: (options: object) => Promise<Runner>;
  Logger: new (factory: () => () => void) => object;
};

export const openGraphileWorker: OpenPeer = async (folder, { connection, post }) => {
  const { makeWorkerUtils, run, Logger } = (await installed(folder, 'graphile-worker')) as Library;
  const logger = new Logger(() => () => undefined);
  const utilities = await makeWorkerUtils({ connectionString: connection, logger });
  await utilities.migrate();
  let runner: Runner | undefined;
  return {
    async fill(rows) {
      for (let from = 0; from < rows.length; from += 1_000)
        await utilities.addJobs(rows.slice(from, from + 1_000).map((payload) => ({ identifier: 'report', payload })));
    },
    async start() {
      const worker = {
        connectionString: connection,
        concurrentJobs: JOBS,
        maxPoolSize: 20,
        pollInterval: 500,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      };
      const taskList = { report: (payload: Row) => post(payload) };
      runner = await run({ preset: { worker }, taskList, logger, noHandleSignals: true });
    },
    async stop() {
      await runner?.stop();
      await utilities.release();
    },
  };
};
