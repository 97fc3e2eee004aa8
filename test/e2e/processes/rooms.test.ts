/** Rooms that must be gone, and rooms that must stay. */
import { existsSync } from 'node:fs';
import { expect, inject, test } from 'vitest';
import { listSessions, readSession } from '../../../src/journal/read.ts';
import { type Deployment, deploy, HEARD_WHOLE, roomsOf, startCaller, until } from '../harness/index.ts';
import { expectNoRoom, GOODBYE, hears, GREETING, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
const CALLS = 6;
/** A room that comes back does so 0.2 s after its deletion, as measured with the bare SDK. */
const RETURN_MS = 2000;

/** Sessions that a job opened, by room. */
async function opened(deployment: Deployment): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const session of await listSessions(deployment.directory)) {
    const [first] = (await readSession(deployment.directory, session)).epochs[0]?.entries ?? [];
    if (first?.kind === 'session.opened') found.set(first.data.room.name, (found.get(first.data.room.name) ?? 0) + 1);
  }
  return found;
}

test(
  'T52 six calls ended one after the other: no room comes back, and no job for a room that is gone',
  { timeout: 240_000 },
  async () => {
    await using deployment = await deploy(server, {
      greeting: { say: 'Hello.' },
      goodbye: { say: 'Goodbye.' },
      policy: patient,
      idleProcesses: 2,
      calls: CALLS,
    });
    const names: string[] = [];
    for (let call = 0; call < CALLS; call += 1) {
      await deployment.warm(1, PATIENCE_MS);
      const {
        name,
        lab,
        caller: made,
      } = await deployment.call({
        endWhileSpeaking: { speech: 1, afterMs: 100, drain: true },
      });
      await using caller = made;
      names.push(name);
      await hears({ name, lab, caller }, 'Hello.', 0.5); // eight pieces of code: one lost is much
      expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
      // LiveKit lets the caller go first, and takes the room from its list after that.
      await until('no room', async () => !(await roomsOf(server).names()).some((there) => names.includes(there)), 2000);
    }
    for (const name of names) {
      const { report } = await deployment.reportOf(name, PATIENCE_MS);
      expect(report.end).toMatchObject({ by: 'agent', reason: 'planted_end' });
      expect(report.hangUp).toMatchObject({ outcome: 'verified' });
    }
    for (const end = Date.now() + RETURN_MS; Date.now() < end;) await expectNoRoom(server, ...names);
    expect(await opened(deployment)).toEqual(new Map(names.map((name) => [name, 1])));
    expect(deployment.delivered).toHaveLength(CALLS);
  },
);

test('C5 a SIP caller with remove-sip: the caller alone is removed, another participant stays in the room', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    calls: 1,
    policy: patient,
    hangUp: { normal: 'remove-sip', failure: 'delete-room', transfer: 'leave' },
  });
  await deployment.warm(1, PATIENCE_MS);
  const { name, lab } = await deployment.room();
  await using caller = await startCaller({
    server,
    room: name,
    kind: 'sip',
    attributes: { 'sip.callStatus': 'active', 'sip.phoneNumber': '+15550100' },
  });
  await hears({ name, lab, caller }, GREETING);
  await using witness = await startCaller({ server, room: name, identity: 'witness', microphone: 'none' });
  await caller.say(lab, 'Goodbye.');
  const { reason } = await caller.disconnected(PATIENCE_MS);
  expect(reason).toBe('PARTICIPANT_REMOVED');
  expect(caller.line(lab, GOODBYE)[0]?.share).toBeGreaterThan(HEARD_WHOLE);

  const { report } = await deployment.reportOf(name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.hangUp).toMatchObject({ by: 'session', strategy: 'remove-sip', outcome: 'verified' });
  expect(report.participants.find(({ isCaller }) => isCaller)).toMatchObject({ kind: 'sip' });
  await until(
    'the agent to have left',
    async () => (await roomsOf(server).identities(name)).join() === 'witness',
    PATIENCE_MS,
  );
  for (const end = Date.now() + RETURN_MS; Date.now() < end;)
    expect(await roomsOf(server).identities(name)).toEqual(['witness']); // and nobody is sent again
  expect(witness.find('disconnected')).toBeUndefined();
  expect(await opened(deployment)).toEqual(new Map([[name, 1]]));
  await roomsOf(server).delete(name);
});

test('T38 a job that wakes up when its session is sealed leaves without a word, and hangs up on nobody', async () => {
  await using deployment = await deploy(server, {
    calls: 1,
    hangUp: { normal: 'delete-room', failure: 'remove-sip', transfer: 'leave' },
    policy: { ...patient, startMs: 1000 },
  });
  await deployment.warm(1, PATIENCE_MS);
  const asleep = Number(/warm: (\d+)/.exec(await deployment.log())?.[1]);
  process.kill(asleep, 'SIGSTOP'); // the one process that can take the job
  const { name, lab } = await deployment.room();
  await using witness = await startCaller({ server, room: name, identity: 'witness', microphone: 'none' });
  const { report } = await deployment.reportOf(name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'system', reason: 'startup_failed' });
  process.kill(asleep, 'SIGCONT');
  await until('the job to wake up', async () => (await opened(deployment)).has(name), PATIENCE_MS);
  await until(
    'the job to be gone',
    async () =>
      (await deployment.log()).includes('leaving without a word') &&
      !existsSync(`/proc/${await deployment.jobPid(name)}`),
    PATIENCE_MS,
  );
  expect(await roomsOf(server).identities(name)).toEqual(['witness']);
  expect(witness.sounds()).toEqual([]);
  expect(lab.log).toEqual([]);
  await roomsOf(server).delete(name);
});
