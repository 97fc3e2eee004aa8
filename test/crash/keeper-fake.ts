/**
 * Stands in for a worker and its jobs: speaks the real link, writes real journals, does no call. What it does, it says
 * on standard output, one JSON object a line, so that a test can wait for it; a job is told to end by SIGUSR2.
 *
 *   keeper-fake.js worker SCENARIO        keeper-fake.js job SCENARIO SESSION HOW
 */
import { fork } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultPolicy, type Policy } from '../../machines/index.ts';
import type { HangUpPolicy, JobFacts } from '../../src/journal/entry.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { openJournal } from '../../src/journal/write.ts';
import { type SessionId, firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { connectLink } from '../../src/link/client.ts';
import type { Destination } from '../../src/link/destination.ts';
import type { LiveKitAccess } from '../../src/link/messages.ts';
import { jobToken, takeWorkerToken } from '../../src/link/secret.ts';
import { surviveLostOutput } from '../../src/output/own-output.ts';

/** `absent`: offered, accepted, and never seen. `deaf`: does not end when told to. `closed-unheard`: closes
 * its journal and dies before it has met the keeper; `dies-closed`: the same, when it is told to end. `unreleased`:
 * closes by itself, and LiveKit did not confirm its hang-up. */
export type How =
  | 'talks'
  | 'absent'
  | 'deaf'
  | 'closed-unheard'
  | 'unreleased'
  | 'dies-closed'
  | 'saying-goodbye'
  | 'foreign'
  | 'stale';
export type Scenario = {
  directory: string;
  reports: string;
  /** Also to this URL. */
  webhook?: string;
  alerts?: Destination[];
  /** Of every job. */
  metadata?: string;
  livekit: LiveKitAccess | null;
  policy: Partial<Policy>;
  jobs: { session: SessionId; how: How }[];
  worker?: 'throws-on-import' | 'exits-quietly' | 'done';
  /** Only the first worker of a directory throws, offers jobs, …: the next ones find this file. */
  once: string;
};
export type FakeEvent = {
  fake: 'worker' | 'job';
  what:
    | 'started'
    | 'ready'
    | 'recorded'
    | 'declined'
    | 'opened'
    | 'welcomed'
    | 'told'
    | 'sealed'
    | 'unsealed'
    | 'signal';
  pid: number;
  session?: string;
  detail?: string | number;
};

surviveLostOutput();
const [role, text, ofJob, how] = process.argv.slice(2);
const scenario = JSON.parse(text ?? '{}') as Scenario;
const policy: Policy = { ...defaultPolicy, ...scenario.policy };
const hangUp: HangUpPolicy = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' };
const path = process.env['LASTWORD_SOCKET'] ?? '';
const say = (event: Omit<FakeEvent, 'pid' | 'fake'>) =>
  process.stdout.write(`${JSON.stringify({ fake: role, pid: process.pid, ...event })}\n`);
const factsOf = (session: SessionId): JobFacts => ({
  ...firstJob(session),
  agentName: 'ada',
  room: { name: `room-${session}`, sid: `RM_room-${session}` },
  metadata: scenario.metadata ?? '',
});

if (role === 'worker') worker();
else await job(sessionIdOf(ofJob ?? ''), how as How);

function worker() {
  say({ what: 'started' });
  if (scenario.worker === 'throws-on-import') throw new Error('planted: the agent file throws');
  if (scenario.worker === 'exits-quietly') process.exit(0);
  const running = new Set<number>();
  let isDraining = false;
  const leaveIfDone = () => {
    if (isDraining && running.size === 0) process.exit(143);
  };
  const start = ({ session, how }: Scenario['jobs'][number]) => {
    if (how === 'absent') return;
    const child = fork(fileURLToPath(import.meta.url), ['job', text ?? '', session, how], { stdio: 'inherit' });
    running.add(child.pid ?? 0);
    child.once('exit', () => {
      running.delete(child.pid ?? 0);
      leaveIfDone();
    });
  };
  process.on('SIGTERM', () => {
    say({ what: 'signal', detail: isDraining ? 2 : 1 });
    if (isDraining) process.exit(1); // as the SDK does: at once
    isDraining = true;
    leaveIfDone();
  });
  const token = takeWorkerToken() ?? '';
  const isFirst = !existsSync(scenario.once);
  writeFileSync(scenario.once, '');
  const link = connectLink({
    path,
    hello: () => [
      {
        type: 'hello.worker',
        pid: process.pid,
        agentFile: 'keeper-fake.js',
        agentName: 'ada',
        livekit: scenario.livekit,
        reports: [
          { kind: 'file', name: 'reports', directory: scenario.reports },
          ...(scenario.webhook === undefined
            ? []
            : [
                {
                  kind: 'webhook' as const,
                  name: 'web',
                  url: scenario.webhook,
                  secrets: [],
                  headers: {},
                  allowPrivate: true,
                },
              ]),
        ],
        alerts: scenario.alerts ?? [],
        policy,
        hangUp,
        token,
      },
      { type: 'worker.ready' },
    ],
    onMessage: () => undefined,
    onWelcome: () => say({ what: 'welcomed' }),
  });
  void (async () => {
    for (const one of isFirst ? scenario.jobs : []) {
      const isRecorded = await link.offer(factsOf(one.session), 5_000);
      say({ what: isRecorded ? 'recorded' : 'declined', session: one.session });
      if (isRecorded) start(one);
    }
    say({ what: 'ready' });
    if (scenario.worker === 'done') process.exit(0);
  })();
  setInterval(() => undefined, 60_000);
}

async function job(session: SessionId, how: How) {
  const owner = await thisProcess();
  const identity = `agent-${session}`;
  const journal = await openJournal({
    directory: scenario.directory,
    session,
    file: 1,
    first: {
      kind: 'session.opened',
      data: {
        ...factsOf(session),
        // In another container the pid means nothing.
        owner: how === 'foreign' ? { ...owner, pidNamespace: '1' } : owner,
        identity,
        policy,
        policyHash: 'policy',
        machineHash: 'machine',
        hangUp,
        versions: {},
      },
    },
  });
  journal.append('item', {
    id: 'item-1',
    role: 'assistant',
    text: 'Hello.',
    interrupted: false,
    createdAt: Date.now(),
  });
  await journal.durable();
  const close = async () => {
    if (how === 'unreleased') {
      journal.append('effect', { machine: 'session', id: 'hangUp#1', name: 'hangUp', phase: 'requested' });
      journal.append('hangup', { strategy: 'delete-room', attempts: 3, verified: false, ms: 3_000, error: '503' });
    }
    const reason = how === 'stale' ? 'stale_dispatch' : 'caller_hung_up';
    const end = { by: 'caller', reason, fault: 'none' } as const;
    journal.append('session.closed', { end, alsoTriggered: [], stage: 'conversing' });
    await journal.close();
  };
  if (how === 'closed-unheard') {
    await close();
    process.kill(process.pid, 'SIGKILL');
  }
  if (how === 'saying-goodbye') {
    journal.append('event', { type: 'session.end', end: { by: 'agent', reason: 'agent_ended', fault: 'none' } });
    journal.append('transition', { machine: 'session', from: ['live.conversing'], to: ['exiting.saying'], event: 'x' });
    await journal.durable();
  }
  let isEnding = false;
  const end = async () => {
    if (isEnding) return;
    isEnding = true;
    await close();
    if (how === 'dies-closed') process.kill(process.pid, 'SIGKILL');
    if (how === 'stale') {
      link.send({ type: 'job.withdrawn', job: firstJob(session).job, why: 'the room was gone' });
      link.close();
      await new Promise((resolve) => setTimeout(resolve, 50)); // the socket empties itself
      process.exit(0);
    }
    link.send({ type: 'job.closed', session, epoch: 1, lastSeq: journal.lastSeq });
    say({ what: (await link.awaitSealed(session, 20_000)) ? 'sealed' : 'unsealed', session });
    process.exit(0);
  };
  const link = connectLink({
    path,
    hello: () => [
      { type: 'hello.job', ...firstJob(session), owner, identity, token: jobToken(scenario.directory, session) ?? '' },
    ],
    onWelcome: () => say({ what: 'welcomed', session }),
    onMessage: (message) => {
      if (message.type === 'shutdown') say({ what: 'told', session, detail: message.reason });
      if (message.type === 'yield') process.exit(0);
      if (message.type === 'shutdown' && how !== 'deaf') void end();
    },
  });
  process.on('SIGUSR2', () => void end());
  setInterval(() => link.send({ type: 'beat', session }), policy.beatMs);
  say({ what: 'opened', session });
}
