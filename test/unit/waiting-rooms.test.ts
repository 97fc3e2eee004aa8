/** Which rooms have a caller whom no worker took, and what it costs to know, against a stand-in of LiveKit's server API. */
import { expect, test } from 'vitest';
import { openRooms } from '../../src/rooms/server-api.ts';
import { openWaitingRooms } from '../../src/rooms/waiting-rooms.ts';
import { type Dispatch, type Participant, type StandIn, startStandIn } from './twirp-stand-in.ts';

const caller: Participant = { identity: 'caller', sid: 'PA_1', kind: 'STANDARD' };
const phone: Participant = { identity: 'phone', sid: 'PA_2', kind: 'SIP' };
const agent: Participant = { identity: 'agent', sid: 'PA_3', kind: 'AGENT' };
const recorder: Participant = { identity: 'recorder', sid: 'PA_4', kind: 'EGRESS' };
const ours: Dispatch = { id: 'AD_1', agentName: 'ada', metadata: '{"for":"Sam"}' };
const taken: Dispatch = { ...ours, state: { jobs: [{ id: 'AJ_1' }] } };

const soon = () => AbortSignal.timeout(10_000);
const open = ({ url }: StandIn) => {
  const access = { url, apiKey: 'key', apiSecret: 'secret-of-at-least-thirty-two-bytes' };
  const waiting = openWaitingRooms(access, openRooms(access, { attemptMs: 2_500 }));
  return {
    ...waiting,
    names: async (isServed: (room: string) => boolean = () => false) =>
      (await waiting.find('ada', isServed, soon())).map(({ room }) => room).sort(),
  };
};
const lay = (server: StandIn, room: string, participants: Participant[], ...dispatches: Dispatch[]) => {
  server.rooms.set(room, participants);
  server.dispatches.set(room, dispatches);
};

test('C6 a room with a caller and a dispatch of ours that no job took; no other one', async () => {
  await using server = await startStandIn();
  lay(server, 'waits', [caller], ours);
  lay(server, 'rings', [phone], ours);
  lay(server, 'taken', [caller], taken);
  lay(server, 'one of two taken', [caller], ours, { ...taken, id: 'AD_2' });
  lay(server, 'not called for', [caller]);
  lay(server, 'of others', [caller], { ...ours, agentName: 'ben' });
  lay(server, 'nobody there', [], ours);
  lay(server, 'an agent there', [caller, agent], ours);
  lay(server, 'only a recorder there', [recorder], ours);
  lay(server, 'served here', [caller], ours);
  const found = await open(server).find('ada', (room) => room === 'served here', soon());
  expect(found.toSorted((one, other) => (one.room < other.room ? -1 : 1))).toMatchObject([
    { room: 'rings', sid: 'RM_rings', alone: { identity: 'phone', sid: 'PA_2' } },
    { room: 'waits', sid: 'RM_waits', dispatches: [{ id: 'AD_1', metadata: '{"for":"Sam"}' }], alone: { sid: 'PA_1' } },
  ]);
});

test('C6 who has company is not alone; a recorder is none', async () => {
  await using server = await startStandIn();
  lay(server, 'recorded', [caller, recorder], ours);
  lay(server, 'two', [caller, phone], ours);
  const found = await open(server).find('ada', () => false, soon());
  expect(Object.fromEntries(found.map(({ room, alone }) => [room, alone?.identity]))).toEqual({
    recorded: 'caller',
    two: undefined,
  });
});

test('C6 dispatches come by their ids, so that all who delete them begin with the same one', async () => {
  await using server = await startStandIn();
  lay(server, 'waits', [caller], { ...ours, id: 'AD_3' }, { ...ours, id: 'AD_1' }, { ...ours, id: 'AD_2' });
  const [found] = await open(server).find('ada', () => false, soon());
  expect(found?.dispatches.map(({ id }) => id)).toEqual(['AD_1', 'AD_2', 'AD_3']);
});

test('C6 a room whose dispatch a worker took is never asked about again: a thousand calls of other hosts cost one request', async () => {
  await using server = await startStandIn();
  for (let at = 0; at < 1_000; at += 1) lay(server, `call-${at}`, [caller, agent], taken);
  const { names } = open(server);
  for (let look = 0; look < 20; look += 1) await names();
  expect(server.looked).toHaveLength(1_000); // each was asked about once, fifty in a look
  await names();
  expect(server.looked).toHaveLength(1_000);
  lay(server, 'waits', [caller], ours);
  expect(await names()).toEqual(['waits']);
  server.sids.set('call-1', 'RM_anew');
  server.dispatches.set('call-1', [ours]);
  server.rooms.set('call-1', [caller]);
  expect(await names()).toEqual(['call-1', 'waits']);
});

test('C6 of more rooms than one look asks about none is forgotten, and who waits is asked about each time', async () => {
  await using server = await startStandIn();
  for (let at = 0; at < 120; at += 1) lay(server, `other-${at}`, [caller]);
  lay(server, 'waits', [caller], ours);
  const { names } = open(server);
  const looks = [await names(), await names(), await names()];
  const first = looks.findIndex(([room]) => room === 'waits');
  expect(first).toBeGreaterThanOrEqual(0);
  for (let look = 0; look < 4; look += 1) expect(await names()).toEqual(['waits']);
  server.dispatches.set('other-3', [ours]); // called for late
  let found: string[] = [];
  for (let look = 0; look < 3; look += 1) found = await names();
  expect(found).toEqual(['other-3', 'waits']);
});

test('C6 one room looked at once more: as it is now, and not another one of its name', async () => {
  await using server = await startStandIn();
  lay(server, 'waits', [caller], ours);
  const waiting = open(server);
  const [one] = await waiting.find('ada', () => false, soon());
  expect(await waiting.look(one!, 'ada', soon())).toEqual(one);
  server.dispatches.set('waits', []);
  expect(await waiting.look(one!, 'ada', soon())).toMatchObject({ dispatches: [], alone: { identity: 'caller' } });
  server.dispatches.set('waits', [taken]);
  expect(await waiting.look(one!, 'ada', soon())).toBeUndefined();
  server.dispatches.set('waits', [ours]);
  server.sids.set('waits', 'RM_anew');
  expect(await waiting.look(one!, 'ada', soon())).toBeUndefined();
  server.rooms.delete('waits');
  expect(await waiting.look(one!, 'ada', soon())).toBeUndefined();
});
