/**
 * How the caller is let go is the application's choice: of the caller alone, or by leaving them where they are. Somebody
 * else is in the room every time, and stays.
 */
import { expect, inject, test } from 'vitest';
import { receptionist } from '../../../src/testing/index.ts';
import type { WellEnded } from '../../contract/ended-well.ts';
import { type Caller, deploy, type Deployment, roomsOf, startCaller, until } from '../harness/index.ts';
import type { DeploymentWish } from '../harness/wishes.ts';
import { endedWell, GOODBYE, type Greeted, greeted, parted, PATIENCE_MS, patient } from '../processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
/** Several calls one after the other. */
const LONG = { timeout: 180_000 };
const REMOVED = 'PARTICIPANT_REMOVED';
const thrown = {
  reason: 'process_crashed',
  by: 'system',
  stage: 'conversing',
  fault: 'application',
  detail: 'uncaught: planted: out of a timer',
  goodbye: 'skipped',
  apology: 'live',
} as const satisfies WellEnded;
const killed = {
  reason: 'process_crashed',
  by: 'system',
  stage: 'conversing',
  fault: 'application',
  goodbye: null,
  status: 'recovered',
} as const satisfies WellEnded;

const deployed = (calls: number, hangUp: NonNullable<DeploymentWish['hangUp']>): Promise<Deployment> =>
  deploy(server, { goodbye: { say: GOODBYE }, policy: patient, hangUp, calls });

/** A call that somebody else has joined, and the name of its agent. */
async function witnessed(deployment: Deployment): Promise<Greeted & { witness: Caller; agent: string }> {
  const call = await greeted(deployment);
  const witness = await startCaller({ server, room: call.name, identity: 'witness', microphone: 'none' });
  const agent = (await rooms.identities(call.name)).find((identity) => !['caller', 'witness'].includes(identity));
  return { ...call, witness, agent: agent ?? '' };
}

/** The server is asked, and whoever stays has been told of no end. */
async function expectLeft(room: string, ...those: Caller[]): Promise<void> {
  const names = those.map(({ identity }) => identity).toSorted();
  const there = async () => (await rooms.identities(room)).toSorted();
  await until(
    `nobody but ${names.join(' and ')} in the room`,
    async () => (await there()).join() === names.join(),
    PATIENCE_MS,
    async () => (await there()).join(),
  );
  for (const one of those) expect(one.find('disconnected'), one.identity).toBeUndefined();
  await rooms.delete(room);
}

const breaks = async ({ caller, lab }: Greeted): Promise<void> => {
  lab.play({
    rules: [{ when: { user: 'break' }, answer: { tools: [{ name: 'throw_later' }] } }, ...receptionist.rules],
  });
  await caller.say(lab, 'Please break.');
};

test(
  'C3 C5 with remove-caller the caller alone is let go, after a goodbye, after an apology, and when the process is killed',
  LONG,
  async () => {
    await using deployment = await deployed(3, { normal: 'remove-caller', failure: 'remove-caller' });
    const ways: readonly [wanted: WellEnded, end: (call: Greeted) => Promise<unknown>][] = [
      [parted, ({ caller, lab }) => caller.say(lab, 'Goodbye.')],
      [thrown, breaks],
      [killed, async ({ name }) => process.kill(await deployment.jobPid(name), 'SIGKILL')],
    ];
    for (const [wanted, end] of ways) {
      const call = await witnessed(deployment);
      await using caller = call.caller;
      await using witness = call.witness;
      await end(call);
      expect((await caller.disconnected(PATIENCE_MS)).reason).toBe(REMOVED);
      const left = [call.agent, 'witness']; // the agent leaves when all is told
      await endedWell(server, deployment, call.name, { ...wanted, strategy: 'remove-caller', left });
      expect(caller.line(call.lab, GOODBYE)).toHaveLength(wanted === parted ? 1 : 0);
      if (wanted !== killed) await expectLeft(call.name, witness);
    }
  },
);

test(
  'C3 C5 with leave for failures the caller hears the apology and stays with whoever is there, also when the process is killed',
  LONG,
  async () => {
    await using deployment = await deployed(2, { failure: 'leave' });
    const ways: readonly [wanted: WellEnded, end: (call: Greeted) => Promise<unknown>][] = [
      [thrown, breaks],
      [killed, async ({ name }) => process.kill(await deployment.jobPid(name), 'SIGKILL')],
    ];
    for (const [wanted, end] of ways) {
      const call = await witnessed(deployment);
      await using caller = call.caller;
      await using witness = call.witness;
      await end(call);
      const gone = () => caller.find('participant.left')?.identity === call.agent;
      await caller.until('the agent to be gone', gone, PATIENCE_MS);
      await endedWell(server, deployment, call.name, { ...wanted, strategy: 'leave', left: ['caller', 'witness'] });
      await expectLeft(call.name, caller, witness);
    }
  },
);
