/** The process of the keeper of a call in the terminal. Started by keeper.ts; ends, with its call, when that is gone. */
import { constants } from 'node:os';
import { pino } from 'pino';
import { runKeeper } from '../keeper/main.ts';
import type { FromKeeperChild, KeeperOrder, ToKeeperChild } from './keeper.ts';
import { problemIn } from './keeper-problem.ts';

let isOwner = false;
const say = (message: FromKeeperChild) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send?.(message, undefined, {}, () => resolve());
    else resolve();
  });
/** Before it has its directory, nothing below it runs that would have to be ended first. */
const take = (name: NodeJS.Signals) =>
  isOwner ? process.kill(process.pid, name) : process.exit(128 + constants.signals[name]);

async function keep({ logFile, ...order }: KeeperOrder): Promise<void> {
  const log = pino({}, pino.destination({ dest: logFile, sync: true }));
  try {
    await runKeeper({
      ...order,
      mode: 'start',
      args: [],
      log,
      onOwned: () => {
        isOwner = true;
        void say({ type: 'owned' });
      },
    });
    await say({ type: 'ended' });
  } catch (error) {
    await say({ type: 'failed', ...problemIn(error) });
  }
  process.exit();
}

process.on('message', (message: ToKeeperChild) => {
  if (message.type === 'begin') void keep(message);
  else take(message.name);
});
process.once('disconnect', () => take('SIGTERM'));
