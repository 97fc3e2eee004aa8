/**
 * Human speed for the exploration: which event may come in a healthy call, and which limit may be over. A limit of a
 * healthy call is over only where something takes longer than it and is right to (an answer than `firstAudioMs`, a story
 * than `idleMs`); what would be late for good is left out.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Model } from './explore.ts';
import { sessionModel } from './session-model.ts';

type Floor = 'free' | 'caller' | 'stopped' | 'waits' | 'agent';
export type Healthy = { floor: Floor; isWorking: boolean };

const allowed: Record<Floor, readonly string[]> = {
  free: ['caller.speaks', 'caller.acts', 'time.given', 'caller.waits'],
  caller: ['caller.acts', 'caller.stopped', 'dialogue.moved'],
  stopped: ['caller.waits', 'caller.speaks'],
  waits: ['caller.waits', 'answer.moved', 'agent.audible', 'caller.speaks', 'caller.acts', 'dialogue.moved'],
  agent: ['dialogue.moved', 'caller.speaks', 'caller.waits'],
};
const leadsTo: Record<string, Floor> = {
  'caller.speaks': 'caller',
  'caller.stopped': 'stopped',
  'caller.waits': 'waits',
  'agent.audible': 'agent',
  'dialogue.moved': 'free',
};
/** Over in a call that goes on, whatever is going on in it. */
const everyday = ['firstAudioMs', 'endpointingMs', 'givenMs'];
const clock = (state: string) => ({ live: { conversing: { dialogue: { waiting: { clock: state } } } } });
const patience = (state: string) => ({ live: { conversing: { dialogue: { waiting: { patience: state } } } } });

const isOverInHealth = (limit: string, snapshot: AnyMachineSnapshot, { floor }: Healthy): boolean => {
  if (everyday.includes(limit)) return true;
  // Who is not understood in that time is asked again.
  if (limit === 'fillerMs') return !snapshot.matches(patience('recognizing'));
  if (limit === 'rungMs') return snapshot.matches(clock('fillingLive'));
  return limit === 'idleMs' && floor !== 'free'; // a story, a long turn; the caller's own silence ends before
};

export const unhurriedModel: Model<Healthy> = {
  ...sessionModel,
  inputs: sessionModel.inputs.filter((input) => {
    const { resumed, goodbye } = input as { resumed: boolean; goodbye: boolean };
    return !resumed && goodbye;
  }),
  begin: (_, snapshot) => ({ floor: waitsAtFirst(snapshot) ? 'waits' : 'free', isWorking: false }),
  isEnd: (snapshot) => !snapshot.matches('live'),
  isLeftOut: ({ type }, snapshot, facts) => {
    const { floor, isWorking } = facts;
    const limit = /^xstate\.after\.(\w+)\./.exec(type)?.[1];
    if (limit !== undefined) return !isOverInHealth(limit, snapshot, facts);
    if (type.startsWith('xstate.error')) return !snapshot.matches(clock('fillingLive'));
    if (type.startsWith('xstate')) return false;
    if (!snapshot.matches({ live: 'conversing' }))
      return type !== 'agent.audible' || !snapshot.matches({ live: 'greeting' });
    if (type === 'tool.started') return isWorking || (floor !== 'waits' && floor !== 'agent');
    if (type === 'tool.ended') return !isWorking;
    return !allowed[floor].includes(type);
  },
  step: (facts, { before, event, after, asked }, broke) => {
    for (const { name, input } of asked) {
      const line = (input['line'] as string | undefined) ?? name;
      if (name === 'speak' && !['greeting', 'filler'].includes(line)) broke(`a healthy call hears: ${line}`);
      if (line === 'filler' && facts.floor === 'caller') broke('a healthy call hears: a filler over its caller');
    }
    if (!after.matches('live') || after.context.end) broke('a healthy call is ended');
    const isGreeted = !before.matches({ live: 'conversing' }) && after.matches({ live: 'conversing' });
    const floor = isGreeted && !waitsAtFirst(before) ? 'free' : isGreeted ? 'agent' : leadsTo[event.type];
    return {
      floor: floor ?? facts.floor,
      isWorking: event.type === 'tool.started' || (facts.isWorking && event.type !== 'tool.ended'),
    };
  },
};

const waitsAtFirst = ({ context }: AnyMachineSnapshot): boolean => context.greeting !== 'wait';
