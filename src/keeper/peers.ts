/** What the keeper does about each message of a worker, a job or an operator. */
import type { Logger } from 'pino';
import type { ToKeeper } from '../link/messages.ts';
import type { Peer, PeerHandler } from '../link/server.ts';
import type { ConnectedWorkers } from './connected-workers.ts';
import { keepOf, spellKeep } from './keep.ts';
import type { Sessions } from './sessions.ts';
import type { WorkerFacts } from './worker-facts.ts';

export type PeersOptions = {
  facts: WorkerFacts;
  sessions: Sessions;
  workers: ConnectedWorkers;
  log: Logger;
  /** A worker has said who it is, and where LiveKit and the receivers are. */
  onWorker: (pid: number) => void;
  onAlert: (message: Extract<ToKeeper, { type: 'alert' }>) => void;
  /** How long a call gets that is told to end. */
  budgetMs: () => number;
  /** A job's hello was refused. */
  onRefusedJob: () => void;
  /** The application refused the call of this room. */
  onRefusedCall: (roomSid: string) => void;
};

export const openPeers = (options: PeersOptions): ((peer: Peer) => PeerHandler) => {
  const { facts, sessions, workers, log, onWorker, onAlert, onRefusedJob, onRefusedCall, budgetMs } = options;
  return (peer) => ({
    onMessage(message) {
      switch (message.type) {
        case 'hello.worker': {
          const standing = workers.hello(peer, message);
          log.info({ workerPid: message.pid, agentName: message.agentName, standing }, 'the worker is connected');
          if (!facts.now) log.info(keepOf(message.keep ?? {}), spellKeep(keepOf(message.keep ?? {})));
          if (standing !== 'replaced' || !facts.now) facts.take(message);
          sessions.workerHere();
          return onWorker(message.pid);
        }
        case 'worker.ready':
          log.info({ workerPid: workers.helloOf(peer)?.pid }, 'the worker takes calls');
          return workers.ready(peer);
        case 'worker.warm':
          return workers.warm(peer, message.count);
        case 'worker.draining':
          return workers.draining(peer);
        case 'job.offered': {
          const hello = workers.helloOf(peer) ?? facts.now;
          if (!hello) return; // no hello, no answer: declined
          return void sessions
            .offered(peer, message, hello)
            .then((taken) => taken && workers.taken(peer, message.facts.job, taken.heirOf));
        }
        case 'job.launched':
          workers.launched(message.job);
          return sessions.launched(message.job);
        case 'job.unstarted':
          workers.unstarted(message.job);
          return sessions.unstarted(message.job, message.why);
        case 'call.refused':
          return onRefusedCall(message.roomSid);
        case 'job.withdrawn':
          workers.unstarted(message.job);
          return sessions.withdrawn(message.job, message.why);
        case 'hello.job':
          sessions.hello(peer, message);
          return workers.news().forEach((news) => peer.send(news));
        case 'job.heard':
          return sessions.heard(message.session, message.epoch);
        case 'job.orphaned':
          return workers.orphaned(message.session, message.worker);
        case 'job.leaving':
          return sessions.leaving(message.session);
        case 'job.staying':
          return sessions.staying(message.session);
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
        case 'reload':
          return void workers.replace().then((done) => {
            if ('why' in done) return peer.send({ type: 'unreloaded', why: done.why });
            return peer.send({ type: 'reloaded', worker: done.worker, calls: sessions.openCount });
          });
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
      workers.gone(peer);
      sessions.gone(peer);
    },
  });
};
