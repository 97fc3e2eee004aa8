/** Journals of whole sessions, for tests and for the example in docs/report.md. */
import { defaultPolicy } from '../../machines/index.ts';
import type { EntryData, Entry, EntryKind, JobFacts, Owner, SessionJournal } from '../../src/journal/entry.ts';
import { type SessionId, firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';

const BEGAN = Date.UTC(2026, 10, 20, 9, 30);

/** Entries one after the other, numbered, on a clock of their own. */
export class Script {
  readonly entries: Entry[] = [];
  #at: number;

  constructor(at: number = BEGAN) {
    this.#at = at;
  }

  add<Kind extends EntryKind>(afterMs: number, kind: Kind, data: EntryData[Kind]): this {
    this.#at += afterMs;
    this.entries.push({ seq: this.entries.length + 1, at: this.#at, kind, data } as Entry);
    return this;
  }

  to(afterMs: number, states: string[], event: string, machine: 'session' | 'recovery' = 'session'): this {
    const last = this.entries.findLast((entry) => entry.kind === 'transition' && entry.data.machine === machine);
    const from = last?.kind === 'transition' ? last.data.to : [];
    return this.add(afterMs, 'transition', { machine, from, to: states, event });
  }
}

export const facts: JobFacts = {
  ...firstJob(jobIdOf('AJ_7Qd2')),
  agentName: 'receptionist',
  room: { name: 'table-booking-41', sid: 'RM_9sXa' },
  metadata: '{"customer":"4711","language":"en"}',
};
export const owner: Owner = {
  host: 'agents-1',
  bootId: '0f3c',
  pidNamespace: '4026531836',
  pid: 4711,
  startTicks: '88123',
};
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const talking = (dialogue: string, work = 'none') => [
  `live.conversing.dialogue.${dialogue}`,
  `live.conversing.work.${work}`,
  'live.conversing.duration.open',
];

export const accepted = (): Script =>
  new Script().add(0, 'session.accepted', { ...facts, worker: 'worker-1', hangUp, policy: defaultPolicy });

export const opened = (session: SessionId, epoch = 1, more: Partial<EntryData['session.opened']> = {}): Script =>
  new Script(BEGAN + 180).add(0, 'session.opened', {
    ...facts,
    session,
    epoch,
    owner,
    identity: 'agent-AJ_7Qd2',
    policy: defaultPolicy,
    policyHash: 'b1946ac9',
    machineHash: '591785b7',
    hangUp,
    versions: { lastword: '0.1.0', '@livekit/agents': '1.9.0' },
    ...more,
  });

/** From the ring to the caller's question. */
const talk = (script: Script): Script =>
  script
    .to(1, ['live.connecting.joining.connectingRoom'], 'xstate.init')
    .add(210, 'room', { change: 'connected', sid: 'RM_9sXa' })
    .to(90, ['live.connecting.awaitingCaller'], 'xstate.done.actor.startSession')
    .add(400, 'participant', {
      change: 'joined',
      identity: 'caller',
      sid: 'PA_1',
      kind: 'sip',
      isCaller: true,
      attributes: { 'sip.phoneNumber': '+4930901820' },
    })
    .to(2, ['live.greeting.asked'], 'xstate.done.actor.awaitCaller')
    .add(1, 'effect', {
      machine: 'session',
      id: 'speak#1',
      name: 'speak',
      phase: 'requested',
      line: 'greeting',
      rung: 'live',
    })
    .add(320, 'event', { type: 'line.audible', line: 'greeting', rung: 'live' })
    .add(0, 'latency', { measure: 'greeting', ms: 323 })
    .to(1, talking('active'), 'line.audible')
    .add(1, 'effect', {
      machine: 'session',
      id: 'speak#1',
      name: 'speak',
      phase: 'settled',
      line: 'greeting',
      rung: 'live',
      ms: 322,
    })
    .add(1_900, 'spoken', {
      line: 'greeting',
      rung: 'live',
      text: 'Hello, this is Ada.',
      firstAudioMs: 320,
      heardMs: 1_840,
      plannedMs: 1_840,
      outcome: 'played',
    })
    .add(5, 'item', {
      id: 'item_1',
      role: 'assistant',
      text: 'Hello, this is Ada.',
      interrupted: false,
      agent: 'receptionist',
      createdAt: BEGAN + 3_200,
    })
    .add(2_600, 'item', {
      id: 'item_2',
      role: 'user',
      text: 'A table for two at seven, please.',
      interrupted: false,
      createdAt: BEGAN + 5_700,
    })
    .add(1, 'event', { type: 'caller.waits' })
    .to(1, talking('waiting'), 'caller.waits')
    .add(450, 'tool', {
      call: 'call_1',
      name: 'book_table',
      status: 'started',
      agent: 'receptionist',
      args: { people: 2, time: '19:00' },
    })
    .add(1, 'event', { type: 'tool.started' });

/** A caller books a table, says goodbye, and is released. */
export const wholeCall = (session = sessionIdOf('AJ_7Qd2')): SessionJournal => {
  const script = talk(opened(session))
    .add(380, 'tool', {
      call: 'call_1',
      name: 'book_table',
      status: 'settled',
      agent: 'receptionist',
      output: { table: 12 },
      ms: 381,
    })
    .add(1, 'event', { type: 'tool.ended' })
    .add(310, 'event', { type: 'agent.audible' })
    .add(0, 'latency', { measure: 'turn', ms: 1_143 })
    .to(1, talking('active'), 'agent.audible')
    .add(2_300, 'item', {
      id: 'item_3',
      role: 'assistant',
      text: 'Table twelve is yours at',
      interrupted: true,
      agent: 'receptionist',
      createdAt: BEGAN + 9_200,
    })
    .add(900, 'item', {
      id: 'item_4',
      role: 'user',
      text: 'Great, thanks, bye!',
      interrupted: false,
      createdAt: BEGAN + 10_100,
    })
    .add(10, 'participant', { change: 'attributes', identity: 'caller', attributes: { mood: 'glad' } })
    .add(590, 'attach', { key: 'outcome', value: 'booked' })
    .add(1, 'attach', { key: 'table', value: 12 })
    .add(1, 'event', { type: 'session.end', end: { by: 'agent', reason: 'agent_ended', fault: 'none' }, drain: true })
    .to(1, ['ending.draining'], 'session.end')
    .to(40, ['ending.interrupting'], 'xstate.done.actor.drain')
    .to(12, ['exiting.saying.unheard'], 'xstate.done.actor.interrupt')
    .add(1, 'effect', {
      machine: 'session',
      id: 'speak#2',
      name: 'speak',
      phase: 'requested',
      line: 'goodbye',
      rung: 'live',
    })
    .add(280, 'event', { type: 'line.audible', line: 'goodbye', rung: 'live' })
    .to(1, ['exiting.saying.playing'], 'line.audible')
    .add(1_520, 'spoken', {
      line: 'goodbye',
      rung: 'live',
      text: 'Thank you. Goodbye.',
      firstAudioMs: 280,
      heardMs: 1_460,
      plannedMs: 1_460,
      outcome: 'played',
    })
    .to(1, ['exiting.hangingUp'], 'xstate.done.actor.line')
    .add(1, 'effect', { machine: 'session', id: 'hangUp#1', name: 'hangUp', phase: 'requested' })
    .add(70, 'hangup', { strategy: 'delete-room', attempts: 1, verified: true, left: [], ms: 70 })
    .add(4, 'participant', { change: 'left', identity: 'caller', sid: 'PA_1', reason: 'ROOM_DELETED' })
    .to(1, ['reporting.closing'], 'xstate.done.actor.hangUp')
    .add(30, 'usage', {
      models: [
        { type: 'llm', provider: 'openai', model: 'gpt-4o-mini', inputTokens: 412, outputTokens: 38 },
        { type: 'tts', provider: 'cartesia', model: 'sonic-2', characters: 61 },
      ],
    })
    .to(90, ['reporting.sending'], 'xstate.done.actor.close')
    .add(1, 'session.closed', {
      end: { by: 'agent', reason: 'agent_ended', fault: 'none' },
      alsoTriggered: [{ by: 'caller', reason: 'caller_hung_up', fault: 'none' }],
      stage: 'conversing',
    });
  const keeper = accepted().add(12_716, 'keeper.noticed', { what: 'closed', epoch: 1 });
  return { session, epochs: [{ epoch: 1, entries: script.entries, torn: false }], keeper: keeper.entries };
};

/** The process is killed while a tool runs; the keeper apologises, hangs up and seals. */
export const crashedCall = (session = sessionIdOf('AJ_7Qd2')): SessionJournal => {
  const script = talk(opened(session));
  const keeper = accepted()
    .add(9_000, 'keeper.noticed', { what: 'died', epoch: 1, detail: 'killed by SIGKILL' })
    .to(1, ['probing'], 'xstate.init', 'recovery')
    .to(30, ['apologizing.unheard'], 'xstate.done.actor.probe', 'recovery')
    .add(1, 'effect', {
      machine: 'recovery',
      id: 'apologize#1',
      name: 'apologize',
      phase: 'requested',
      line: 'apology',
      rung: 'bundled',
    })
    .add(350, 'event', { type: 'apologist.audible' })
    .to(1, ['apologizing.playing'], 'apologist.audible', 'recovery')
    .add(2_100, 'spoken', { line: 'apology', rung: 'bundled', firstAudioMs: 350, heardMs: 2_050, outcome: 'played' })
    .to(1, ['hangingUp'], 'xstate.done.actor.line', 'recovery')
    .add(60, 'hangup', { strategy: 'delete-room', attempts: 1, verified: true, left: [], ms: 59 });
  return { session, epochs: [{ epoch: 1, entries: script.entries, torn: true }], keeper: keeper.entries };
};

/** Accepted; the job never opened its journal. */
export const unopenedCall = (session = sessionIdOf('AJ_7Qd2')): SessionJournal => ({
  session,
  epochs: [],
  keeper: accepted().add(6_000, 'keeper.noticed', { what: 'unopened', epoch: 1 }).entries,
});

export const textOf = (entries: readonly unknown[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
