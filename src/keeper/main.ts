/**
 * The keeper: the top process. It holds no user code and no agent, starts at once, and is still there when everything
 * below it has died; so it is the one that seals.
 *
 * Here the parts are put together, and taken apart again in the order in which they need each other:
 *   tell the calls → drain the worker → every session sealed → what is sealed delivered, what is owed tried → exit.
 *   M1  Every step of the end has a limit, and what is left at the limit is killed, hung up on, and sealed.
 *   M3  With `shutdown: 'finish'` the calls are told late: so that there is still time for the longest goodbye.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { ConfigError, describeValue } from '../errors/config-error.ts';
import { openCourier } from '../delivery/courier.ts';
import { endEarlierCouriers } from '../delivery/courier-record.ts';
import { addressForPeople } from '../delivery/metadata-url.ts';
import { startRelay } from '../delivery/relay.ts';
import { ownerOf } from '../journal/owner.ts';
import { socketPath } from '../link/path.ts';
import { rememberNames } from '../rooms/remembered-names.ts';
import { openAdmission } from '../link/admission.ts';
import { isListening } from '../link/listening.ts';
import { mendSecret, openSecret, tokenOf, workerTokenVariable } from '../link/secret.ts';
import { listen } from '../link/server.ts';
import { lostLines } from '../output/standard-output.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { inheritedFlags } from '../link/starter.ts';
import { fileOf, openStore } from '../store/open.ts';
import { defaultPolicy } from '../../machines/index.ts';
import { openAlerts } from './alerts.ts';
import { claimDirectory, markEnding } from './claim.ts';
import { openFolding } from './fold-in-thread.ts';
import { startRetention } from './keep.ts';
import { KeeperCounts } from './keeper-counts.ts';
import { openOperating } from './operating-server.ts';
import { startOwed } from './owed.ts';
import { openPeers } from './peers.ts';
import { watchReturned } from './returned.ts';
import { startSealer } from './seal.ts';
import { ConnectedWorkers } from './connected-workers.ts';
import { trackSessions } from './sessions.ts';
import { takeSignals } from './signals.ts';
import { tellCaller } from './tell-caller.ts';
import { watchUnanswered } from './unanswered.ts';
import { workerFacts } from './worker-facts.ts';
import { superviseWorker, type WorkerCommand } from './worker-process.ts';

/** A second SIGINT: time for a goodbye, not for a talk. */
const HURRY_MS = 3_000;
/** After the last session: the SDK can wait up to a minute for an idle process that missed its order. */
const WORKER_MS = 5_000;
/** Beside the recovery's own limits, when jobs had to be killed. */
const FORCE_MARGIN_MS = 2_000;
const DELIVERY_MS = 10_000;

export type KeeperOptions = {
  agentFile: string;
  /** What the agent file is called with. */
  mode: 'start' | 'dev';
  /** LASTWORD_DIR. */
  directory: string;
  /** LASTWORD_STORE: `sqlite:PATH`. */
  store: string;
  /** Passed on to the agent file, behind the mode. */
  args: string[];
  /** What to start instead of the agent file: the terminal's host, or a test's. */
  command?: WorkerCommand;
  /** Where /metrics, /healthz and /readyz are answered on loopback, and for which version. Default: nowhere. */
  metrics?: { port: number; version: string };
  /** The directory is this keeper's, and nothing else has begun. */
  onOwned?: () => void;
  log: Logger;
};

/**
 * *Effect.* Runs until the worker has ended for good or a signal comes. Takes SIGTERM, SIGINT and SIGHUP for itself.
 *
 * @returns the exit code: the worker's, or 1 when it never worked (the reason is logged)
 * @throws KeeperRunsError when a keeper lives on this directory; StoreError when the store cannot be opened;
 *   ConfigError when there is no such agent file
 */
