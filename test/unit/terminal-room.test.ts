/** The room of a call in the terminal, asked as the keeper asks LiveKit: the real client over real sockets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CallEnd } from '../../src/demo/call-end.ts';
import { errorOf, problemIn } from '../../src/demo/keeper-problem.ts';
import { TerminalRoom } from '../../src/demo/room.ts';
import { openStandIn, type StandInServer } from '../../src/demo/stand-in.ts';
import { ConfigError } from '../../src/errors/config-error.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { joinChannel, type LineChannel } from '../../src/livekit/terminal/line-channel.ts';
import type { AgentAct, CallerAct } from '../../src/livekit/terminal/room-messages.ts';
import { openRooms } from '../../src/rooms/server-api.ts';
import { StoreError } from '../../src/store/store.ts';

const session = sessionIdOf('terminal-test');
const name: string = session;
const signal = AbortSignal.timeout(20_000);
let room: TerminalRoom;
let standIn: StandInServer;
let dispatched: string[];
let undispatched: string[];
let agents: LineChannel<AgentAct, CallerAct>[];
beforeEach(async () => {
  room = await TerminalRoom.open(session);
  [dispatched, undispatched, agents] = [[], [], []];
  standIn = await openStandIn({
    room,
    onDispatch: (id) => dispatched.push(id),
    onUndispatch: (id) => undispatched.push(id),
  });
});
afterEach(async () => {
  for (const agent of agents) agent.close();
  await standIn.close();
  await room.close();
});

/** An agent that is in the room. @returns what it is told; `ends` as its process does */
async function agentIn(identity: string) {
  const told: string[] = [];
  const channel = await joinChannel<AgentAct, CallerAct>(room.path);
  agents.push(channel);
  channel.onMessage(({ type }) => told.push(type));
  channel.send({ type: 'here', identity });
  await expect.poll(() => told).toEqual(['join']);
  return { told, channel };
}

describe('the keeper finds in it what a LiveKit server would have', () => {
  it('caller and agent; one whose process is gone stays until it is removed', async () => {
    const rooms = openRooms(standIn.access);
    const { channel } = await agentIn('agent-1');
    expect(await rooms.sidOf(name, signal)).toBe(`RM_${name}`);
    expect(await rooms.occupants(name, signal)).toMatchObject([
      { identity: 'you', kind: 'standard' },
      { identity: 'agent-1', kind: 'agent' },
    ]);
    expect(room.isHeard).toBe(true);
    channel.close();
    await expect.poll(() => room.isHeard).toBe(false);
    expect(await rooms.occupants(name, signal)).toHaveLength(2);
    await rooms.remove(name, 'agent-1', signal);
    await rooms.remove(name, 'agent-1', signal); // one that is not there is success
    expect(await rooms.occupants(name, signal)).toMatchObject([{ identity: 'you' }]);
  });

  it('no caller who has hung up or was lost, and one who is back', async () => {
    const rooms = openRooms(standIn.access);
    const { told } = await agentIn('agent-1');
    const people = async () => (await rooms.occupants(name, signal)).filter(({ kind }) => kind === 'standard').length;
    room.does({ type: 'vanish' });
    expect(await people()).toBe(0);
    room.does({ type: 'return' });
    expect(await people()).toBe(1);
    room.does({ type: 'hang-up' });
    expect(await people()).toBe(0);
    await expect.poll(() => told).toEqual(['join', 'vanish', 'return', 'hang-up']);
  });

  it('a dispatch by its id, told on and taken back once', async () => {
    const rooms = openRooms(standIn.access);
    const first = await rooms.dispatch(name, '', '', signal);
    const second = await rooms.dispatch(name, '', '', signal);
    expect(dispatched).toEqual([first, second]);
    await rooms.undispatch(name, first, signal);
    await rooms.undispatch(name, first, signal);
    expect(undispatched).toEqual([first]);
    await rooms.tell(name, { type: 'session.resuming', session }, signal);
  });

  it('nobody, once it is deleted, and its agent learns that the caller is gone', async () => {
    const rooms = openRooms(standIn.access);
    const { told } = await agentIn('agent-1');
    expect(await rooms.hangUp({ room: name, roomSid: room.sid, strategy: 'delete-room', signal })).toMatchObject({
      verified: true,
    });
    expect(await rooms.sidOf(name, signal)).toBeUndefined();
    expect(await rooms.occupants(name, signal)).toEqual([]);
    await expect(rooms.dispatch(name, '', '', signal)).rejects.toThrow(/404/);
    await expect.poll(() => told).toEqual(['join', 'hang-up']);
  });

  it('nothing about another room, and nothing for whoever has no key', async () => {
    expect(await openRooms(standIn.access).occupants('terminal-yesterday', signal)).toEqual([]);
    const stranger = openRooms({ ...standIn.access, apiSecret: 'another' });
    await expect(stranger.occupants(name, signal)).rejects.toThrow(/401/);
    await expect(stranger.dispatch(name, '', '', signal)).rejects.toThrow(/401/);
    expect(dispatched).toEqual([]);
  });
});

