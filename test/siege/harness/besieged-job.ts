/**
 * Stands in for the process of one call: it writes a real journal, holds the real link and beats over it, and ends as a
 * job does: durable, `job.closed`, wait for the seal within `reportMs`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryData, EntryKind } from '../../../src/journal/entry.ts';
import { thisProcess } from '../../../src/journal/owner.ts';
import { openJournal } from '../../../src/journal/write.ts';
import { connectLink } from '../../../src/link/client.ts';
import { closeJournal, sayClosed } from '../../../src/session/last-entry.ts';
import { jobToken } from '../../../src/link/secret.ts';
import { surviveLostOutput } from '../../../src/own-output.ts';
import { takeOrders } from './orders.ts';
import { hangUp, jobPort, policyOf, readScenario, roomOf, type Offer } from './scenario.ts';

/** Between the answer to the order and the end of this process. */
const LAST_MS = 50;
const scenario = readScenario();
const offer = JSON.parse(process.argv[2] ?? '{}') as Offer;
const { session, metadata = '', beats = true, isStranger = false } = offer;
const policy = policyOf(scenario);
const owner = await thisProcess();
const identity = `agent-${session}`;
const troubles: string[] = [];
const heard: string[] = [];
let isClosing = false;

surviveLostOutput();
writeFileSync(join(scenario.scratch, `job-${process.pid}.pid`), String(process.pid));
const journal = await openJournal({
  directory: scenario.directory,
  session,
  file: '1',
  first: {
    kind: 'session.opened',
    data: {
      job: session,
      agentName: 'ada',
      room: roomOf(session),
      metadata,
      session,
      epoch: 1,
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
    return [{ type: 'hello.job', session, epoch: 1, owner, identity, token }];
  },
  onMessage: ({ type }) => {
    heard.push(type);
    if (type === 'yield') process.exit(0);
    if (type === 'shutdown') void close();
  },
});
if (beats) setInterval(() => link.send({ type: 'beat', session }), policy.beatMs);
setInterval(() => undefined, 60_000);

async function close(): Promise<{ isSealed: boolean }> {
  if (isClosing) throw new Error('closing already');
  isClosing = true;
  const end = { by: 'caller', reason: 'caller_hung_up', fault: 'none' } as const;
  journal.append('session.closed', { end, alsoTriggered: [], stage: 'conversing' });
  const isSealed = await sayClosed({ journal, link, session }, policy.reportMs);
  void closeJournal({ journal, link, session }).then(() => {
    link.close();
    setTimeout(() => process.exit(0), LAST_MS);
  });
  return { isSealed };
}

await takeOrders(jobPort(scenario, session), {
  status: () => ({ pid: process.pid, lastSeq: journal.lastSeq, isConnected: link.isConnected, troubles, heard }),
  append<Kind extends EntryKind>({ kind, data, times = 1 }: { kind: Kind; data: EntryData[Kind]; times?: number }) {
    for (let time = 0; time < times; time += 1) journal.append(kind, data);
  },
  durable: () => journal.durable(),
  close,
});
