/**
 * One call of a stand-in: it writes a real journal, holds the real link and beats over it, and ends as a job does:
 * durable, `job.closed`, wait for the seal within `reportMs`. In a process of its own (besieged-job.ts), or with many
 * others in the worker's.
 */
import type { EntryData, EntryKind } from '../../../src/journal/entry.ts';
import { thisProcess } from '../../../src/journal/owner.ts';
import { openJournal } from '../../../src/journal/write.ts';
import { firstJob, sessionIdOf } from '../../../src/journal/ids.ts';
import { connectLink } from '../../../src/link/client.ts';
import { jobToken } from '../../../src/link/secret.ts';
import { closeJournal, sayClosed } from '../../../src/session/last-entry.ts';
import { hangUp, policyOf, roomOf, type Offer, type Scenario } from './scenario.ts';

export type Closed = { isSealed: boolean };
export type BesiegedCall = {
  append: <Kind extends EntryKind>(what: { kind: Kind; data: EntryData[Kind]; times?: number }) => void;
  durable: () => Promise<void>;
  /** @throws Error when it is closing already */
  close: () => Promise<Closed>;
  status: () => { pid: number; lastSeq: number; isConnected: boolean; troubles: string[]; heard: string[] };
};

/** Opens its journal, and connects behind it. `onOver`: it is closed, or was told to yield. */
export async function openCall(scenario: Scenario, offer: Offer, onOver: () => void): Promise<BesiegedCall> {
  const { metadata = '', beats = true, isStranger = false } = offer;
  const session = sessionIdOf(offer.session);
  const policy = policyOf(scenario);
  const owner = await thisProcess();
  const identity = `agent-${session}`;
  const troubles: string[] = [];
  const heard: string[] = [];
  let isClosing = false;
  const journal = await openJournal({
    directory: scenario.directory,
    session,
    file: 1,
    first: {
      kind: 'session.opened',
      data: {
        ...firstJob(session),
        agentName: 'ada',
        room: roomOf(session),
        metadata,
        owner,
        identity,
        policy,
        policyHash: 'policy',
        machineHash: 'machine',
        hangUp,
        versions: {},
      },
    },
    onTrouble: ({ code }) => troubles.push(code),
  });
  const link = connectLink({
    path: process.env['LASTWORD_SOCKET'] ?? '',
    hello: () => {
      const token = isStranger ? 'none' : (jobToken(scenario.directory, session) ?? '');
      return [{ type: 'hello.job', ...firstJob(session), owner, identity, token }];
    },
    onMessage: ({ type }) => {
      heard.push(type);
      if (type === 'yield') onOver();
      if (type === 'shutdown' && !isClosing) void close();
    },
  });
  const beating = beats ? setInterval(() => link.send({ type: 'beat', session }), policy.beatMs) : undefined;

  async function close(): Promise<Closed> {
    if (isClosing) throw new Error('closing already');
    isClosing = true;
    const end = { by: 'caller', reason: 'caller_hung_up', fault: 'none' } as const;
    journal.append('session.closed', { end, alsoTriggered: [], stage: 'conversing' });
    const isSealed = await sayClosed({ journal, link, ...firstJob(session) }, policy.reportMs);
    void closeJournal({ journal, link, session }).then(() => {
      link.close();
      clearInterval(beating);
      onOver();
    });
    return { isSealed };
  }

  return {
    append({ kind, data, times = 1 }) {
      for (let time = 0; time < times; time += 1) journal.append(kind, data);
    },
    durable: () => journal.durable(),
    close,
    status: () => ({ pid: process.pid, lastSeq: journal.lastSeq, isConnected: link.isConnected, troubles, heard }),
  };
}
