/**
 * One session under the keeper's eyes, from the accepted job to the sealed report. Pure.
 *
 *   P1  It is settled once, by the first of: its journal is closed, its process died, froze, is gone, or never opened a
 *       journal. Whatever is said later changes nothing.
 *   P2  Nobody is called dead on a guess. Killed is who lives, is silent past every patience, and writes nothing; or who
 *       is not in its room, as LiveKit says; or who is left when the budget is spent. Where the system cannot say, or the
 *       keeper cannot find out, LiveKit is asked, and its silence counts for the call.
 *   P3  A call that waits for a process waits `startMs`; a warm process that has it begins within `warmStartMs`; for a
 *       process that is gone nobody waits. Before it counts as never opened, its journal is looked at.
 *   P4  The caller is released before the report is sealed, and sealing is tried until it works.
 *   P5  A session that another job took over is followed again, and nothing of the death is held against it. How often
 *       that may be is the recovery's business (`resumesLeft`).
 */
import { assign, setup } from 'xstate';
import { effect, stepsOf, type SupervisionEffects, type Verdict } from './effects.ts';
import type { Noticed } from './events.ts';
import { limits, MAX_TIMER_MS, type Policy } from './policy.ts';
import { recoveryContext, recoveryMachine } from './recovery.machine.ts';
import { boundOf } from './analysis/walks.ts';

export type SupervisionEvent =
  | { type: 'job.launched' } // a warm process has it
  | { type: 'job.unstarted' } // it has no process, or none any more
  | { type: 'job.withdrawn' } // declined after all, or left because its room was gone
  | { type: 'job.here' } // it said who it is, over a connection
  | { type: 'job.beat' }
  | { type: 'job.lost' } // its connection is gone
  | { type: 'job.closed' } // its journal has its last entry
  | { type: 'worker.here' } // and with it, where reports go
  | { type: 'budget.spent' };
export type SupervisionInput = {
  policy: Policy;
  elapsedMs: number; // since the job was accepted
  journal: 'none' | 'opened' | 'closed'; // as an earlier keeper left it
  isWorkerHere: boolean; // who knows LiveKit, and where reports go
};
export type SupervisionContext = SupervisionInput & {
  noticed: Noticed | null;
  excusedMs: number; // of the silence that is judged
  isHangUpOwed: boolean;
  sealPauseMs: number;
};
/**
 * cold, warm  on the way to its journal, by the process that it got      alive     a sign of life was just seen
 * detecting   from a last beat to the end of the process                 released  the caller is let go, or not ours
 * lost, starved, doubtful   the same for one without a connection, without a core, of whom only LiveKit can tell
 */
export type SupervisionTag =
  /** What the adapters ask for: nothing is decided about it yet · its journal is open · its start is late · its job is heard · taken in hand. */
  | 'undecided'
  | 'opened'
  | 'late'
  | 'heard'
  | 'taken'
  /** What the walks count by. */
  | 'cold'
  | 'warm'
  | 'alive'
  | 'detecting'
  | 'lost'
  | 'starved'
  | 'doubtful'
  | 'released';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;

const { within, during } = stepsOf<SupervisionEffects, SupervisionContext>();

const outputOf = <Output>(event: object): Partial<Output> => (event as { output?: Partial<Output> }).output ?? {};
const verdictOf = (event: object): Partial<Verdict> => outputOf<Verdict>(event);

const noted = (noticed: Noticed) => ({ type: 'note', params: { noticed } }) as const;

