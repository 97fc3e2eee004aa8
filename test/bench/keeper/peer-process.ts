/**
 * One peer at work: fills its queue, says so, starts when it is told. Arguments: its name, the folder in which it is
 * installed, its server, the receiver, how many rows.
 */
import { once } from 'node:events';
import { openBullMq } from './peer-bullmq.ts';
import { openGraphileWorker } from './peer-graphile-worker.ts';
import { openPgBoss } from './peer-pg-boss.ts';
import { poster, type OpenPeer, type PeerName } from './peer.ts';
import { bodyOfReport } from './report-body.ts';

const open: Record<PeerName, OpenPeer> = {
  'pg-boss': openPgBoss,
  'graphile-worker': openGraphileWorker,
  BullMQ: openBullMq,
};
const [name = '', folder = '', connection = '', url = '', count = ''] = process.argv.slice(2);
const peer = await open[name as PeerName](folder, { connection, post: poster(url) });
await peer.fill(Array.from({ length: Number(count) }, (_, index) => ({ id: `r-${index}`, body: bodyOfReport })));
process.send?.('filled');
await once(process, 'message');
await peer.start();
await once(process, 'message');
await peer.stop();
process.exit(0);
