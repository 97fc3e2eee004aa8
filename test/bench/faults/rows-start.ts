/** What breaks before the first word. */
import type { Row } from './row.ts';
import { joins } from './scenes.ts';

const failed = (bare: RegExp): Row['truth'] => ({ reason: 'startup_failed', bare });
const late = failed(/time|hang|late/i);
const GREETED_MS = 8000;

const rows: Omit<Row, 'isStart'>[] = [
  {
    ids: ['T26', 'T15', 'C1', 'A8'],
    name: 'the entrypoint throws before the session',
    plan: { at: 'factory', does: 'throws' },
    scene: joins,
    truth: failed(/planted: factory/),
  },
  {
    ids: ['A9', 'C18'],
    name: 'the entrypoint hangs before the session',
    plan: { at: 'factory', does: 'hangs' },
    scene: joins,
    truth: late,
  },
  {
    ids: ['C1'],
    name: 'the agent cannot be made: its constructor throws',
    plan: { at: 'agent', does: 'throws' },
    scene: joins,
    truth: failed(/planted: agent/),
  },
  {
    ids: ['C9', 'T22'],
    name: 'session.start() throws',
    plan: { at: 'start', does: 'throws' },
    scene: joins,
    truth: failed(/planted: start/),
  },
  {
    ids: ['C9', 'T22'],
    name: 'session.start() hangs',
    plan: { at: 'start', does: 'hangs' },
    scene: joins,
    truth: late,
  },
  {
    ids: ['C10', 'T7'],
    name: 'onEnter, which was to greet, throws',
    wish: { greeting: 'agent' },
    plan: { at: 'onEnter', does: 'throws' },
    scene: joins,
    truth: failed(/planted: onEnter/),
  },
  {
    ids: ['C10', 'T4', 'T54'],
    name: 'onEnter, which was to greet, hangs',
    wish: { greeting: 'agent' },
    plan: { at: 'onEnter', does: 'hangs' },
    scene: joins,
    truth: late,
  },
  {
    ids: ['T14', 'H6'],
    name: 'prewarm throws',
    wish: { prewarm: 'throws' },
    scene: joins,
    truth: failed(/planted: prewarm/),
  },
  {
    ids: ['T14', 'H6'],
    name: 'prewarm hangs',
    wish: { prewarm: 'hangs' },
    scene: joins,
    truth: failed(/prewarm/),
  },
  {
    ids: ['C6', 'T14'],
    name: 'the agent file throws on import in the job',
    wish: { import: 'throws in the job' },
    scene: joins,
    truth: failed(/planted: the agent file/),
  },
  {
    ids: ['T8', 'B12', 'T55'],
    name: 'the TTS is dead from the first word on',
    prepare: ({ lab }) => lab.fail('tts', { kind: 'status', status: 500 }),
    scene: joins,
    truth: failed(/tts/i),
  },
  {
    ids: ['T56', 'B12'],
    name: 'the TTS hangs from the first word on',
    prepare: ({ lab }) => lab.fail('tts', { kind: 'stall' }),
    scene: joins,
    truth: failed(/tts|time/i),
  },
  {
    ids: ['T29', 'T13'],
    name: 'kill -9 of the job in its greeting',
    scene: async ({ caller, side, room }) => {
      const pid = await side.jobPid(room);
      await caller.until('the greeting to begin', () => caller.sounds().length > 0, GREETED_MS);
      process.kill(pid, 'SIGKILL');
      return Date.now();
    },
    truth: { reason: 'process_crashed', bare: /SIGKILL|crash|killed/i },
  },
];
export const startRows: Row[] = rows.map((row) => ({ ...row, isStart: true }));