export const supervisionMachine = setup({
  types: {} as {
    context: SupervisionContext;
    events: SupervisionEvent;
    input: SupervisionInput;
    output: SupervisionContext;
    tags: SupervisionTag;
  },
  actors: {
    look: effect<SupervisionEffects, 'look'>('look'),
    awaitDeath: effect<SupervisionEffects, 'awaitDeath'>('awaitDeath'),
    ask: effect<SupervisionEffects, 'ask'>('ask'),
    askRoom: effect<SupervisionEffects, 'askRoom'>('askRoom'),
    secure: effect<SupervisionEffects, 'secure'>('secure'),
    recover: effect<SupervisionEffects, 'recover'>('recover'),
    seal: effect<SupervisionEffects, 'seal'>('seal'),
  },
  delays: {
    ...limits,
    startLeftMs: ({ context: { policy, elapsedMs } }) => Math.max(1, policy.startMs - Math.max(0, elapsedMs)),
    excusedMs: ({ context }) => context.excusedMs,
    lostMs: ({ context: { policy } }) => Math.min(MAX_TIMER_MS, policy.unresponsiveMs + policy.returnMs),
    recoverMs: ({ context: { policy, noticed } }) => {
      const recovery = { ...recoveryContext(policy), wasSeenAtOnce: noticed === 'died' };
      return boundOf(recoveryMachine, recovery, 'recovery.probing').ms;
    },
    sealPauseMs: ({ context }) => context.sealPauseMs,
  },
  guards: {
    isClosed: ({ context }) => context.journal === 'closed',
    isOpened: ({ context }) => context.journal === 'opened',
    isFoundClosed: ({ event }) => outputOf<{ journal: string }>(event).journal === 'closed',
    isFoundOpened: ({ event }) => outputOf<{ journal: string }>(event).journal === 'opened',
    isFoundUnopened: ({ event }) => outputOf<{ journal: string }>(event).journal === 'none',
    isDead: ({ event }) => verdictOf(event).process === 'dead',
    isExcused: ({ event }) => verdictOf(event).process === 'alive' && (verdictOf(event).excusedMs ?? 0) > 0,
    isMoving: ({ event }) => verdictOf(event).isWriting === true,
    isAlive: ({ event }) => verdictOf(event).process === 'alive',
    isAgentGone: ({ event }) => outputOf<{ agentThere: boolean }>(event).agentThere === false,
    isFoundWithdrawn: ({ event }) => outputOf<{ journal: string }>(event).journal === 'withdrawn',
    isWorkerHere: ({ context }) => context.isWorkerHere,
    isResumed: ({ event }) => outputOf<{ outcome: string }>(event).outcome === 'resumed',
    isUnconfirmed: ({ event }) => outputOf<{ isHangUpOwed: boolean }>(event).isHangUpOwed !== false,
  },
  actions: {
    note: assign({ noticed: (_, { noticed }: { noticed: Noticed }) => noticed }),
    // A caller's patience does not depend on why: the state around it lasts no longer than the same limit again.
    excuse: assign({ excusedMs: ({ event }) => Math.min(MAX_TIMER_MS, verdictOf(event).excusedMs ?? 1) }),
    meetWorker: assign({ isWorkerHere: true }),
    oweHangUp: assign({ isHangUpOwed: true }),
    forgetDeath: assign({ noticed: null, excusedMs: 1 }),
    pauseLonger: assign({ sealPauseMs: ({ context }) => Math.min(LAST_PAUSE_MS, context.sealPauseMs * 2) }),
  },
}).createMachine({
  id: 'supervision',
  context: ({ input }) => ({
    ...input,
    noticed: null,
    excusedMs: 1,
    isHangUpOwed: false,
    sealPauseMs: FIRST_PAUSE_MS / 2,
  }),
  output: ({ context }) => context,
  initial: 'choosing',
  on: { 'worker.here': { actions: 'meetWorker' } },
  states: {
    choosing: {
      description: 'Accepted just now, or found after a restart of the keeper.',
      always: [
        { guard: 'isClosed', target: 'sealing' },
        { guard: 'isOpened', target: '#unheard' },
        { target: 'accepted' },
      ],
    },
    accepted: {
      description: 'On disk; its journal is not open yet.',
      tags: ['cold', 'undecided'],
      initial: 'queued',
      after: { startLeftMs: 'looking' },
      on: {
        'job.here': 'running',
        'job.closed': 'sealing',
        'job.unstarted': 'looking',
        'job.withdrawn': 'withdrawn',
        'budget.spent': { target: '#securing', actions: noted('unopened') },
      },
      states: {
        queued: {
          description: 'Waits for a process, its import and its prewarm.',
          on: { 'job.launched': 'beginning' },
        },
        beginning: { description: 'A warm process has it.', tags: 'warm', after: { warmStartMs: '#looking' } },
      },
    },
    looking: {
      id: 'looking',
      description: 'Too late, or without a process: has it opened its journal, and not reached us?',
      tags: ['cold', 'warm', 'undecided', 'late'],
      ...within('verdictMs', 'look', {
        done: [
          { guard: 'isFoundClosed', target: 'sealing' },
          { guard: 'isFoundOpened', target: '#unheard' },
          { guard: 'isFoundUnopened', target: '#securing', actions: noted('unopened') },
          { target: '#askingRoom' }, // a journal that cannot be read is not one that was never opened
        ],
        otherwise: '#askingRoom',
      }),
      on: {
        'job.here': 'running',
        'job.closed': 'sealing',
        'job.withdrawn': 'withdrawn',
        'budget.spent': { target: '#securing', actions: noted('unopened') },
      },
    },
    running: {
      id: 'running',
      description: 'It has a journal.',
      tags: ['alive', 'undecided', 'opened'],
      initial: 'heard',
      on: {
        'job.beat': { target: '#running', reenter: true },
        'job.here': { target: '#running', reenter: true },
        'job.closed': 'sealing',
        'job.withdrawn': 'withdrawn',
        'budget.spent': { target: '#securing', actions: noted('frozen') },
      },
      states: {
        heard: {
          description: 'It beats, over its connection.',
          tags: ['detecting', 'heard'],
          after: { unresponsiveMs: '#suspect' },
          on: { 'job.lost': 'unheard' },
        },
        unheard: {
          id: 'unheard',
          description: 'No connection, or no beats from a process that is seen to live: its death is waited for.',
          tags: 'lost',
          after: { lostMs: '#suspect' },
          ...during('awaitDeath', { done: { target: '#securing', actions: noted('died') }, otherwise: '#suspect' }),
        },
      },
    },
    suspect: {
      id: 'suspect',
      description: 'Silent past its patience.',
      tags: ['undecided', 'opened'],
      initial: 'asking',
      on: {
        'job.beat': 'running',
        'job.here': 'running',
        'job.closed': 'sealing',
        'job.withdrawn': 'withdrawn',
        'budget.spent': { target: '#securing', actions: noted('frozen') },
      },
      states: {
        asking: {
          description: 'Does its process live, write, or wait for a core? Was it we who were late?',
          tags: ['detecting', 'lost'],
          ...within('verdictMs', 'ask', {
            done: [
              { guard: 'isExcused', target: 'starved', actions: 'excuse' },
              { guard: 'isDead', target: '#securing', actions: noted('died') },
              { guard: 'isMoving', target: '#unheard' },
              { guard: 'isAlive', target: '#securing', actions: noted('frozen') },
              { target: '#askingRoom' },
            ],
            otherwise: '#askingRoom',
          }),
        },
        starved: {
          description: 'The time without a core, or without our ear, is given back: as much again, and no more.',
          tags: 'starved',
          initial: 'excused',
          after: { unresponsiveMs: 'askingLast' },
          states: {
            excused: { description: 'It had no chance to beat.', after: { excusedMs: 'asking' } },
            asking: {
              description: 'Has it had one since?',
              ...within('verdictMs', 'ask', {
                done: [
                  { guard: 'isExcused', target: 'excused', actions: 'excuse' },
                  { guard: 'isDead', target: '#securing', actions: noted('died') },
                  { guard: 'isMoving', target: '#unheard' },
                  { guard: 'isAlive', target: '#securing', actions: noted('frozen') },
                  { target: '#askingRoom' },
                ],
                otherwise: '#askingRoom',
              }),
            },
          },
        },
        askingLast: {
          description: 'The same question, without an excuse.',
          tags: 'starved',
          ...within('verdictMs', 'ask', {
            done: [
              { guard: 'isDead', target: '#securing', actions: noted('died') },
              { guard: 'isMoving', target: '#unheard' },
              { guard: 'isAlive', target: '#securing', actions: noted('frozen') },
              { target: '#askingRoom' },
            ],
            otherwise: '#askingRoom',
          }),
        },
        askingRoom: {
          id: 'askingRoom',
          description: 'Is its agent in the room? No answer counts as: yes.',
          tags: 'doubtful',
          ...within('askMs', 'askRoom', {
            done: [{ guard: 'isAgentGone', target: '#securing', actions: noted('gone') }, { target: '#unheard' }],
            otherwise: '#unheard',
          }),
        },
      },
    },
    securing: {
      id: 'securing',
      description: 'Nobody acts in the stead of a process that lives: it is ended, and its last words are read.',
      tags: ['cold', 'warm', 'detecting', 'lost', 'starved', 'doubtful', 'taken'],
      ...within(
        'killMs',
        'secure',
        {
          done: [
            { guard: 'isFoundWithdrawn', target: 'withdrawn' },
            { guard: 'isFoundClosed', target: 'sealing' },
            { guard: 'isWorkerHere', target: 'recovering' },
            { target: 'awaitingWorker' },
          ],
          otherwise: [{ guard: 'isWorkerHere', target: 'recovering' }, { target: 'awaitingWorker' }],
        },
        ({ noticed }) => ({ noticed: noticed ?? 'gone' }),
      ),
    },
    awaitingWorker: {
      description: 'A keeper that began anew knows no LiveKit before a worker has said where it is.',
      on: { 'worker.here': { target: 'recovering', actions: 'meetWorker' } },
    },
    recovering: {
      description: 'Its recovery is a machine of its own.',
      after: { recoverMs: { target: 'sealing', actions: 'oweHangUp' } },
      ...during(
        'recover',
        {
          done: [
            { guard: 'isResumed', target: '#unheard', actions: 'forgetDeath' }, // P5: until its first beat
            { guard: 'isUnconfirmed', target: 'sealing', actions: 'oweHangUp' },
            { target: 'sealing' },
          ],
          otherwise: { target: 'sealing', actions: 'oweHangUp' },
        },
        ({ noticed }) => ({ noticed: noticed ?? 'gone' }),
      ),
    },
    sealing: {
      description: 'Fold, seal, hand over to delivery; again and again until it works.',
      tags: 'released',
      initial: 'trying',
      states: {
        trying: {
          description: 'One attempt.',
          entry: 'pauseLonger',
          ...within('sealMs', 'seal', { done: '#over', otherwise: 'pausing' }, ({ isHangUpOwed }) => ({
            isHangUpOwed,
          })),
        },
        pausing: {
          description: 'The store, or the worker that knows where reports go, is waited for.',
          after: { sealPauseMs: 'trying' },
          on: { 'worker.here': 'trying' },
        },
      },
    },
    over: { id: 'over', description: 'Sealed.', tags: 'released', type: 'final' },
    withdrawn: { description: 'No session, and no report.', tags: 'released', type: 'final' },
  },
});
