/** One job process of the terminal's host: the SDK's own, forked as the SDK forks it, warm before it gets its call. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { JobFacts } from '../journal/entry.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { Begin } from './channel.ts';

/** The SDK's own pace; a job that hears nothing for 15 s ends. */
const PING_MS = 2_500;
/** Import of the agent file and prewarm: 2 s on a laptop, far more on a busy machine. */
const WARM_MS = 40_000;

export type HostJob = {
  /** Resolves when it can take a call. Rejects when it is late, or ended before; it is gone then. */
  readonly warm: Promise<void>;
  readonly isWarm: boolean;
  readonly gone: Promise<void>;
  start(facts: JobFacts): void;
  kill(): void;
};

/** *Effect.* */
export function startHostJob(begin: Begin): HostJob {
  const { agentFile, logFile } = begin;
  const child = forked(begin);
  let isWarm = false;
  const say = (message: object) => void (child.connected && child.send(message, () => {}));
  const exited = once(child, 'exit');
  const pings = setInterval(() => say({ case: 'pingRequest', value: { timestamp: Date.now() } }), PING_MS);
  const gone = exited.then(() => clearInterval(pings));
  const initialized = new Promise<'warm'>((resolve) => {
    child.on('message', (message: { case?: string }) => {
      if (message.case === 'initializeResponse') resolve('warm');
    });
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
  const warmUp = async (): Promise<void> => {
    const outcome = await settledWithin(Promise.race([initialized, exited]), WARM_MS);
    if (outcome.kind !== 'settled') {
      child.kill('SIGKILL');
      throw new Error(`the job process was not ready within ${WARM_MS} ms; see ${logFile}`);
    }
    if (outcome.value !== 'warm')
      throw new Error(`the job process ended before it was ready; ${agentFile} or its prewarm failed, see ${logFile}`);
    isWarm = true;
  };
  const warm = warmUp();
  warm.catch(() => {}); // whoever wants the process is told
  return {
    warm,
    gone,
    get isWarm() {
      return isWarm;
    },
    start: (facts) => say({ case: 'startJobRequest', value: { runningJob: runningJob(facts) } }),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** As the SDK forks it, but for the output: the screen belongs to somebody else, so it goes to a file. */
function forked({ agentFile, environment, logFile }: Begin): ChildProcess {
  const main = fileURLToPath(import.meta.resolve('@livekit/agents')).replace(
    /index\.c?js$/,
    'ipc/job_proc_lazy_main.js',
  );
  const log = openSync(logFile, 'a', 0o600);
  try {
    return fork(main, [agentFile], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}

/** A job as the SDK's own console makes one: no server, no token. */
const runningJob = ({ job, agentName, metadata, room, dispatch = '' }: JobFacts) => ({
  acceptArguments: { name: '', identity: `agent-${job}`, metadata: '' },
  job: { id: job, agentName, metadata, room, dispatchId: dispatch, attributes: {}, enableRecording: false },
  url: '',
  token: '',
  workerId: 'terminal',
  fakeJob: true,
});