export async function runKeeper(options: KeeperOptions): Promise<number> {
  const { mode, args, log } = options;
  const directory = resolve(options.directory);
  const agentFile = resolve(options.agentFile);
  if (!options.command && !existsSync(agentFile))
    throw new ConfigError({
      field: 'agent file',
      expected: 'the path of a file that exists',
      got: describeValue(agentFile),
      advice: 'check the path, or build it first',
    });
  const command = options.command ?? {
    file: process.execPath,
    args: [...inheritedFlags(), agentFile, mode, ...args],
  };
  const path = socketPath(directory);
  const know = rememberNames();
  const release = await claimDirectory(
    directory,
    () => isListening(path),
    (pid) => log.warn({ pid }, 'waiting for the keeper that is ending'),
    (text) => log.warn(text),
  );
  const closers: (() => Promise<void> | void)[] = [release];
  const end = takeSignals(log);
  closers.push(end.forget);

  const counts = new KeeperCounts();
  let isEnding = false;
  try {
    const secret = openSecret(directory);
    options.onOwned?.();
    const store = await openStore(options.store, { inThread: true });
    closers.push(() => store.close());
    const facts = workerFacts({ know, log });
    const alert = openAlerts({ facts, store, wake: () => relay.wake(), log });
    const budgetMs = () => facts.shutdown.budgetMs;
    await endEarlierCouriers(directory, log);
    const file = fileOf(options.store);
    const { host, bootId } = await ownerOf(process.pid);
    const relay = startRelay({
      store,
      log,
      sender: openCourier({
        directory,
        log,
        body: (delivery) => store.body(delivery),
        ...(file !== undefined && { file }),
      }),
      owner: `keeper ${host} ${bootId} ${directory}`, // one at a time, by its claim
      destinations: () => (facts.now ? [...facts.now.reports, ...facts.now.alerts] : []),
      onDelivered: () => (counts.deliveries.delivered += 1),
      onRetry: () => (counts.deliveries.retried += 1),
      onDead: ({ session, destination, kind }, error) => {
        counts.deliveries.dead += 1;
        if (kind === 'alert') return; // or a dead alert receiver would call for itself
        void alert({ session, message: `A report was given up: ${addressForPeople(destination)}`, detail: error });
      },
    });
    closers.push(() => relay.stop());
    const owed = startOwed({ store, log, livekit: () => facts.livekit });
    closers.push(() => owed.stop());
    const retention = startRetention({ directory, store, log, rule: () => facts.now && (facts.now.keep ?? {}) });
    closers.push(() => retention.stop());
    const folding = openFolding();
    closers.push(() => folding.close());
    const sealer = startSealer({
      fold: folding.fold,
      directory,
      store,
      worker: () => facts.hello(),
      onSealed: () => relay.wake(),
      onEnded: (sealed) => counts.sealed(sealed),
      onOwed: () => owed.wake(),
      onMayReturn: (gone) => returned.expect(gone),
      log,
    });
    closers.push(() => sealer.stop());
    const sessions = trackSessions({
      directory,
      store,
      log,
      rooms: () => facts.rooms(),
      isWorkerHere: () => facts.now !== undefined,
      isOfWorker: (owner) => worker.owns(owner),
      isReachable: () => server.isReachable,
      apologize: (recording) => facts.apologize(recording),
      seal: (...asked) => sealer.seal(...asked),
      counts,
    });
    closers.push(() => sessions.stop());
    const worker = superviseWorker({
      command,
      agentFile,
      directory,
      environment: {
        ...process.env,
        LASTWORD_SOCKET: path,
        LASTWORD_DIR: directory,
        [workerTokenVariable]: tokenOf(secret, 'worker'),
      },
      log,
      onDied: (pid) => sessions.tellAll({ type: 'shutdown', graceMs: budgetMs(), reason: 'worker_lost', worker: pid }),
    });
    const workers = new ConnectedWorkers({
      process: worker,
      calls: sessions,
      tellJobs: (message) => sessions.tellAll(message),
      isEnding: () => isEnding,
      onDraining: () => sessions.draining(budgetMs(), facts.shutdown.graceMs),
    });
    const isTakingCalls = () => workers.isReady && !isEnding;
    const isServed = (room: string) => sessions.serves(room);
    const returned = watchReturned({ rooms: () => facts.livekit?.rooms, isServed, log });
    const unanswered = watchUnanswered({
      livekit: () => facts.livekit,
      isTakingCalls,
      isEnding: () => isEnding,
      isServed,
      wasServed: (room, sid) => store.wasServed(room, sid),
      tell: tellCaller({ store, isServed, isTakingCalls, alert, onOwed: () => owed.wake(), log }),
      log,
    });
    closers.push(() => (returned.stop(), unanswered.stop()));

    const onPeer = openPeers({
      facts,
      sessions,
      workers,
      log,
      onWorker: (pid) => {
        worker.hello(pid);
        owed.wake();
        relay.wake();
      },
      budgetMs,
      onAlert: ({ session, message, detail }) => void alert({ session, message, detail }),
      onRefusedCall: (roomSid) => unanswered.refused(roomSid),
      onRefusedJob: () => {
        if (mendSecret(directory, secret))
          log.warn('the secret of LASTWORD_DIR was removed or replaced; it is written again');
      },
    });
    const admission = openAdmission(secret, (pid) => worker.standingOf(pid) !== undefined);
    const adopting = sessions.adopt();
    const server = await listen({ path, onPeer, admission, log });
    closers.push(() => server.close());

    if (options.metrics) {
      const { port, version } = options.metrics;
      const operating = await openOperating({
        port,
        counts,
        store,
        known: () => ({
          version,
          isWorkerHere: workers.isReady,
          stages: sessions.stages,
          lostLines: lostLines(),
        }),
        unready: () => {
          if (isEnding) return 'the keeper is ending';
          if (!workers.isReady) return 'no worker that takes calls is connected';
          return server.isReachable ? undefined : 'the socket of the keeper cannot be found';
        },
      });
      closers.push(() => operating.close());
      log.info({ metricsPort: operating.port }, 'metrics are at 127.0.0.1');
    }
    await adopting;
    await worker.start();
    // No worker has said where reports go, and none will: what is unsealed is the next keeper's.
    void worker.ended.then(() => {
      if (facts.now) return;
      facts.giveUp();
      sealer.stop();
    });
    const first = await Promise.race([worker.ended, end.asked]);
    if (first?.failure !== undefined) log.fatal({ agentFile, code: first.code }, first.failure);

    // ── the end (M1) ──
    isEnding = true;
    void markEnding(directory);
    log.info({ open: sessions.openCount, budgetMs: budgetMs() }, 'ending');
    sessions.shutDown(budgetMs(), facts.shutdown.graceMs); // M3
    worker.drain();
    void end.hurried.then(() => sessions.shutDown(HURRY_MS));
    const hurried = end.hurried.then(() => settledWithin(sessions.settled(), HURRY_MS));
    await Promise.race([settledWithin(sessions.settled(), budgetMs()), hurried]);
    if (sessions.openCount > 0) {
      log.error({ open: sessions.openCount }, 'the budget is spent; ending what still runs');
      sessions.force();
      const { probeMs, hangUpMs, sealMs } = facts.now?.policy ?? defaultPolicy;
      await settledWithin(sessions.settled(), probeMs + hangUpMs + sealMs + FORCE_MARGIN_MS);
    }
    const workerEnd = await settledWithin(worker.ended, WORKER_MS);
    if (workerEnd.kind !== 'settled') {
      log.error({ workerPid: worker.pid }, `the worker did not end within ${WORKER_MS} ms; killing it`);
      worker.kill();
    }
    const { code } = await worker.ended;
    const [{ pending }, hangUpsOwed] = await Promise.all([
      facts.now ? relay.settled(DELIVERY_MS) : { pending: 0 },
      owed.lastTry(),
      worker.clear(),
    ]);
    const open = sessions.openCount;
    log.info({ code, open, pending, hangUpsOwed }, 'the keeper ends');
    return code === 0 && open > 0 ? 1 : code; // an abandoned call is no success
  } finally {
    for (const close of closers.toReversed()) {
      const closed = await settledWithin(Promise.resolve(close()), WORKER_MS);
      if (closed.kind !== 'settled') log.warn({ closed }, 'something did not close in time');
    }
  }
}
