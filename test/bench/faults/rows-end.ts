/** What breaks at the end of a call. The first row breaks nothing: both are seen to end a call well. */
import { GOODBYE } from './plan.ts';
import type { Row, Scene } from './row.ts';
import { endsCall, greeted, parts } from './scenes.ts';

const DEAD = { kind: 'status', status: 500 } as const;
const BEGUN_MS = 15_000;
const AWAY_MS = 3000;
/** The word of the SDK for everything that its own side ends; and what broke, where it says that. */
const ended: Row['truth'] = { reason: 'agent_ended', bare: /user_initiated|tts|llm/i };

const goodbyeBegins = async (scene: Scene): Promise<number> => {
  const { caller, lab } = scene;
  await endsCall(scene);
  await caller.until('the goodbye to begin', () => caller.line(lab, GOODBYE)[0], BEGUN_MS);
  return Date.now();
};
const hook = (
  ids: string[],
  name: string,
  at: 'onExit' | 'close listener' | 'end hook' | 'shutdown callback',
  does: 'throws' | 'hangs',
): Row => ({
  ids,
  name,
  plan: { at, does },
  scene: endsCall,
  truth: ended,
});
const atGoodbye = (ids: string[], name: string, plant: (scene: Scene) => void, more: Partial<Row> = {}): Row => ({
  ids,
  name,
  scene: async (scene) => {
    await greeted(scene);
    plant(scene);
    return parts(scene);
  },
  truth: ended,
  ...more,
});

export const endRows: Row[] = [
  atGoodbye(['F1', 'B19'], 'nothing breaks: the caller says goodbye', () => {}),
  {
    ids: ['B3', 'T35'],
    name: 'the caller says "bye" into the goodbye',
    scene: async (scene) => {
      await goodbyeBegins(scene);
      return parts(scene).catch(() => Date.now());
    },
    truth: ended,
  },
  {
    ids: ['B4', 'T24', 'D3'],
    name: 'the caller hangs up in the goodbye',
    waits: false,
    scene: async (scene) => {
      const at = await goodbyeBegins(scene);
      await scene.caller.leave();
      return at;
    },
    truth: ended,
  },
  {
    ids: ['T29', 'T13', 'A10'],
    name: 'kill -9 of the job in the goodbye',
    scene: async (scene) => {
      const pid = await scene.side.jobPid(scene.room);
      await goodbyeBegins(scene);
      process.kill(pid, 'SIGKILL');
      return Date.now();
    },
    truth: { reason: 'agent_ended', bare: /user_initiated|SIGKILL|crash/ },
  },
  atGoodbye(['T2', 'B11'], 'the LLM fails after the end tool', ({ lab }) => lab.fail('llm', DEAD, { from: 2 })),
  atGoodbye(['B12', 'T55'], 'the TTS fails at the goodbye', ({ lab }) => lab.fail('tts', DEAD)),
  atGoodbye(['B6', 'T56'], 'the TTS hangs at the goodbye', ({ lab }) => lab.fail('tts', { kind: 'stall' })),
  atGoodbye(['B14'], 'the model asks for the end again and again', () => {}, { script: { isObsessed: true } }),
  atGoodbye(['B7', 'B18', 'A17'], 'a tool hangs while the call ends', () => {}, {
    plan: { at: 'tool', does: 'hangs' },
    script: { isBoth: true },
  }),
  hook(['B9', 'T3'], 'onExit throws', 'onExit', 'throws'),
  hook(['B9', 'T53', 'A2'], 'onExit hangs', 'onExit', 'hangs'),
  hook(['A3'], 'a listener of the close throws', 'close listener', 'throws'),
  hook(['A10'], 'the end hook throws', 'end hook', 'throws'),
  hook(['A10', 'T18'], 'the end hook hangs', 'end hook', 'hangs'),
  hook(['A22', 'T18'], 'a shutdown callback hangs', 'shutdown callback', 'hangs'),
  atGoodbye(['A13', 'A15'], 'the report is refused once', ({ receiver, room }) => receiver.refuse(room, { times: 1 })),
  atGoodbye(['A13', 'A15'], 'the receiver is away for a while', ({ receiver, room }) =>
    receiver.refuse(room, { untilAt: Date.now() + AWAY_MS * 3 }),
  ),
  {
    ids: ['C3', 'T11'],
    name: 'the server API answers 503 for two seconds at the hang-up',
    alone: 'door',
    scene: async (scene) => {
      await goodbyeBegins(scene);
      if (scene.door) scene.door.refusal = 503;
      return Date.now();
    },
    later: async ({ door, caller, lab }, from) => {
      await caller.until('the goodbye to end', () => (caller.line(lab, GOODBYE)[0]?.share ?? 0) > 0.95, BEGUN_MS);
      setTimeout(() => door && (door.refusal = undefined), 2000);
      return from;
    },
    truth: ended,
  },
];
