/** What a keeper tells a job (D4 in job-link.ts). The keeper is a socket; machine, room and journal are stand-ins of a few lines. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultPolicy, endOf } from '../../machines/index.ts';
import type { OpeningEntry } from '../../src/job/first-entry.ts';
import { JobLink } from '../../src/job/job-link.ts';
import { firstJob, jobIdOf } from '../../src/journal/ids.ts';
import type { FromKeeper } from '../../src/link/messages.ts';
import { listen, type LinkServer, type Peer } from '../../src/link/server.ts';
import { staleDispatch } from '../../src/session/hang-up-strategy.ts';

const owner = { host: 'here', bootId: 'boot', pidNamespace: '1', pid: 4242, startTicks: '99' };
const first = { ...firstJob(jobIdOf('AJ_1')), owner, identity: 'agent-1' } as OpeningEntry;
const sealed: FromKeeper = { type: 'sealed', session: first.session, report: 'report' };

let directory: string;
let keeper: LinkServer;
let peer: Peer | undefined;
let happened: string[];
let link: JobLink;

const until = (condition: () => void) => vi.waitFor(condition, 2000);
const says = (message: FromKeeper) => peer?.send(message);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'job-link-'));
  const path = join(directory, 'socket');
  happened = [];
  keeper = await listen({
    path,
    onPeer: (came) => {
      peer = came;
      return { onMessage: ({ type }) => happened.push(`told ${type}`), onClose: () => {} };
    },
  });
  vi.stubEnv('LASTWORD_SOCKET', path);
  vi.spyOn(process, 'exit').mockImplementation(() => void happened.push('exit') as never);
  const does = (what: string) => async () => void happened.push(what);
  const job = {
    definition: { resume: 0, policy: { ...defaultPolicy, reportMs: 1000 } },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    run: {
      leave: () => happened.push('machine left'),
      send: ({ type }: { type: string }) => happened.push(`machine got ${type}`),
      context: () => ({ alsoTriggered: [] }),
      stage: () => 'active',
    },
    venue: { leave: does('room left'), hangUp: does('hung up') },
  };
  const journal = {
    append: (kind: string) => happened.push(`wrote ${kind}`),
    durable: async () => {},
    close: does('journal closed'),
    lastSeq: 7,
  };
  const blobs = { keep: () => {}, written: does('images written') };
  link = new JobLink({ job, journal, blobs, first, directory } as never);
  await until(() => expect(happened).toEqual(['told hello.job']));
  happened = [];
});
afterEach(async () => {
  await link.close();
  await keeper.close();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

test.each<{ message: FromKeeper }>([{ message: { type: 'yield' } }, { message: sealed }])(
  'with $message.type it leaves without a word, once, and hangs up on nobody',
  async ({ message }) => {
    says(message);
    says(message);
    await until(() => expect(happened).toContain('exit'));
    expect(happened).toEqual(['room left', 'machine left', 'journal closed', 'exit']);
  },
);

test('"sealed" is the answer to its last entry, and takes nothing out of its hands', async () => {
  const reported = link.report(endOf('caller', 'caller_hung_up'));
  await until(() => expect(happened).toContain('told job.closed'));
  says(sealed);
  await reported;
  expect(happened).toEqual(['images written', 'wrote session.closed', 'told job.closed']);
});

test('whose room was gone before the call is no call: withdrawn, and nothing is awaited', async () => {
  await link.report(staleDispatch);
  await until(() => expect(happened).toContain('told job.withdrawn'));
  expect(happened).toEqual(['images written', 'wrote session.closed', 'told job.withdrawn']);
});

test('a shutdown is the machine’s', async () => {
  says({ type: 'shutdown', reason: 'worker_shutdown', graceMs: 1000 });
  await until(() => expect(happened).toEqual(['machine got shutdown.requested']));
});
