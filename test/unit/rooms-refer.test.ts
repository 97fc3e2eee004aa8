/**
 * Blind transfers against a stand-in for the server's API. No SIP service can be had where these tests run, so what a
 * real one answers is taken from the server SDK's types and RFC 3261; a telephone has not been transferred by it.
 */
import { expect, it } from 'vitest';
import type { Referral } from '../../src/rooms/refer.ts';
import { openRooms } from '../../src/rooms/server-api.ts';
import { startStandIn } from './twirp-stand-in.ts';
import type { Misbehaviour, Participant, StandIn } from './twirp-stand-in.ts';

const phone: Participant = { identity: 'phone', sid: 'PA_2', kind: 'SIP' };
const agent: Participant = { identity: 'agent', sid: 'PA_3', kind: 'AGENT' };
const to = 'tel:+15551234';

const open = (server: StandIn, said: string[] = [], attemptMs = 2_500) =>
  openRooms(
    { url: server.url, apiKey: 'key', apiSecret: 'secret-of-at-least-thirty-two-bytes' },
    { attemptMs, log: { error: (_, message) => void said.push(message) } },
  );
const never = () => AbortSignal.timeout(20_000);
const answering = (status: number, sip?: string): Misbehaviour => ({
  status,
  message: `planned ${status}`,
  ...(sip !== undefined && { meta: { sip_status_code: sip, sip_status: 'as planned' } }),
});

it('a transfer names the caller and the destination, rings as long as was asked, and takes the caller alone away', async () => {
  await using server = await startStandIn();
  server.rooms.set('r', [phone, agent]);
  const referred = await open(server).refer('r', 'phone', to, never(), {
    ringingMs: 12_345,
    playDialtone: true,
    headers: { 'X-Case': '7' },
  });
  expect(referred).toEqual({ outcome: 'transferred' });
  expect(server.transfers).toEqual([
    {
      roomName: 'r',
      participantIdentity: 'phone',
      transferTo: to,
      playDialtone: true,
      headers: { 'X-Case': '7' },
      ringingTimeout: '13s',
    },
  ]);
  expect(server.rooms.get('r')).toEqual([agent]);
});

it.each<[string, Misbehaviour, Partial<Referral>]>([
  ['C13 a busy destination is told as busy', answering(503, '486'), { outcome: 'busy', sipStatus: 486 }],
  ['C13 one that is busy everywhere is told as busy', answering(503, '600'), { outcome: 'busy', sipStatus: 600 }],
  ['C13 one that declines is told so', answering(403, '603'), { outcome: 'declined', sipStatus: 603 }],
  ['C13 one that forbids the call is told so', answering(403, '403'), { outcome: 'declined', sipStatus: 403 }],
  ['C13 one that nobody picks up is no answer', answering(503, '480'), { outcome: 'no_answer', sipStatus: 480 }],
  ['C13 one that rang in vain is no answer', answering(408, '487'), { outcome: 'no_answer', sipStatus: 487 }],
  ['C13 a number that does not exist has failed', answering(404, '404'), { outcome: 'failed', sipStatus: 404 }],
  ['C13 a server without a SIP service has failed', answering(503), { outcome: 'failed' }],
  ['C13 a server that waited in vain knows nothing', answering(408), { outcome: 'unknown' }],
])('%s; it is no exception, is asked once, and leaves the caller in the room', async (_, how, wanted) => {
  await using server = await startStandIn();
  server.rooms.set('r', [phone, agent]);
  server.next('TransferSIPParticipant', how);
  const said: string[] = [];
  const referred = await open(server, said).refer('r', 'phone', to, never());
  expect(referred).toMatchObject({ ...wanted, error: expect.any(String) as string });
  expect(server.asked).toEqual(['TransferSIPParticipant phone']);
  expect(server.rooms.get('r')).toEqual([phone, agent]);
  expect(said).toEqual([]); // 403 of a telephone is no refused key
});

it('D8 a caller who is gone when the transfer comes is told as such', async () => {
  await using server = await startStandIn();
  server.rooms.set('r', [agent]);
  expect(await open(server).refer('r', 'phone', to, never())).toMatchObject({ outcome: 'gone' });
});

it('D8 a transfer that the caller outruns ends with its signal, and nobody claims to know what became of it', async () => {
  await using server = await startStandIn();
  server.rooms.set('r', [phone, agent]);
  server.next('TransferSIPParticipant', 'hang');
  const stop = new AbortController();
  const began = performance.now();
  const referring = open(server).refer('r', 'phone', to, stop.signal);
  await expect.poll(() => server.asked.length, { timeout: 10_000 }).toBe(1);
  stop.abort();
  expect(await referring).toMatchObject({ outcome: 'unknown', error: expect.stringContaining('stopped') as string });
  expect(performance.now() - began).toBeLessThan(10_000);
});

it('C13 a server that never answers is given up by a deadline of our own, short of the thirty seconds of the SDK', async () => {
  await using server = await startStandIn();
  server.rooms.set('r', [phone, agent]);
  server.next('TransferSIPParticipant', 'hang-but-do');
  const began = performance.now();
  const referred = await open(server, [], 200).refer('r', 'phone', to, never(), { ringingMs: 300 });
  expect(referred).toEqual({ outcome: 'unknown', error: 'refer: no answer within 500 ms' });
  expect(performance.now() - began).toBeLessThan(10_000);
});

it.each([30_000.5, 0.2])('it rings in whole seconds, whatever was asked for: %d ms', async (ringingMs) => {
  await using server = await startStandIn();
  server.rooms.set('r', [phone, agent]);
  expect(await open(server).refer('r', 'phone', to, never(), { ringingMs })).toEqual({ outcome: 'transferred' });
});

it('a refused key is said loudly, also by a transfer', async () => {
  await using server = await startStandIn();
  server.next('TransferSIPParticipant', 401);
  const said: string[] = [];
  const referred = await open(server, said).refer('r', 'phone', to, never());
  expect(referred).toMatchObject({ outcome: 'failed', error: expect.stringContaining('LIVEKIT_API_KEY') as string });
  expect(said).toHaveLength(1);
});

it('a server that is not there has transferred nobody', async () => {
  const server = await startStandIn();
  await server[Symbol.asyncDispose]();
  expect(await open(server).refer('r', 'phone', to, never())).toMatchObject({
    outcome: 'failed',
    error: expect.stringContaining('ECONNREFUSED') as string,
  });
});

it('a transfer that was called off before it began asks for nothing', async () => {
  await using server = await startStandIn();
  expect(await open(server).refer('r', 'phone', to, AbortSignal.abort())).toMatchObject({ outcome: 'failed' });
  expect(server.asked).toEqual([]);
});
