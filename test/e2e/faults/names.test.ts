/** Rooms and callers with names that are legal and hostile: whatever a name says, it is a name. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deploy, type Deployment, roomsOf, startCaller } from '../harness/index.ts';
import {
  asks,
  endedWell,
  expectNoRoom,
  GOODBYE,
  type Greeted,
  GREETING,
  hears,
  parted,
  PATIENCE_MS,
  partsWith,
  patient,
} from '../processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
/** What LiveKit's server takes by default, of a room's name and of an identity. */
const LONGEST_BYTES = 256;
const PRINTABLE = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCodePoint(0x20 + index)).join('');
const OTHERS = [
  '😀👩‍👩‍👧‍👦', // a family: four people and three joiners
  'e\u0301', // two letters that look like one
  '\u202Eright to left\u202C\u200F',
  '../../etc/passwd',
  '%2e%2e%2f%00',
  '</script>${name}"\'`',
];

/** Pure. Everything of the above, and as long as it may be. */
const hostile = (name: string): string => {
  const all = `${name}${PRINTABLE}${OTHERS.join('')}`;
  return all + '"'.repeat(LONGEST_BYTES - Buffer.byteLength(all));
};

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, {
    calls: 2,
    goodbye: { say: GOODBYE },
    policy: patient,
    hangUp: { failure: 'remove-caller' },
  });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

async function greetedAs(identity: string, name: string): Promise<Greeted> {
  await deployment.warm(1, PATIENCE_MS);
  const { lab } = await deployment.room({}, { name });
  const call = { name, lab, caller: await startCaller({ server, room: name, identity }) };
  await hears(call, GREETING, 0.5);
  return call;
}

test('C3 A13 a room and a caller whose names are hostile and as long as LiveKit takes: answered, let go, and reported as they are', async () => {
  const [name, identity] = [hostile('room'), hostile('caller')];
  await expect(rooms.create(`${name}!`)).rejects.toThrow(/max length/i); // so this is the limit
  const call = await greetedAs(identity, name);
  await using caller = call.caller;
  expect(await rooms.names()).toContain(name); // the server has it as it was given
  expect(await rooms.identities(name)).toContain(identity);
  await asks(call);
  await partsWith(call);
  expect(caller.find('disconnected')?.reason).toBe('ROOM_DELETED');
  const report = await endedWell(server, deployment, name, parted);
  expect(report.room?.name).toBe(name);
  expect(report.participants).toMatchObject([{ identity, isCaller: true }]);
  await expectNoRoom(server, name);
});

test('C3 A13 the process of such a call is killed: its caller, and nobody else, is found by name and removed', async () => {
  const [name, identity] = [hostile('killed'), hostile('killed caller')];
  const call = await greetedAs(identity, name);
  await using caller = call.caller;
  const nearly = `${identity.slice(0, -1)}'`;
  await using witness = await startCaller({ server, room: name, identity: nearly, microphone: 'none' });
  const [agent = ''] = (await rooms.identities(name)).filter((one) => ![identity, nearly].includes(one));
  process.kill(await deployment.jobPid(name), 'SIGKILL');
  expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('PARTICIPANT_REMOVED');
  const report = await endedWell(server, deployment, name, {
    reason: 'process_crashed',
    by: 'system',
    stage: 'conversing',
    fault: 'application',
    goodbye: null,
    status: 'recovered',
    strategy: 'remove-caller',
    left: [agent, nearly],
  });
  expect(report.room?.name).toBe(name);
  expect(report.participants.filter(({ isCaller }) => isCaller).map((one) => one.identity)).toEqual([identity]);
  expect(await rooms.identities(name)).toContain(nearly);
  expect(witness.find('disconnected')).toBeUndefined();
  await rooms.delete(name);
});
