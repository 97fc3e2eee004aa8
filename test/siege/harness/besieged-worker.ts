/**
 * Stands in for an agent file: what `lastword start` runs as the worker. It speaks the real link and starts stand-in
 * jobs, but knows no LiveKit and no SDK: a siege is about the keeper.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectLink } from '../../../src/link/client.ts';
import { takeWorkerToken } from '../../../src/link/secret.ts';
import type { ToKeeper } from '../../../src/link/messages.ts';
import { surviveLostOutput } from '../../../src/output/own-output.ts';
import { openCall, type BesiegedCall } from './besieged-call.ts';
import { takeOrders } from './orders.ts';
import { hangUp, policyOf, readScenario, roomOf, workerPort, type Offer } from './scenario.ts';
import { firstJob, sessionIdOf } from '../../../src/journal/ids.ts';

const OFFER_MS = 5_000;
const scenario = readScenario();
const token = takeWorkerToken() ?? '';
const jobs = new Set<ChildProcess>();
const inside = new Map<string, BesiegedCall>();
let isDraining = false;
let welcomes = 0;

rmSync(workerPort(scenario), { force: true }); // of the worker before this one
writeFileSync(join(scenario.scratch, `worker-${process.pid}.pid`), String(process.pid));
const link = connectLink({
  path: process.env['LASTWORD_SOCKET'] ?? '',
  hello: () => [
    {
      type: 'hello.worker',
      pid: process.pid,
      agentFile: 'besieged-worker.js',
      agentName: 'ada',
      livekit: scenario.livekit,
      reports: scenario.reports,
      alerts: scenario.alerts,
      policy: policyOf(scenario),
      hangUp,
      token,
    },
    { type: 'worker.ready' },
  ],
  onMessage: () => undefined,
  onWelcome: () => (welcomes += 1),
});

const leaveIfDone = () => {
  if (isDraining && jobs.size + inside.size === 0) process.exit(143);
};
const openInside = async (offer: Offer) => {
  const onOver = () => {
    inside.delete(offer.session);
    leaveIfDone();
  };
  inside.set(offer.session, await openCall(scenario, offer, onOver));
};
const insideOf = (session: string): BesiegedCall => {
  const call = inside.get(session);
  if (!call) throw new Error(`no call ${session} in this process`);
  return call;
};
const start = (offer: Offer) => {
  const file = fileURLToPath(new URL('./besieged-job.js', import.meta.url));
  const child = fork(file, [JSON.stringify(offer)], { stdio: 'inherit' });
  jobs.add(child);
  child.once('exit', () => {
    jobs.delete(child);
    leaveIfDone();
  });
};
process.on('SIGTERM', () => {
  if (isDraining) process.exit(1); // as the SDK does: at once
  isDraining = true;
  leaveIfDone();
});
// Whoever reads our output may go away: that is the keeper's siege, not ours.
surviveLostOutput();
setInterval(() => undefined, 60_000);

await takeOrders(workerPort(scenario), {
  status: () => ({ welcomes, running: jobs.size + inside.size, isConnected: link.isConnected }),
  async offer(offer: Offer) {
    const { session, metadata = '', isStarted = true, isInside = false } = offer;
    const facts = { ...firstJob(sessionIdOf(session)), agentName: 'ada', room: roomOf(session), metadata };
    const isRecorded = await link.offer(facts, OFFER_MS);
    if (isRecorded && isInside) await openInside(offer);
    else if (isRecorded && isStarted) start(offer);
    return isRecorded;
  },
  appendInside: ({ session, ...what }: { session: string } & Parameters<BesiegedCall['append']>[0]) =>
    insideOf(session).append(what),
  closeInside: ({ session }: { session: string }) => insideOf(session).close(),
  say: (message: ToKeeper) => link.send(message),
});
