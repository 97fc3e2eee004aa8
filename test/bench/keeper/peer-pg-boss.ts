/** pg-boss: whole batches are fetched, worked on together and completed together, by several workers. */
import { installed, type OpenPeer, type Row } from './peer.ts';

const BATCH = 200;
const WORKERS = 4;
const QUEUE = 'reports';

type Job = { data: Row };
type Boss = {
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  createQueue(name: string): Promise<void>;
  insert(name: string, jobs: Job[]): Promise<unknown>;
  work(name: string, options: object, handler: (jobs: Job[]) => Promise<void>): Promise<string>;
  on(event: 'error', listener: (error: unknown) => void): void;
};

export const openPgBoss: OpenPeer = async (folder, { connection, post }) => {
  const { PgBoss } = (await installed(folder, 'pg-boss')) as { PgBoss: new (options: object) => Boss };
  const boss = new PgBoss({ connectionString: connection, max: WORKERS * 2 + 2 });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(QUEUE);
  return {
    async fill(rows) {
      for (let from = 0; from < rows.length; from += 1_000)
        await boss.insert(
          QUEUE,
          rows.slice(from, from + 1_000).map((data) => ({ data })),
        );
    },
    async start() {
      const options = {
        batchSize: BATCH,
        localConcurrency: WORKERS,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
      };
      await boss.work(QUEUE, options, async (jobs) => void (await Promise.all(jobs.map(({ data }) => post(data)))));
    },
    stop: () => boss.stop({ graceful: false }),
  };
};
