/** A job that is offered for a room which may have its agent already; LiveKit and the worker are stand-ins. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultPolicy, endOf } from '../../machines/index.ts';
import type { JobFacts } from '../../src/journal/entry.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { readSession } from '../../src/journal/read.ts';
import { type FirstEntry, openJournal } from '../../src/journal/write.ts';
import { type JobId, firstJob, jobIdOf } from '../../src/journal/ids.ts';
import { type Sessions, type SessionsOptions, trackSessions } from '../../src/keeper/sessions.ts';
import type { FromKeeper, WorkerHello } from '../../src/link/messages.ts';
import type { Peer } from '../../src/link/server.ts';
import type { Occupant, Rooms } from '../../src/rooms/rooms.ts';
import type { SessionRow } from '../../src/store/store.ts';
import { fold } from '../../src/report/fold.ts';
import { emptyStore } from './empty-store.ts';

/** Time for an answer that is not to come. */
const SILENT_MS = 500;
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const worker = { type: 'hello.worker', pid: 1, agentName: 'desk', policy: defaultPolicy, hangUp } as WorkerHello;
const factsOf = (job: JobId, sid: string): JobFacts => ({
  ...firstJob(job),
  agentName: 'desk',
  room: { name: 'support', sid },
  metadata: '',
});
let directory: string;
let sessions: Sessions;
let occupants: Occupant[] | Promise<Occupant[]>;
let requests = 0;
const keeper = (
  store: SessionsOptions['store'] = emptyStore,
  seal: SessionsOptions['seal'] = () => new Promise(() => {}),
) =>
  trackSessions({
    directory,
    store,
    rooms: async () => ({ occupants: async () => occupants, sidOf: async () => 'RM_1' }) as unknown as Rooms,
    isWorkerHere: () => true,
    apologize: () => undefined,
    seal,
    log: pino({ level: 'silent' }),
  });
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-offers-'));
  occupants = [];
  sessions = keeper();
});
afterEach(async () => {
  sessions.stop();
  await rm(directory, { recursive: true, force: true });
});

const peerOf = (tell: (message: FromKeeper) => void) => ({ send: tell }) as unknown as Peer;
/** Whether the keeper answers for this job, so that the worker accepts it. */
async function isTaken(facts: JobFacts, by: WorkerHello = worker): Promise<boolean> {
  const taken = new Promise<boolean>((resolve) => {
    const peer = peerOf(({ type }) => type === 'job.recorded' && resolve(true));
    void sessions.offered(peer, { type: 'job.offered', request: (requests += 1), facts }, by);
  });
  return Promise.race([taken, pause(SILENT_MS, false)]);
}
async function runs(facts: JobFacts): Promise<void> {
  const owner = await thisProcess();
  sessions.hello(
    peerOf(() => {}),
    { type: 'hello.job', ...firstJob(facts.job), owner, identity: `agent-${facts.job}` },
  );
}
/** As the store has it. */
const rowOf = ({ session, epoch, job, agentName, room }: JobFacts): SessionRow => ({
  session,
  epoch,
  job,
  agentName,
  room: room.name,
  roomSid: room.sid,
  acceptedAt: 1,
  state: 'open',
});
const agent = (job: string): Occupant => ({ identity: `agent-${job}`, sid: 'PA_1', kind: 'agent' });

test('D7 two jobs for one room in one instant: one of them is taken', async () => {
  const [first, second] = [factsOf(jobIdOf('AJ_1'), 'RM_1'), factsOf(jobIdOf('AJ_2'), 'RM_1')];
  expect(await Promise.all([isTaken(first), isTaken(second)])).toEqual([true, false]);
});

test('D7 a second job for a call that is running is declined, also when the room was made anew under it', async () => {
  const first = factsOf(jobIdOf('AJ_1'), 'RM_1');
  expect(await isTaken(first)).toBe(true);
  await runs(first);
  occupants = [agent('AJ_1')];
  expect(await isTaken(factsOf(jobIdOf('AJ_2'), 'RM_1'))).toBe(false);
  expect(await isTaken(factsOf(jobIdOf('AJ_3'), 'RM_2'))).toBe(false);
});

test('T13 an answer that died with its keeper is given by the next one, once, and not where the job runs already', async () => {
  const [lost, had] = [factsOf(jobIdOf('AJ_1'), 'RM_1'), { ...factsOf(jobIdOf('AJ_2'), 'RM_2') }];
  had.room = { name: 'sales', sid: 'RM_2' };
  const begun = { ...factsOf(jobIdOf('AJ_3'), 'RM_3'), room: { name: 'billing', sid: 'RM_3' } };
  expect([await isTaken(lost), await isTaken(had), await isTaken(lost)]).toEqual([true, true, false]);
  sessions.stop();
  // Its job has opened its journal, and has not found this keeper yet.
  const data = { ...begun, owner: await thisProcess(), identity: 'agent-AJ_3', policy: defaultPolicy, hangUp };
  const first = { kind: 'session.opened', data } as unknown as FirstEntry;
  await (await openJournal({ directory, session: begun.session, file: 1, first })).close();
  sessions = keeper({ ...emptyStore, unsealed: async () => [lost, had, begun].map(rowOf) });
  await sessions.adopt();
  expect(sessions.openCount).toBe(3);
  expect(await isTaken(begun)).toBe(false);
  await runs(had);
  expect([await isTaken(lost), await isTaken(lost), await isTaken(had)]).toEqual([true, false, false]);
});

