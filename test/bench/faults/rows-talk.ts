/** What breaks in the middle of a conversation. */
import type { Component, Fault } from '../../../src/testing/index.ts';
import type { Row, Scene } from './row.ts';
import { asks, getsStuck, greeted, talks, thenAsks } from './scenes.ts';

const DEAD: Fault = { kind: 'status', status: 500 };
const crashed: Row['truth'] = { reason: 'process_crashed', bare: /SIGKILL|crash|killed|died|memory/i };

const fails =
  (component: Component, fault: Fault, before: (scene: Scene) => Promise<number>) => async (scene: Scene) => {
    await before(scene);
    scene.lab.fail(component, fault);
    return asks(scene);
  };
const broken = (component: Component): Row['truth'] => ({
  reason: 'model_failed',
  bare: new RegExp(`${component}[_A-Za-z.]*(error|failed)|all ${component}s?`, 'i'),
});
const model = (ids: string[], name: string, component: Component, fault: Fault, before: typeof greeted): Row => ({
  ids,
  name,
  scene: fails(component, fault, before),
  truth: broken(component),
});
/** A fault in the tool that the model calls; a call that lives says what came of it. */
const tool = (ids: string[], name: string, does: NonNullable<Row['plan']>['does'], more: Partial<Row> = {}): Row => ({
  ids,
  name,
  plan: { at: 'tool', ...(does && { does }) },
  scene: getsStuck,
  truth: crashed,
  ...more,
});
const timer = (ids: string[], name: string, does: 'throws' | 'rejects'): Row => ({
  ids,
  name,
  plan: { at: 'timer', does },
  scene: thenAsks(getsStuck),
  truth: crashed,
});

const jobKilled = async (scene: Scene): Promise<number> => {
  await greeted(scene);
  await scene.side.warm();
  process.kill(await scene.side.jobPid(scene.room), 'SIGKILL');
  return Date.now();
};

export const talkRows: Row[] = [
  model(['T8', 'C14'], 'the LLM fails from the first turn on', 'llm', DEAD, greeted),
  model(['T8', 'C14'], 'the LLM fails from the third turn on', 'llm', DEAD, talks),
  model(['C14'], 'the LLM never answers', 'llm', { kind: 'stall' }, greeted),
  model(['C14'], 'the LLM stops in the middle of its answer', 'llm', { kind: 'stall', at: 'middle' }, greeted),
  model(['T8', 'T55'], 'the TTS fails from the third turn on', 'tts', DEAD, talks),
  model(['T56'], 'the TTS hangs from the third turn on', 'tts', { kind: 'stall' }, talks),
  model(['B17'], 'the TTS sends silence', 'tts', { kind: 'silence' }, greeted),
  model(['T9'], 'the STT fails from the first turn on', 'stt', DEAD, greeted),
  model(['T9'], 'the STT fails from the third turn on', 'stt', DEAD, talks),
  model(['T9'], 'the STT never answers', 'stt', { kind: 'stall' }, greeted),
  tool(['T43'], 'a tool throws', 'throws'),
  tool(['T4', 'B7'], 'a tool hangs', 'hangs', { truth: { reason: 'model_failed', bare: /tool|time/i } }),
  tool(['B8'], 'a tool awaits the close of the session', 'closes the session', {
    truth: { reason: 'agent_ended', bare: /user_initiated|closed/ },
  }),
  {
    ids: ['T45'],
    name: 'onUserTurnCompleted hangs',
    plan: { at: 'turn', does: 'hangs' },
    scene: async (scene) => {
      await greeted(scene);
      return asks(scene);
    },
    truth: { reason: 'model_failed', bare: /turn|time/i },
  },
  {
    ids: ['T27'],
    name: 'the entrypoint throws after the greeting',
    plan: { at: 'after greeting', does: 'throws' },
    scene: thenAsks(async (scene) => {
      await greeted(scene);
      return scene.bites();
    }),
    truth: { reason: 'agent_ended', bare: /planted: after greeting/ },
  },
  timer(['T28', 'A4'], 'an uncaught exception in a timer', 'throws'),
  timer(['T25'], 'an unhandled rejection', 'rejects'),
  {
    ids: ['T29', 'T13'],
    name: 'kill -9 of the job in the conversation',
    scene: jobKilled,
    truth: crashed,
  },
  {
    ids: ['T29', 'T13'],
    name: 'kill -9 of the job that another one may follow',
    alone: 'deployment',
    wish: { resumes: true },
    scene: jobKilled,
    truth: crashed,
  },
  tool(['A12', 'T13'], 'the event loop of the job is blocked for good', 'blocks', { isHeavy: true }),
  tool(['A12', 'T13'], 'the event loop is blocked for good and another job may follow', 'blocks', {
    isHeavy: true,
    alone: 'deployment',
    wish: { resumes: true },
  }),
  tool(['A11', 'T13'], 'the job runs out of memory', 'fills memory', { isHeavy: true }),
];
