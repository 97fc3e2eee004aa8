import { describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { openAdmission, type PeerAdmission } from '../../src/link/admission.ts';
import type { JobHello, ToKeeper, WorkerHello } from '../../src/link/messages.ts';
import { tokenOf } from '../../src/link/secret.ts';
import { type SessionId, firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';

const secret = 'a'.repeat(64);
const owner = { host: 'here', bootId: 'boot', pidNamespace: '1', pid: 4242, startTicks: '99' };
const ofJob = (session: SessionId, token = tokenOf(secret, 'job', session)): JobHello => ({
  type: 'hello.job',
  ...firstJob(session),
  owner,
  identity: 'agent',
  token,
});
const ofWorker = (pid = 7, token = tokenOf(secret, 'worker')): WorkerHello => ({
  type: 'hello.worker',
  pid,
  agentFile: 'agent.js',
  agentName: 'ada',
  livekit: null,
  reports: [],
  alerts: [],
  policy: defaultPolicy,
  hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
  token,
});
const facts = { ...firstJob(jobIdOf('AJ_1')), agentName: 'ada', room: { name: 'room', sid: 'RM_1' }, metadata: '' };
const closed = (session: SessionId): ToKeeper => ({ type: 'job.closed', session, epoch: 1, lastSeq: 1 });
const ofOthers: ToKeeper[] = [
  { type: 'beat', session: sessionIdOf('AJ_2') },
  closed(sessionIdOf('AJ_2')),
  { type: 'alert', session: sessionIdOf('AJ_2'), message: 'm', detail: '' },
  { type: 'job.withdrawn', job: jobIdOf('AJ_2'), why: 'w' },
  ofJob(sessionIdOf('AJ_2')),
];
const ofItself: ToKeeper[] = [
  { type: 'beat', session: sessionIdOf('AJ_1') },
  closed(sessionIdOf('AJ_1')),
  { type: 'alert', session: sessionIdOf('AJ_1'), message: 'm', detail: '' },
  { type: 'job.withdrawn', job: jobIdOf('AJ_1'), why: 'w' },
  ofJob(sessionIdOf('AJ_1')),
];
const ofTheWorker: ToKeeper[] = [
  { type: 'worker.ready' },
  { type: 'worker.draining' },
  { type: 'job.offered', request: 1, facts },
  { type: 'job.launched', job: jobIdOf('AJ_1') },
  { type: 'job.unstarted', job: jobIdOf('AJ_1'), why: 'w' },
];
const withdrawn: ToKeeper = { type: 'job.withdrawn', job: jobIdOf('AJ_1'), why: 'w' };

const admitted = (hello: ToKeeper, admission = openAdmission(secret)): PeerAdmission => {
  const peer = admission.peer();
  expect(peer.refusal(hello)).toBeUndefined();
  return peer;
};
const oneLine = /^expected .+, got .+; .+$/;

describe('a peer', () => {
  test.each([...ofItself.slice(0, 4), ...ofTheWorker])('is refused $type before its hello', (message) => {
    expect(openAdmission(secret).peer().refusal(message)).toMatch(oneLine);
  });
  test.each([
    ['a job without a token', { ...ofJob(sessionIdOf('AJ_1')), token: undefined }],
    ['a job with the token of another session', ofJob(sessionIdOf('AJ_1'), tokenOf(secret, 'job', 'AJ_2'))],
    ['a job with the token of the worker', ofJob(sessionIdOf('AJ_1'), tokenOf(secret, 'worker'))],
    ['a job with a token of another directory', ofJob(sessionIdOf('AJ_1'), tokenOf('b'.repeat(64), 'job', 'AJ_1'))],
    ['a job with a token of other characters', ofJob(sessionIdOf('AJ_1'), 'é'.repeat(32))],
    ['a worker without a token', { ...ofWorker(), token: undefined }],
    ['a worker with the token of a job', ofWorker(7, tokenOf(secret, 'job', 'AJ_1'))],
    ['a worker with the token of a job without a name', ofWorker(7, tokenOf(secret, 'job', ''))],
  ])('is refused as %s, in one line that keeps the token to itself', (_what, hello) => {
    const why = openAdmission(secret)
      .peer()
      .refusal(hello as ToKeeper);
    expect(why).toMatch(oneLine);
    expect(why).not.toMatch(/[0-9a-f]{16}/);
  });
  test('keeps the role of its first hello', () => {
    expect(admitted(ofJob(sessionIdOf('AJ_1'))).refusal(ofWorker())).toMatch(/job AJ_1.*worker/);
    expect(admitted(ofWorker()).refusal(ofJob(sessionIdOf('AJ_1')))).toMatch(/worker 7.*job AJ_1/);
  });
});

describe('a job', () => {
  test.each(ofItself)('says $type of itself', (message) => {
    expect(admitted(ofJob(sessionIdOf('AJ_1'))).refusal(message)).toBeUndefined();
  });
  test.each(ofOthers)('is refused $type of another one', (message) => {
    expect(admitted(ofJob(sessionIdOf('AJ_1'))).refusal(message)).toMatch(/AJ_1.*AJ_2/);
  });
  test.each(ofTheWorker)('is refused $type, which is the word of a worker', (message) => {
    expect(admitted(ofJob(sessionIdOf('AJ_1'))).refusal(message)).toMatch(oneLine);
  });
});

describe('a job that took a session over', () => {
  const successor: JobHello = { ...ofJob(sessionIdOf('AJ_1')), epoch: 2, job: jobIdOf('AJ_2') };
  test('speaks for the session, and withdraws itself and nobody before it', () => {
    const peer = admitted(successor);
    expect(peer.refusal({ type: 'beat', session: sessionIdOf('AJ_1') })).toBeUndefined();
    expect(peer.refusal({ type: 'job.withdrawn', job: jobIdOf('AJ_2'), why: 'w' })).toBeUndefined();
    expect(peer.refusal(withdrawn)).toMatch(/AJ_2.*AJ_1/);
  });
  test('is not the job before it, on one connection', () => {
    expect(admitted(ofJob(sessionIdOf('AJ_1'))).refusal(successor)).toMatch(oneLine);
  });
});

describe('a worker', () => {
  test.each([...ofTheWorker, withdrawn])('says $type', (message) => {
    expect(admitted(ofWorker()).refusal(message)).toBeUndefined();
  });
  test.each(ofItself.slice(0, 2))('is refused $type, which is the word of a job', (message) => {
    expect(admitted(ofWorker()).refusal(message)).toMatch(oneLine);
  });
  test('is alone: a second one is refused while the first is connected, and taken when it is gone', () => {
    const admission = openAdmission(secret);
    const first = admitted(ofWorker(7), admission);
    const second = admission.peer();
    expect(second.refusal(ofWorker(8))).toMatch(/one worker.*pid 8.*pid 7/);
    first.gone();
    expect(admission.peer().refusal(ofWorker(8))).toBeUndefined();
  });
  test('comes back over another connection before its first one is known to be lost', () => {
    const admission = openAdmission(secret);
    const lost = admitted(ofWorker(7), admission);
    const again = admitted(ofWorker(7), admission);
    lost.gone();
    expect(admission.peer().refusal(ofWorker(8))).toMatch(oneLine);
    again.gone();
    expect(admission.peer().refusal(ofWorker(8))).toBeUndefined();
  });
});