test('T13 an offer waits for what the next keeper still reads: it begins no second session of the same call', async () => {
  const facts = factsOf(jobIdOf('AJ_1'), 'RM_1');
  await isTaken(facts);
  sessions.stop();
  let read: ((rows: SessionRow[]) => void) | undefined;
  const unsealed = () => new Promise<SessionRow[]>((resolve) => (read = resolve));
  sessions = keeper({ ...emptyStore, unsealed });
  const adopting = sessions.adopt();
  const second = isTaken(factsOf(jobIdOf('AJ_2'), 'RM_1'));
  read?.([rowOf(facts)]);
  await adopting;
  expect([await second, sessions.openCount]).toEqual([false, 1]);
});

test('D7 the next call in a room of the same name is taken, while the one before still closes', async () => {
  const first = factsOf(jobIdOf('AJ_1'), 'RM_1');
  expect(await isTaken(first)).toBe(true);
  await runs(first);
  expect(await isTaken(factsOf(jobIdOf('AJ_2'), 'RM_2'))).toBe(true);
});

test('D7 an agent that is called back to the room that it is leaving is taken', async () => {
  const first = factsOf(jobIdOf('AJ_1'), 'RM_1');
  expect(await isTaken(first)).toBe(true);
  await runs(first);
  const end = endOf('agent', 'transferred');
  const closed: FirstEntry = { kind: 'session.closed', data: { end, alsoTriggered: [], stage: 'conversing' } };
  const journal = await openJournal({ directory, session: first.session, file: 1, first: closed });
  await journal.close();
  expect(await isTaken(factsOf(jobIdOf('AJ_2'), 'RM_1'))).toBe(true);
});

test('T13 a job that is offered between a death and the call for the next one begins no second session', async () => {
  const first = factsOf(jobIdOf('AJ_1'), 'RM_1');
  expect(await isTaken(first)).toBe(true);
  let answer: (there: Occupant[]) => void = () => {};
  occupants = new Promise<Occupant[]>((resolve) => (answer = resolve)); // LiveKit takes its time to say who is there
  sessions.unstarted(first.job, 'it is gone');
  await pause(SILENT_MS);
  expect(await isTaken(factsOf(jobIdOf('AJ_2'), 'RM_1'))).toBe(false);
  expect(sessions.openCount).toBe(1);
  expect(await isTaken(factsOf(jobIdOf('AJ_3'), 'RM_2')), 'another call').toBe(true);
  answer([]);
});

test('D7 another agent of the same room is another call', async () => {
  expect(await isTaken(factsOf(jobIdOf('AJ_1'), 'RM_1'))).toBe(true);
  expect(await isTaken({ ...factsOf(jobIdOf('AJ_2'), 'RM_1'), agentName: 'interpreter' })).toBe(true);
});

test('T13 a job that LiveKit begins again after the seal is a new session, which names the one before', async () => {
  sessions.stop();
  sessions = keeper(emptyStore, async (session) => ({ report: `rep_${session}`, bytes: 1, isFirst: true }));
  const factsIn = (name: string, id: string, dispatch: string): JobFacts => ({
    ...factsOf(jobIdOf(id), `RM_${name}`),
    room: { name, sid: `RM_${name}` },
    dispatch,
  });
  const accepted = async ({ session }: JobFacts) => (await readSession(directory, session)).keeper[0]?.data;
  const over = async (facts: JobFacts, end: () => void) => {
    await isTaken(facts);
    end();
    for (let tries = 0; sessions.openCount > 0 && tries < 100; tries += 1) await pause(20);
  };
  const died = factsIn('support', 'AJ_1', 'AD_1');
  await over(died, () => sessions.unstarted(died.job, 'it is gone'));
  const declined = factsIn('sales', 'AJ_2', 'AD_2');
  await over(declined, () => sessions.withdrawn(declined.job, 'declined after all'));
  expect(sessions.openCount).toBe(0);

  const [again, other] = [factsIn('support', 'AJ_3', 'AD_1'), factsIn('sales', 'AJ_4', 'AD_2')];
  expect([await isTaken(again), await isTaken(other)]).toEqual([true, true]);
  expect(await accepted(again)).toMatchObject({ session: 'AJ_3', follows: 'AJ_1' });
  expect(await accepted(other), 'one that was never a session').not.toHaveProperty('follows');
  expect(fold(await readSession(directory, again.session))).toMatchObject({ session: 'AJ_3', follows: 'AJ_1' });

  // Where a job is for a participant, one dispatch has one for each of them.
  const publisher = { ...factsIn('billing', 'AJ_5', 'AD_1') };
  expect(await isTaken(publisher, { ...worker, waitsForTracks: true })).toBe(true);
  expect(await accepted(publisher)).not.toHaveProperty('follows');
});
