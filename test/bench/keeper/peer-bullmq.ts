/** BullMQ. Redis writes its log once a second here: what was done in the last one is lost with the machine. */
import { installed, type OpenPeer, type Row } from './peer.ts';

const JOBS = 200;
const QUEUE = 'reports';

type Queue = { addBulk(jobs: { name: string; data: Row }[]): Promise<unknown>; close(): Promise<void> };
type Worker = { close(force: boolean): Promise<void>; on(event: 'error', listener: (error: unknown) => void): void };
type Library = {
  Queue: new (name: string, options: object) => Queue;
  Worker: new (name: string, handler: (job: { data: Row }) => Promise<void>, options: object) => Worker;
};

export const openBullMq: OpenPeer = async (folder, { connection: url, post }) => {
  const library = (await installed(folder, 'bullmq')) as Library;
  const { hostname: host, port, pathname } = new URL(url);
  const connection = { host, port: Number(port), db: Number(pathname.slice(1)), maxRetriesPerRequest: null };
  const queue = new library.Queue(QUEUE, { connection });
  let worker: Worker | undefined;
  return {
    async fill(rows) {
      for (let from = 0; from < rows.length; from += 1_000)
        await queue.addBulk(rows.slice(from, from + 1_000).map((data) => ({ name: 'report', data })));
    },
    start: () => {
      worker = new library.Worker(QUEUE, ({ data }) => post(data), { connection, concurrency: JOBS });
      worker.on('error', (error) => console.error(error));
      return Promise.resolve();
    },
    async stop() {
      await worker?.close(true);
      await queue.close();
    },
  };
};
