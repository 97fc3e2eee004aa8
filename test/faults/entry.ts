/**
 * A job as `defineSession` runs one, in this process: the real entry, the real room adapter, a room and a server that
 * are stand-ins, and somebody who says `sealed` as the keeper does. What the SDK does after the job has asked to be
 * shut down (hook, upload, telemetry, callbacks) never comes to an end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeLogger, JobContext, type JobProcess } from '@livekit/agents';
import { vi } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { readSession } from '../../src/journal/read.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { defineSession } from '../../src/job/define-session.ts';
import { listen, type Peer } from '../../src/link/server.ts';
import type { Call } from '../../src/livekit/call.ts';
import type { GivenHangUp } from '../../src/livekit/of-call.ts';
import { fold } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { type FakeRoom, fakeRoom } from './fake-room.ts';

initializeLogger({ pretty: false, level: 'silent' });

type Behaviour = {
  program: (call: Call) => Promise<void>;
  participants: ((call: Call) => void)[];
  connect: (call: Call) => unknown;
  /** The longest duration of a call. */
  longestMs: (call: Call) => number | Promise<number>;
  hangUp: (call: Call) => GivenHangUp;
};
let behaviour: Behaviour;
/** One a file, so that it is asked late what it is to do. */
const job = defineSession({
  program: (call) => behaviour.program(call),
  connect: (call) => behaviour.connect(call) as undefined,
  participants: [
    (call) => behaviour.participants[0]?.(call),
    { kind: 'standard', run: (call) => behaviour.participants[1]?.(call) },
    { kind: 'sip', run: (call) => behaviour.participants[2]?.(call) },
  ],
  policy: { closeMs: 500, reportMs: 1000, maxDurationMs: (call) => behaviour.longestMs(call) },
  hangUp: (call) => behaviour.hangUp(call),
});

export type Ran = {
  /** In the order in which it came: `hung up`, `sealed`, `told to shut down: REASON`. */
  story: string[];
  reports: Report[];
  /** As it was when the report was sealed. */
  entries: readonly Entry[];
  /** What the process was told to exit with, ten seconds after that. */
  exitCode: () => Promise<unknown>;
};

let ran = 0;

/** Until the job has asked the SDK to shut it down: the SDK's context, and the last that comes of it. */
export async function runEntry({
  program = async () => {},
  participants = [],
  connect = () => undefined,
  longestMs = () => 1_800_000,
  hangUp = () => ({}),
  unusual,
}: Partial<Behaviour> & { unusual?: (room: FakeRoom) => void }): Promise<Ran> {
  behaviour = { program, participants, connect, longestMs, hangUp };
  // Fake, and in step with real time: only the last wait of the job is skipped.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  const directory = await mkdtemp(join(tmpdir(), 'lastword-entry-'));
  const story: string[] = [];
  const reports: Report[] = [];
  const entries: Entry[] = [];
  const id = sessionIdOf(`job-${(ran += 1)}`);
  await using room = await fakeRoom();
  unusual?.(room);
  const socket = join(directory, 'keeper.sock');
  const seal = async (peer: Peer) => {
    const journal = await readSession(directory, id);
    entries.push(...journal.epochs.flatMap((epoch) => epoch.entries));
    const report = fold(journal);
    if (room.server.asked.includes('DeleteRoom')) story.push('hung up');
    reports.push(report);
    story.push('sealed');
    peer.send({ type: 'sealed', session: id, report: report.id });
  };
  const keeper = await listen({
    path: socket,
    onPeer: (peer) => ({
      onMessage: (message) => void (message.type === 'job.closed' && seal(peer)),
      onClose: () => {},
    }),
  });
  vi.stubEnv('LASTWORD_DIR', directory);
  vi.stubEnv('LASTWORD_SOCKET', socket);
  const before = new Map(netted.map((event) => [event, process.listeners(event as 'disconnect')]));
  try {
    await new Promise<void>((resolve, reject) => {
      const told = (reason: string) => {
        story.push(`told to shut down: ${reason}`);
        resolve();
      };
      job.entry(contextIn(room, id, told)).catch(reject);
    });
    const exitCode = async () => {
      await vi.advanceTimersByTimeAsync(10_000);
      return exit.mock.lastCall?.[0];
    };
    return { story, reports, entries, exitCode };
  } finally {
    for (const [event, listeners] of before)
      for (const listener of process.listeners(event as 'disconnect'))
        if (!listeners.includes(listener)) process.off(event, listener);
    vi.unstubAllEnvs();
    await keeper.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the job listens to for the life of its process, which is ours here. */
const netted = ['uncaughtException', 'unhandledRejection', 'disconnect', 'message'];

const contextIn = (room: FakeRoom, id: string, told: (reason: string) => void) =>
  new JobContext(
    { userData: {} } as JobProcess,
    {
      acceptArguments: { name: '', identity: 'agent', metadata: '' },
      job: { id, agentName: '', metadata: '', attributes: {}, room: { name: room.name, sid: 'RM_1' } } as never,
      url: room.server.url,
      token: '',
      workerId: 'worker',
      apiKey: 'key',
      apiSecret: 'a secret of at least 32 characters',
    },
    room as never,
    () => {},
    told,
    undefined as never,
  );
