/** `lastword/client`: what a browser believes, of whom, and what it shows. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { Room } from 'livekit-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type WatchedParticipant, type WatchedRoom, watchSession } from '../../src/client/watch-session.ts';

type Told = unknown[];
let told: Told;
let room: EventEmitter & { remoteParticipants: Map<string, WatchedParticipant> };
let stop: () => void;
const agent = (identity: string, more: Record<string, string> = {}): WatchedParticipant => ({
  identity,
  isAgent: true,
  attributes: more,
});
const at = (epoch: number, state: string, session = 'AJ_1') => ({
  'lastword.session': session,
  'lastword.epoch': String(epoch),
  'lastword.state': state,
});
const person: WatchedParticipant = { identity: 'guest', isAgent: false, attributes: at(9, 'ending') };

const watch = () =>
  watchSession(room as WatchedRoom, {
    onState: ({ session, epoch, state }) => told.push(`${session} ${epoch} ${state}`),
    onResuming: (session) => told.push(`resuming ${session}`),
    onResumed: (session) => told.push(`resumed ${session}`),
    onEnded: (end) => told.push(end),
  });
const joins = (participant: WatchedParticipant) => {
  room.remoteParticipants.set(participant.identity, participant);
  room.emit('participantConnected', participant);
};
type Sender = { from?: WatchedParticipant; identity?: string; topic?: string };
const sends = (
  message: unknown,
  { from, identity = from?.identity ?? '', topic = 'lastword.session' }: Sender = {},
) => {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  room.emit('dataReceived', new TextEncoder().encode(text), from, 0, topic, 0, identity);
};
const resuming = { type: 'session.resuming', session: 'AJ_1' };
const resumed = { type: 'session.resumed', session: 'AJ_1' };
const ended = { type: 'session.ended', session: 'AJ_1', reason: 'agent_ended', by: 'agent' };
const end = { session: 'AJ_1', reason: 'agent_ended', by: 'agent' };

beforeEach(() => {
  told = [];
  room = Object.assign(new EventEmitter(), { remoteParticipants: new Map<string, WatchedParticipant>() });
  stop = watch();
});
afterEach(() => {
  vi.restoreAllMocks();
  stop();
});

test('is at most 1 kB, minified and compressed, and imports nothing', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, '../../src/client/watch-session.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
  });
  expect(gzipSync(outputFiles[0]!.contents, { level: 9 }).length).toBeLessThanOrEqual(1_000);
  expect(Object.keys(metafile.inputs)).toHaveLength(1);
});

test('livekit-client’s Room is such a room, for the compiler', () => {
  expect((given: Room) => watchSession(given, { onEnded: ({ reason }) => reason })).toBeTypeOf('function');
});

test('a call that dies and goes on is told in order, by the server and the agent', () => {
  joins(agent('agent-1', at(1, 'conversing')));
  sends(resuming);
  joins(agent('agent-2', at(2, 'greeting')));
  sends(resumed);
  sends(ended, { from: agent('agent-2') });
  expect(told).toEqual(['AJ_1 1 conversing', 'resuming AJ_1', 'AJ_1 2 greeting', 'resumed AJ_1', end]);
});

test('what others in the room send on this topic is not believed, nor what they say of themselves', () => {
  joins(person);
  sends(ended, { from: person });
  sends(resuming, { from: person });
  sends(resuming, { identity: 'somebody-who-just-left' });
  sends(resuming, { topic: 'chat' });
  expect(told).toEqual([]);
});

test('an agent that has just left is believed, by its identity', () => {
  joins(agent('agent-1', at(1, 'conversing')));
  room.remoteParticipants.clear();
  sends(ended, { identity: 'agent-1' });
  expect(told).toEqual(['AJ_1 1 conversing', end]);
});

test('nothing that comes throws: no JSON, other shapes, other types, rubbish in attributes', () => {
  const rubbish = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '7',
    { type: 'session.ended' },
    { ...ended, by: 7 },
    { ...resuming, session: {} },
  ];
  const complained = vi.spyOn(console, 'error').mockImplementation(() => {});
  for (const message of [...rubbish, { type: 'session.moved', session: 'AJ_1' }]) sends(message);
  room.emit('dataReceived', undefined, undefined, 0, 'lastword.session');
  for (const epoch of ['', 'NaN', '-1', '0', 'one'])
    joins(agent(`agent-${epoch}`, { ...at(1, 'conversing'), 'lastword.epoch': epoch }));
  joins(agent('bare'));
  joins({ identity: 'odd', isAgent: true } as never);
  expect(told).toEqual([]);
  expect(complained).toHaveBeenCalled();
});

test('what the app’s own code throws is logged, and the next is told all the same', () => {
  stop();
  const complained = vi.spyOn(console, 'error').mockImplementation(() => {});
  stop = watchSession(room as WatchedRoom, {
    onResuming: () => {
      throw new Error('the app');
    },
    onEnded: (given) => told.push(given),
  });
  sends(resuming);
  sends(ended);
  expect(told).toEqual([end]);
  expect(complained).toHaveBeenCalledOnce();
});

test('each change of state once; an older process has no word any more', () => {
  const first = { ...agent('agent-1', at(1, 'greeting')), attributes: at(1, 'greeting') as Record<string, string> };
  joins(first);
  room.emit('participantAttributesChanged', {}, first);
  first.attributes = at(1, 'conversing');
  room.emit('participantAttributesChanged', {}, first);
  joins(agent('agent-2', at(2, 'greeting')));
  first.attributes = at(1, 'ending');
  room.emit('participantAttributesChanged', {}, first);
  room.emit('reconnected');
  expect(told).toEqual(['AJ_1 1 greeting', 'AJ_1 1 conversing', 'AJ_1 2 greeting']);
});

test('what is there already is told, also to whoever watches before the room is joined', () => {
  const there = agent('agent-1', at(3, 'conversing'));
  room.remoteParticipants.set('agent-1', there);
  expect(told).toEqual([]);
  room.emit('connected');
  expect(told).toEqual(['AJ_1 3 conversing']);
  stop();
  stop = watch();
  expect(told).toEqual(['AJ_1 3 conversing', 'AJ_1 3 conversing']);
});

test('resumed comes after resuming alone, and once', () => {
  sends(resumed);
  sends(resuming);
  sends(resumed);
  sends(resumed);
  expect(told).toEqual(['resuming AJ_1', 'resumed AJ_1']);
});

test('where that message is lost, a later process that converses says it; one that greets does not, nor the dead one', () => {
  joins(agent('agent-1', at(1, 'greeting')));
  sends(resuming);
  joins(agent('agent-1', at(1, 'conversing')));
  joins(agent('agent-2', at(2, 'greeting')));
  expect(told).toEqual(['AJ_1 1 greeting', 'resuming AJ_1', 'AJ_1 1 conversing', 'AJ_1 2 greeting']);
  told = [];
  joins(agent('agent-2', at(2, 'conversing')));
  expect(told).toEqual(['AJ_1 2 conversing', 'resumed AJ_1']);
  sends(resumed);
  expect(told).toHaveLength(2);
});

test('an end is told once, and nothing of that session is resumed after it; another session is another one', () => {
  sends(ended);
  sends({ ...ended, reason: 'process_crashed' });
  sends(resuming);
  sends({ ...resuming, session: 'AJ_2' });
  expect(told).toEqual([end, 'resuming AJ_2']);
});

test('stopped, it tells nothing and leaves no listener', () => {
  expect(room.eventNames()).not.toEqual([]);
  stop();
  expect(room.eventNames()).toEqual([]);
  sends(ended);
  expect(told).toEqual([]);
});
