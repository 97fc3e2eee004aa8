/**
 * The terminal's host: a worker's stand-in below the keeper. One call, no LiveKit: it says hello, offers the job, and
 * forks the SDK's own job process, so that everything from the job downwards is what a deployed call has.
 *
 *   H1  The job process is warm before the job is offered: the keeper's clock for an unopened journal starts there.
 *   H2  It ends with its job, and its job ends with it. A terminal that is gone is a caller who is gone.
 *   H3  Nothing is printed: the screen belongs to somebody else. What the job prints goes to a file.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultPolicy } from '../../machines/index.ts';
import type { JobFacts } from '../journal/entry.ts';
import { firstJob } from '../journal/ids.ts';
import { connectLink, type Link } from '../link/client.ts';
import { takeWorkerToken } from '../link/secret.ts';
import { messageOf } from '../errors/thrown.ts';
import type { TerminalSound } from '../livekit/terminal/sound.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { type Begin, CHANNEL, joinChannel, type HostChannel } from './channel.ts';

/** The SDK's own pace; a job that hears nothing for 15 s ends. */
const PING_MS = 2_500;
const BEGIN_MS = 5_000;
/** Import of the agent file and prewarm: 2 s on a laptop, far more on a busy machine. */
const WARM_MS = 40_000;
const OFFER_MS = 5_000;
/** For a last word, when the terminal itself is gone and nobody will read it. */
const ABANDONED_MS = 10_000;

const { env } = process;

async function main(): Promise<void> {
  const path = env[CHANNEL];
  const socket = env['LASTWORD_SOCKET'];
  if (path === undefined || socket === undefined)
    throw new Error(`${CHANNEL}: expected a socket, got nothing; this file is started by \`npm start\``);
  const channel = await joinChannel(path);
  const begun = await settledWithin(
    new Promise<Begin>((resolve) =>
      channel.onMessage((message) => {
        if (message.type === 'begin') resolve(message);
      }),
    ),
    BEGIN_MS,
  );
  if (begun.kind !== 'settled') throw new Error(`the terminal said nothing within ${BEGIN_MS} ms`);
  try {
    await host(begun.value, channel, socket);
  } catch (error) {
    channel.send({ type: 'failed', why: messageOf(error) });
    process.exitCode = 1;
  } finally {
    channel.close();
  }
}

async function host(begin: Begin, channel: HostChannel, socket: string): Promise<void> {
  const { session, agentFile } = begin;
  const { link, isWelcome } = connectAsWorker(begin, socket);
  const job = startJobProcess(begin);
  const exited = once(job, 'exit') as Promise<[number | null, string | null]>;
  let isStarted = false;

  const say = (message: object) => void (job.connected && job.send(message, () => {}));
  // H2. A signal before there is a call: nothing is worth waiting for. Later the keeper has told the job all it needs.
  process.on('SIGTERM', () => void (!isStarted && job.kill('SIGKILL')));
  channel.onMessage((message) => {
    if (message.type === 'kill') job.kill('SIGKILL');
    if (message.type === 'caller') say({ case: 'lastword.terminal', value: message.does });
  });
  channel.onGone(() => {
    say({ case: 'lastword.terminal', value: { type: 'hang-up' } });
    setTimeout(() => job.kill('SIGKILL'), isStarted ? ABANDONED_MS : 0);
  });

  say({
    case: 'initializeRequest',
    value: {
      loggerOptions: { pretty: false, level: 'info' },
      pingInterval: PING_MS,
      pingTimeout: 60_000,
      highPingThreshold: 500,
      sessionEndTimeout: 300_000,
    },
  });
  job.on('message', (message: Partial<TerminalSound>) => {
    if (message.case === 'lastword.heard' && message.value) channel.send({ type: 'heard', sound: message.value });
  });
  const warm = new Promise<void>((resolve) => {
    job.on('message', (message: { case?: string }) => void (message.case === 'initializeResponse' && resolve()));
  });
  const outcome = await settledWithin(Promise.race([warm.then(() => 'warm' as const), exited]), WARM_MS);
  if (outcome.kind !== 'settled') {
    job.kill('SIGKILL');
    throw new Error(`the job process was not ready within ${WARM_MS} ms; see ${begin.logFile}`);
  }
  if (outcome.value !== 'warm')
    throw new Error(
      `the job process ended before it was ready; ${agentFile} or its prewarm failed, see ${begin.logFile}`,
    );

  await settledWithin(isWelcome, OFFER_MS);
  const facts: JobFacts = { ...firstJob(session), agentName: '', room: { name: 'terminal', sid: '' }, metadata: '' };
  if (!(await link.offer(facts, OFFER_MS))) {
    job.kill('SIGKILL');
    throw new Error(`the keeper did not take the job down within ${OFFER_MS} ms; see ${begin.logFile}`);
  }
  link.send({ type: 'worker.ready' });
  isStarted = true;
  say({ case: 'startJobRequest', value: { runningJob: runningJob(facts) } });
  const pings = setInterval(() => say({ case: 'pingRequest', value: { timestamp: Date.now() } }), PING_MS);
  const [code, signal] = await exited;
  clearInterval(pings);
  channel.send({ type: 'over', code, signal });
  link.close();
}

function connectAsWorker({ agentFile, reports }: Begin, path: string): { link: Link; isWelcome: Promise<void> } {
  let welcome = () => {};
  const isWelcome = new Promise<void>((resolve) => (welcome = resolve));
  const token = takeWorkerToken();
  const link = connectLink({
    path,
    hello: () => [
      {
        type: 'hello.worker',
        pid: process.pid,
        agentFile,
        agentName: '',
        livekit: null,
        reports,
        alerts: [],
        policy: defaultPolicy,
        hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
        ...(token !== undefined && { token }),
      },
    ],
    onMessage: () => {}, // a shutdown is told to the job itself
    onWelcome: () => welcome(),
  });
  return { link, isWelcome };
}

/** As the SDK forks it, but for the output (H3). */
function startJobProcess({ agentFile, environment, logFile }: Begin): ChildProcess {
  const main = fileURLToPath(import.meta.resolve('@livekit/agents')).replace(
    /index\.c?js$/,
    'ipc/job_proc_lazy_main.js',
  );
  const log = openSync(logFile, 'a', 0o600);
  try {
    return fork(main, [agentFile], { env: { ...env, ...environment }, stdio: ['ignore', log, log, 'ipc'] });
  } finally {
    closeSync(log);
  }
}

/** A job as the SDK's own console makes one: no server, no token. */
const runningJob = (facts: JobFacts) => ({
  acceptArguments: { name: '', identity: `agent-${facts.job}`, metadata: '' },
  job: {
    id: facts.job,
    agentName: facts.agentName,
    metadata: facts.metadata,
    room: facts.room,
    attributes: {},
    enableRecording: false,
  },
  url: '',
  token: '',
  workerId: 'terminal',
  fakeJob: true,
});

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(`lastword: ${messageOf(error)}`);
    process.exit(1);
  },
);
