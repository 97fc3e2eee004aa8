/** What the room may know of the call: once for each change of state, and nobody waits for it. */
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { firstJob, jobIdOf } from '../../src/journal/ids.ts';
import { StateAttributes } from '../../src/livekit/state-attributes.ts';

type Attributes = Record<string, string>;
let asked: Attributes[];
let answer: () => Promise<void>;
let logged: string[];
beforeEach(() => {
  [asked, logged] = [[], []];
  answer = async () => {};
});

function attributesIn(isConnected = true) {
  const localParticipant = {
    setAttributes: (attributes: Attributes) => {
      asked.push(attributes);
      return answer();
    },
  };
  const room = { isConnected, localParticipant };
  const log = { debug: (fields: object | string) => void logged.push(JSON.stringify(fields)) };
  const states = new StateAttributes(room as never, firstJob(jobIdOf('AJ_1')), log);
  const moves = (machine: 'session' | 'supervision', ...to: string[]) =>
    states.take('transition', { machine, from: [], to, event: 'x' });
  return { room, states, moves };
}
const told = () => asked.map((attributes) => attributes['lastword.state']);
const untilTold = (...states: string[]) => vi.waitFor(() => expect(told()).toEqual(states), { timeout: 5_000 });

test('each top state is told once, with session and epoch, and not what moves below it', async () => {
  const { moves, states } = attributesIn();
  moves('session', 'live.greeting.speaking.unheard');
  moves('session', 'live.greeting.speaking.playing');
  moves('supervision', 'running.heard');
  states.take('log', { level: 'info', message: 'x' });
  expect(asked, 'the turn that moved the machine is over first').toEqual([]);
  await untilTold('greeting');
  expect(asked[0]).toEqual({ 'lastword.session': 'AJ_1', 'lastword.epoch': '1', 'lastword.state': 'greeting' });
  moves('session', 'live.conversing.dialogue.idle');
  await untilTold('greeting', 'conversing');
  moves('session', 'live.conversing.dialogue.active');
  await pause(120);
  expect(told()).toEqual(['greeting', 'conversing']);
});

test('states that follow each other quicker than that are one request, and one request runs at a time', async () => {
  const { moves } = attributesIn();
  let settle = () => {};
  answer = () => new Promise<void>((resolve) => (settle = resolve));
  moves('session', 'ending.draining');
  moves('session', 'exiting.saying');
  await untilTold('exiting');
  moves('session', 'exiting.hangingUp');
  moves('session', 'reporting.closing');
  moves('session', 'closed');
  await pause(120);
  expect(told()).toEqual(['exiting']);
  settle();
  await untilTold('exiting', 'closed');
});

test('before it has joined nothing is told, and the next state is', async () => {
  const { moves, room } = attributesIn(false);
  moves('session', 'live.connecting');
  await pause(120);
  room.isConnected = true;
  moves('session', 'live.greeting.speaking');
  await untilTold('greeting');
});

test('a token that may not, and a room that throws, cost the attributes and nothing else', async () => {
  const { moves } = attributesIn();
  answer = async () => {
    throw new Error('insufficient permissions');
  };
  moves('session', 'live.greeting.speaking');
  await untilTold('greeting');
  answer = () => {
    throw new Error('ConnectError');
  };
  moves('session', 'live.conversing.dialogue');
  await untilTold('greeting', 'conversing');
  await vi.waitFor(() => expect(logged.join()).toMatch(/insufficient permissions.*ConnectError/));
});

test('a server that never answers is waited for 2 s, then the latest state is told', async () => {
  const { moves } = attributesIn();
  answer = () => new Promise(() => {});
  moves('session', 'live.greeting.speaking');
  await untilTold('greeting');
  moves('session', 'live.conversing.dialogue');
  await pause(500);
  expect(told()).toEqual(['greeting']);
  await untilTold('greeting', 'conversing');
});