it('an agent that comes later meets the caller, and none that has left', async () => {
  await agentIn('agent-1');
  room.does({ type: 'hang-up' });
  const told: string[] = [];
  const channel = await joinChannel<AgentAct, CallerAct>(room.path);
  agents.push(channel);
  channel.onMessage(({ type }) => told.push(type));
  channel.send({ type: 'here', identity: 'agent-2' });
  await expect.poll(() => room.listed.length).toBe(2);
  room.does({ type: 'return' }); // the first thing it hears of them is that they are there
  await expect.poll(() => told).toEqual(['join']);
});

describe('the keeper is told that the call is over', () => {
  const endOfCall = () => {
    const told: string[] = [];
    const world = { isHeard: true };
    const end = new CallEnd({ tell: (signal) => told.push(signal), isHeard: () => world.isHeard });
    return { end, told, world };
  };

  it('once, when the report is sealed and its agent is gone', () => {
    const { end, told, world } = endOfCall();
    end.workerIsKnown();
    end.settled();
    expect(told).toEqual([]);
    world.isHeard = false;
    end.look();
    end.look();
    end.settled();
    expect(told).toEqual(['SIGTERM']);
  });

  it('not before it knows its worker', () => {
    const { end, told, world } = endOfCall();
    world.isHeard = false;
    end.settled();
    expect(told).toEqual([]);
    end.workerIsKnown();
    expect(told).toEqual(['SIGTERM']);
  });

  it('at once by whoever wants it to end, and so is the next keeper when that one is killed', () => {
    const { end, told } = endOfCall();
    end.ask('SIGINT');
    end.ask('SIGINT');
    end.workerIsKnown();
    expect(told).toEqual(['SIGINT', 'SIGINT']);
    end.keeperDied();
    expect(told).toHaveLength(2);
    end.workerIsKnown();
    expect(told).toEqual(['SIGINT', 'SIGINT', 'SIGTERM']);
  });
});

it('what a keeper could not start for keeps its class and its words on the way to the terminal', () => {
  const config = new ConfigError({ field: 'LASTWORD_DIR', expected: 'a directory', got: 'a file', advice: 'set it' });
  const store = new StoreError({ code: 'BUSY', message: 'the database is locked' });
  const other = Object.assign(new Error('a keeper already runs'), { code: 'LASTWORD_KEEPER_RUNS' });
  for (const error of [config, store, other]) {
    const back = errorOf(JSON.parse(JSON.stringify(problemIn(error))) as ReturnType<typeof problemIn>);
    expect(back).toMatchObject({ message: error.message, code: error.code });
    if (error !== other) expect(back).toBeInstanceOf(error.constructor);
  }
});
