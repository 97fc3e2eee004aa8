/**
 * Five calls as whoever looks for the first time meets them: one that went well, one whose model failed, one whose job was
 * killed, one whose caller sat in silence, one whose report no receiver took. The machine is the real one, on a virtual
 * clock; the reports are the folds of these journals, in a store as a keeper has it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOf } from '../../machines/index.ts';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { lineOf } from '../../src/journal/line.ts';
import { fold, serializeReport } from '../../src/report/fold.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { Script } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';

const RECEIVER = 'https://backend.example/calls';
const INSTRUCTIONS = 'You are Ada, the receptionist of a small restaurant.';

export type FiveCalls = { directory: string; remove(): void };

export async function fiveCalls(): Promise<FiveCalls> {
  const directory = mkdtempSync(join(tmpdir(), 'lastword-five-'));
  const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
  try {
    await put(directory, store, 'healthy', await healthy(), 'delivered');
    await put(directory, store, 'model-failed', await modelFailed(), 'delivered');
    await put(directory, store, 'job-killed', await jobKilled(), 'delivered');
    await put(directory, store, 'in-silence', await inSilence(), 'delivered');
    await put(directory, store, 'not-delivered', await healthy(), 'dead');
  } finally {
    await store.close();
  }
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

type Files = { job: Entry[]; keeper?: Entry[] };

const audible = (call: VirtualSession, who: 'caller' | 'agent', change: 'begins' | 'ends') =>
  call.note('audible', who === 'caller' ? { who, change } : { who, change, agent: 'receptionist', speech: 'speech_1' });
const item = (call: VirtualSession, id: string, role: 'user' | 'assistant', text: string) =>
  call.note('item', { id, role, text, interrupted: false, createdAt: call.clock.now });

/** The caller asks, and the model is asked. */
async function asked(call: VirtualSession): Promise<VirtualSession> {
  await call.converse();
  await call.clock.advance(1_200);
  audible(call, 'caller', 'begins');
  await call.clock.advance(2_300);
  audible(call, 'caller', 'ends');
  item(call, 'item_1', 'user', 'A table for two at seven, please.');
  call.note('request', {
    agent: 'receptionist',
    items: ['item_1'],
    instructions: 'i1',
    tools: ['book_table'],
    pii: { instructions: INSTRUCTIONS },
  });
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  return call;
}

async function answered(call: VirtualSession): Promise<void> {
  await call.clock.advance(900);
  audible(call, 'agent', 'begins');
  call.send({ type: 'agent.audible' });
  await call.clock.advance(2_600);
  audible(call, 'agent', 'ends');
  item(call, 'item_2', 'assistant', 'There is one, by the window. See you at seven.');
  call.send({ type: 'dialogue.moved' });
}

async function healthy(): Promise<Files> {
  const call = await asked(new VirtualSession());
  await answered(call);
  await call.clock.advance(800);
  call.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true });
  await call.report();
  return { job: call.entries };
}

async function modelFailed(): Promise<Files> {
  const call = await asked(new VirtualSession());
  await call.clock.advance(1_500);
  call.note('error', { component: 'llm', message: '503: overloaded', recoverable: false });
  call.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', '503: overloaded') });
  await call.report();
  return { job: call.entries };
}

/** Nobody filled the wait: the lines were asked for, and none was heard. */
async function inSilence(): Promise<Files> {
  const call = await asked(new VirtualSession());
  await call.clock.advance(16_000);
  call.leaves();
  await call.report();
  const isFiller = ({ kind, data }: Entry) =>
    (kind === 'spoken' && data.line === 'filler') ||
    (kind === 'event' && data.type === 'line.audible' && data['line'] === 'filler');
  return {
    job: call.entries.filter((entry) => !isFiller(entry)).map((entry, place) => ({ ...entry, seq: place + 1 })),
  };
}

/** `kill -9` while the caller waits; the keeper apologises and lets them go. */
async function jobKilled(): Promise<Files> {
  const call = await asked(new VirtualSession());
  const job = [...call.entries];
  const waits = job.at(-1)?.at ?? 0;
  const keeper = new Script(waits)
    .add(1_100, 'keeper.noticed', { what: 'died', epoch: 1, detail: 'killed by SIGKILL' })
    .to(1, ['probing'], 'xstate.init', 'recovery')
    .to(30, ['apologizing.unheard'], 'xstate.done.actor.probe', 'recovery')
    .add(350, 'event', { type: 'apologist.audible' })
    .to(1, ['apologizing.playing'], 'apologist.audible', 'recovery')
    .add(2_100, 'spoken', { line: 'apology', rung: 'bundled', firstAudioMs: 350, heardMs: 2_050, outcome: 'played' })
    .to(1, ['hangingUp'], 'xstate.done.actor.line', 'recovery')
    .add(60, 'hangup', { strategy: 'delete-room', attempts: 1, verified: true, left: [], ms: 59 });
  return { job, keeper: keeper.entries };
}

async function put(
  directory: string,
  store: Store,
  name: string,
  { job, keeper = [] }: Files,
  became: 'delivered' | 'dead',
): Promise<void> {
  const session = sessionIdOf(name);
  const epochs = [{ epoch: 1, entries: renamed(job, name), torn: false }];
  const journal: SessionJournal = { session, epochs, keeper };
  const report = fold(journal);
  const sealedAt = Math.max(...[...job, ...keeper].map(({ at }) => at)) + 40;
  const seal = new Script(sealedAt).add(0, 'keeper.sealed', { report: report.id, bytes: 1 }).entries;
  const kept = [...keeper, ...seal.map((entry) => ({ ...entry, seq: keeper.length + 1 }))];
  const folder = join(directory, 'sessions', name);
  mkdirSync(folder, { recursive: true });
  const write = (file: string, entries: readonly Entry[]) =>
    writeFileSync(join(folder, `${file}.jsonl`), entries.map((entry) => lineOf(entry)).join(''));
  write('1', epochs[0]?.entries ?? []);
  write('keeper', kept);
  const acceptedAt = job[0]?.at ?? 0;
  const row = { session, epoch: 1, job: jobIdOf(name), room: name, agentName: 'receptionist', acceptedAt };
  const delivery = `del_${name}`;
  const body = serializeReport(report);
  await store.seal(
    { ...row, state: 'sealed', endedAt: sealedAt - 40, by: report.end.by, reason: report.end.reason },
    { session, report: report.id, sealedAt, body },
    [{ delivery, session, report: report.id, destination: RECEIVER, kind: 'report', body, nextAt: sealedAt }],
  );
  const ask = { owner: 'five', now: sealedAt, limit: 1, leaseMs: 60_000, names: [RECEIVER], each: 1 };
  const [claimed] = await store.claim(ask);
  if (!claimed) throw new Error(`five calls: expected the delivery of ${name} to be due, got none`);
  const at = sealedAt + 5;
  await store.begin(delivery, claimed.lease, at);
  await store.settle(
    delivery,
    claimed.lease,
    became === 'delivered'
      ? { kind: 'delivered', at: at + 60, attempt: { at, ms: 60, status: 204, signatures: 1 } }
      : {
          kind: 'dead',
          at: at + 60,
          error: '401: bad signature',
          attempt: { at, ms: 60, status: 401, answer: 'bad signature', signatures: 1 },
        },
  );
}

const renamed = (entries: readonly Entry[], name: string): Entry[] =>
  entries.map((entry) =>
    entry.kind === 'session.opened'
      ? { ...entry, data: { ...entry.data, session: sessionIdOf(name), room: { ...entry.data.room, name } } }
      : entry,
  );
