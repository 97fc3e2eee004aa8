/** Stands in for a worker with one job: says what they say, and ends with SIGTERM, or when its keeper is gone. Built into dist. */
import { defaultPolicy } from '../../machines/index.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { connectLink } from '../../src/link/client.ts';
import { jobToken, takeWorkerToken } from '../../src/link/secret.ts';

const path = process.env['LASTWORD_SOCKET'] ?? '';
const token = takeWorkerToken() ?? '';
const worker = connectLink({
  path,
  hello: () => [
    {
      type: 'hello.worker',
      pid: process.pid,
      agentFile: 'agent.js',
      agentName: 'desk',
      livekit: null,
      reports: [],
      alerts: [],
      policy: defaultPolicy,
      hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
      token,
    },
    { type: 'worker.ready' },
  ],
  onMessage: () => undefined,
  lonely: { afterMs: 5_000, call: () => process.exit(0) }, // a test that failed leaves nobody behind
});
const session = sessionIdOf('AJ_1');
const facts = { ...firstJob(jobIdOf('AJ_1')), agentName: 'desk', room: { name: 'room', sid: 'RM_1' }, metadata: '' };
const owner = await thisProcess();
await worker.offer(facts, 5_000);
const secret = jobToken(process.env['LASTWORD_DIR'] ?? '', session) ?? '';
const job = connectLink({
  path,
  hello: () => [{ type: 'hello.job', ...firstJob(session), owner, identity: 'agent', token: secret }],
  onMessage: () => undefined,
});
setInterval(() => job.send({ type: 'beat', session, silentMs: 4_000, spoken: { filler: 2, nudge: 1 } }), 100);
process.once('SIGTERM', () => process.exit(0));
