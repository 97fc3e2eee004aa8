/** What the keeper does about each message of a worker, a job or an operator. */
import type { Logger } from 'pino';
import type { ToKeeper } from '../link/messages.ts';
import type { Peer, PeerHandler } from '../link/server.ts';
import { HandOver } from './hand-over.ts';
import { keepOf, spellKeep } from './keep.ts';
import type { Sessions } from './sessions.ts';
import type { WorkerFacts } from './worker-facts.ts';

export type PeersOptions = {
  facts: WorkerFacts;
  sessions: Sessions;
  log: Logger;
  /** A worker has said who it is, and where LiveKit and the receivers are. */
  onWorker: (pid: number) => void;
  /** The worker takes calls, or does not any more. */
  onReady: (isReady: boolean) => void;
  onDraining: () => void;
  onAlert: (message: Extract<ToKeeper, { type: 'alert' }>) => void;
  /** How long a call gets that is told to end. */
  budgetMs: () => number;
  /** A job's hello was refused. */
  onRefusedJob: () => void;
  /** The application refused the call of this room. */
  onRefusedCall: (roomSid: string) => void;
};

export const openPeers = (options: PeersOptions): ((peer: Peer) => PeerHandler) => {
  const { facts, sessions, log, onWorker, onReady, onDraining, onAlert, onRefusedJob, onRefusedCall, budgetMs } =
    options;
  /** A worker may be connected again before its earlier connection is gone. */
  let ready: Peer | undefined;
  const handOver = new HandOver((session) => sessions.handOver(session));
  const setReady = (peer: Peer | undefined) => {
    ready = peer;
    onReady(peer !== undefined);
  };
  return (peer) => ({
    onMessage(message) {
      switch (message.type) {
        case 'hello.worker':
          log.info({ workerPid: message.pid, agentName: message.agentName }, 'the worker is connected');
          if (!facts.now) log.info(keepOf(message.keep ?? {}), spellKeep(keepOf(message.keep ?? {})));
          facts.take(message);
          sessions.workerHere();
          handOver.workerHere(message.pid);
          return onWorker(message.pid);
        case 'worker.ready':
          setReady(peer);
          return log.info('the worker takes calls');
        case 'worker.warm':
          return handOver.warm(message.count);
        case 'worker.draining':
          setReady(undefined);
          return onDraining();
        case 'job.offered':
          return facts.now && sessions.offered(peer, message, facts.now); // no hello, no answer: declined
        case 'job.launched':
          handOver.taken();
          return sessions.launched(message.job);
        case 'job.unstarted':
          return sessions.unstarted(message.job, message.why);
        case 'call.refused':
          return onRefusedCall(message.roomSid);
        case 'job.withdrawn':
          return sessions.withdrawn(message.job, message.why);
        case 'hello.job':
          return sessions.hello(peer, message);
        case 'job.heard':
          return sessions.heard(message.session, message.epoch);
        case 'job.orphaned':
          return handOver.orphaned(message.session, message.worker);
        case 'beat':
          return sessions.beat(message.session, message);
        case 'job.closed':
          return sessions.closed(message.session, message.tail);
        case 'hello.operator':
          return;
        case 'session.end': {
          const { session } = message;
          const why = sessions.end(session, budgetMs());
          return peer.send(
            why === undefined ? { type: 'session.ending', session } : { type: 'session.unended', session, why },
          );
        }
        case 'alert':
          return onAlert(message);
      }
    },
    onRefused(message) {
      if (message.type !== 'hello.job') return;
      sessions.refused(message.session);
      onRefusedJob();
    },
    onClose() {
      if (ready === peer) {
        handOver.workerGone();
        setReady(undefined);
      }
      sessions.gone(peer);
    },
  });
};
