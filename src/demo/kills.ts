/** `kill -9`, of one process of a call in the terminal, and what comes of it in a line. */
import { isAlive } from '../journal/owner.ts';
import { messageOf } from '../errors/thrown.ts';
import type { KeeperProcess } from './keeper.ts';
import type { Screen } from './screen.ts';
import type { Victim } from './typed.ts';
import type { Watched } from './watched.ts';

const followed: Record<Victim, string> = {
  job: 'the process of the call is gone. The keeper calls for another one, which has the history',
  worker:
    'the worker is gone. Its job talks on; it leaves the call to a job of the next worker when that one is warm and nobody has spoken for a second',
  keeper: 'the keeper is gone. The call goes on, and the next keeper takes it up',
};

export function killsOf(parts: {
  call: Pick<Watched, 'entries'>;
  screen: Pick<Screen, 'print' | 'paint'>;
  keeper: Pick<KeeperProcess, 'pid' | 'kill'>;
  /** The host's pid, when one is connected. */
  worker: () => number | undefined;
  /** For a job that has no journal yet: whoever started it ends it. */
  killUnopened: () => void;
  /** A process is warm for the job after this one. */
  isSpareWarm: () => boolean;
  /** The call is being ended: nobody takes it over any more. */
  isEnding: () => boolean;
}): (victim: Victim) => Promise<void> {
  const { call, screen, keeper, worker, killUnopened, isSpareWarm, isEnding } = parts;
  const told = (victim: Victim, pid: number | undefined) => {
    const isCold = victim === 'job' && !isSpareWarm();
    const then = isEnding()
      ? `the ${victim} is gone; the call was ending, and its report is sealed all the same`
      : `${followed[victim]}${isCold ? '. No process is warm for it yet: it has to start first, and may be too late' : ''}`;
    const text = pid === undefined ? `there is no ${victim} at this moment` : `kill -9 ${pid}: ${then}`;
    screen.print(screen.paint(pid === undefined ? 'quiet' : 'bad', text));
  };
  /** As the journal names it: its worker may be dead. */
  const job = async (): Promise<number | undefined> => {
    const opened = call.entries.findLast(({ kind }) => kind === 'session.opened');
    if (opened?.kind !== 'session.opened') {
      killUnopened();
      return undefined;
    }
    const { owner } = opened.data;
    return (await isAlive(owner)) === 'alive' ? owner.pid : undefined;
  };
  return async (victim) => {
    const pid = victim === 'keeper' ? keeper.pid : victim === 'worker' ? worker() : await job();
    try {
      if (victim === 'keeper') keeper.kill();
      else if (pid !== undefined) process.kill(pid, 'SIGKILL');
      told(victim, pid);
    } catch (error) {
      screen.print(screen.paint('quiet', `the ${victim} was gone before it was killed (${messageOf(error)})`));
    }
  };
}
