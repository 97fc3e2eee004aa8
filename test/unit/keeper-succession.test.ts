/** A dead session's next job: called for, known by its dispatch, waited for until its caller hears it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Entry, JobFacts, Owner } from '../../src/journal/entry.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { readSuccession } from '../../src/journal/succession.ts';
import { KnownSession } from '../../src/keeper/known-session.ts';
import { Succession } from '../../src/keeper/succession.ts';
import type { Rooms } from '../../src/rooms/rooms.ts';
import { until } from '../e2e/harness/until.ts';

const session = sessionIdOf('one');
const facts: JobFacts = {
  ...firstJob(session),
  agentName: 'ada',
  room: { name: 'room', sid: 'RM_1' },
  metadata: '{"a":1}',
};
const owner: Owner = { host: 'here', bootId: 'b', pidNamespace: '1', pid: 7, startTicks: '1' };
const offer = (job: string, dispatch?: string): JobFacts => ({
  ...firstJob(jobIdOf(job)),
  agentName: 'ada',
  room: { name: 'room', sid: 'RM_1' },
  metadata: '',
  ...(dispatch !== undefined && { dispatch }),
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-succession-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A LiveKit that writes down what it is asked; `dispatch` answers when it is told to. */
const place = (
  dispatching: () => Promise<string> = () => Promise.resolve('AD_1'),
  /** As another keeper has left them; `isLate`: the recovery is not so far yet; `removing`: what a removal takes. */
  before: { called?: string[]; isLate?: boolean; removing?: () => Promise<void> } = {},
) => {
  const asked: string[] = [];
  const told: string[] = [];
  const rooms = {
    remove: async (_: string, identity: string) => {
      asked.push(`remove ${identity}`);
      await before.removing?.();
    },
    dispatch: async (_: string, agentName: string, metadata: string) => {
      asked.push(`dispatch ${agentName} ${metadata}`);
      return dispatching();
    },
    tell: async (_: string, { type }: { type: string }) => void told.push(type),
    undispatch: async (_: string, dispatch: string) => asked.push(`undispatch ${dispatch}`) > 0,
  } as unknown as Rooms;
  const known = new KnownSession({ session, directory, log: pino({ level: 'silent' }), offered: facts });
  known.hello({ type: 'hello.job', ...firstJob(session), owner, identity: 'agent-1' });
  const entries: Pick<Entry, 'kind' | 'data'>[] = [];
  const ended: number[] = [];
  const succession = new Succession({
    directory,
    known,
    notes: { append: (kind, data) => void entries.push({ kind, data } as Entry), durable: async () => {} },
    end: async ({ pid }) => void ended.push(pid),
    dismiss: () => void asked.push('dismiss'),
    nextIsHere: () => void asked.push('next.here'),
  });
  const stop = new AbortController();
  known.journal = { called: before.called } as unknown as NonNullable<typeof known.journal>;
  const begin = () => succession.takeOver(rooms, stop.signal);
  const over = before.isLate ? Promise.resolve() : begin();
  over.catch(() => {});
  return { asked, told, known, entries, ended, succession, stop, over, begin, rooms };
};
const dispatchesIn = (asked: readonly string[]) => asked.filter((what) => what.startsWith('dispatch')).length;
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

test('the ghost is removed, and the agent is called for, with the metadata that the call had', async () => {
  const { asked, stop } = place();
  await soon();
  expect(asked).toEqual(['remove agent-1', 'dispatch ada {"a":1}']);
  stop.abort();
});

test('no offer is answered while the ghost is in the room; one that has to wait too long is declined', async () => {
  let isGone = (): void => {};
  const removing = () => new Promise<void>((resolve) => (isGone = resolve));
  const { succession, stop, asked } = place(undefined, { removing });
  await soon();
  expect(asked, 'called for meanwhile').toEqual(['remove agent-1', 'dispatch ada {"a":1}']);
  await expect(succession.offered(offer('early', 'AD_1'))).rejects.toThrow('the dead agent is still in the room');
  let isAnswered = false;
  const second = succession.offered(offer('two', 'AD_1')).finally(() => (isAnswered = true));
  await soon();
  expect(isAnswered).toBe(false);
  isGone();
  await expect(second).resolves.toBe(true);
  stop.abort();
});

test('the job of its dispatch is the next epoch, on disk before it is accepted; heard, it has the call', async () => {
  const { succession, over, entries, known, ended, told } = place();
  await soon();
  expect(succession.concerns(offer('two', 'AD_1'))).toBe(true);
  await expect(succession.offered(offer('two', 'AD_1'))).resolves.toBe(true);
  await expect(readSuccession(directory, jobIdOf('two'))).resolves.toEqual({ session, epoch: 2, job: 'two' });
  expect(known.job).toBe('two');
  expect(succession.isOf({ session, epoch: 2, job: jobIdOf('two') })).toBe(true);
  succession.heard(2);
  await over;
  expect(entries.map(({ kind }) => kind)).toEqual(['keeper.dispatched', 'keeper.succeeded', 'keeper.resumed']);
  expect(ended).toEqual([]);
  expect(told).toEqual(['session.resuming', 'session.resumed']);
});

test('a job of another dispatch, and one without, are nobody of ours, whatever their room', async () => {
  const { succession, stop } = place();
  await soon();
  await expect(succession.offered(offer('two', 'AD_9'))).resolves.toBe(false);
  await expect(succession.offered(offer('two'))).resolves.toBe(false);
  expect(succession.concerns({ ...offer('two'), room: { name: 'elsewhere', sid: 'RM_2' } })).toBe(false);
  stop.abort();
});

test('an offer that is quicker than the reply that names its dispatch waits for that', async () => {
  let reply: (id: string) => void = () => {};
  const { succession, stop } = place(() => new Promise((resolve) => (reply = resolve)));
  await soon();
  const asked = succession.offered(offer('two', 'AD_late'));
  await soon();
  reply('AD_late');
  await expect(asked).resolves.toBe(true);
  stop.abort();
});

test('a job that an earlier keeper has called for has the call, also when it is offered before this keeper has begun to call', async () => {
  const { succession, begin, known } = place(undefined, { called: ['AD_before'], isLate: true });
  const isOurs = succession.offered(offer('two', 'AD_before'));
  await soon();
  const over = begin();
  await expect(isOurs).resolves.toBe(true);
  succession.heard(2);
  await over;
  expect(known.job).toBe('two');
  await expect(succession.offered(offer('three', 'AD_1'))).resolves.toBe(false);
});

test('a dispatch that nobody answers is repeated; the first that is offered has the call, and only then the others are deleted: LiveKit would end the job of one that is deleted', async () => {
  let count = 0;
  const { asked, succession, stop } = place(async () => `AD_${(count += 1)}`);
  while (dispatchesIn(asked) < 2) await soon();
  expect(asked.join()).not.toContain('undispatch');
  await expect(succession.offered(offer('two', 'AD_1'))).resolves.toBe(true);
  await soon();
  expect(asked.filter((what) => what.startsWith('undispatch'))).toEqual(['undispatch AD_2']);
  await expect(succession.offered(offer('three', 'AD_2'))).resolves.toBe(false);
  await expect(succession.offered(offer('four', 'AD_1'))).rejects.toThrow(/has its next agent already/);
  stop.abort();
});

test('a dispatch that was deleted is nobody’s, also when its offer was waiting for something else', async () => {
  let asks = 0;
  let isGone = (): void => {};
  const removing = () => new Promise<void>((resolve) => (isGone = resolve));
  const { succession, asked, rooms, begin } = place(async () => `AD_${(asks += 1)}`, { isLate: true, removing });
  succession.callAhead(Promise.resolve(rooms));
  await soon();
  succession.takeBack();
  await soon();
  begin().catch(() => {});
  await soon();
  const [late, right] = [succession.offered(offer('late', 'AD_1')), succession.offered(offer('two', 'AD_2'))];
  isGone();
  expect(await Promise.all([late, right])).toEqual([false, true]);
  expect(asked.filter((what) => what.startsWith('undispatch'))).toEqual(['undispatch AD_1']);
});

test('one that dies unheard is followed by another, of a later epoch', async () => {
  const { succession, over, asked } = place();
  await soon();
  await succession.offered(offer('two', 'AD_1'));
  succession.lost(jobIdOf('two'));
  while (dispatchesIn(asked) < 2) await soon();
  await succession.offered(offer('three', 'AD_1'));
  await expect(readSuccession(directory, jobIdOf('three'))).resolves.toMatchObject({ epoch: 3 });
  succession.heard(2); // of the one that is gone: too late
  succession.heard(3);
  await over;
});

test('a connection that is lost is no death: nobody else is called for while its process lives', async () => {
  const { succession, over, asked, known } = place();
  await soon();
  await succession.offered(offer('two', 'AD_1'));
  const alive = await thisProcess();
  known.hello({ type: 'hello.job', session, epoch: 2, job: jobIdOf('two'), owner: alive, identity: 'agent-2' });
  void succession.disconnected();
  await soon();
  expect(dispatchesIn(asked)).toBe(1);
  known.hello({
    type: 'hello.job',
    session,
    epoch: 2,
    job: jobIdOf('two'),
    owner: { ...alive, pid: 2 ** 22 + 1 },
    identity: 'agent-2',
  });
  while (dispatchesIn(asked) < 2) await soon();
  await succession.offered(offer('three', 'AD_1'));
  succession.heard(3);
  await over;
});

test('one that has ended the call by itself has it: nobody else is called for', async () => {
  const { succession, over, entries } = place();
  await soon();
  await succession.offered(offer('two', 'AD_1'));
  succession.closed();
  await over;
  expect(entries.map(({ kind }) => kind)).not.toContain('keeper.resumed');
});

test('never two voices: who was not heard in time is told to leave, its process is ended, its dispatch deleted, and who comes later is declined', async () => {
  const { succession, stop, over, asked, ended } = place();
  await soon();
  await succession.offered(offer('two', 'AD_1'));
  stop.abort();
  await expect(over).rejects.toThrow();
  expect(asked).toEqual(expect.arrayContaining(['dismiss', 'undispatch AD_1']));
  expect(ended).toEqual([owner.pid]);
  expect(succession.concerns(offer('three', 'AD_1'))).toBe(false);
  await expect(succession.offered(offer('three', 'AD_1'))).resolves.toBe(false);
});

test('a LiveKit that refuses is asked again until it is too late', async () => {
  const { over, stop, asked } = place(() => Promise.reject(new Error('away')));
  while (dispatchesIn(asked) < 2) await soon();
  stop.abort();
  await expect(over).rejects.toThrow();
});

test('a worker that had no process warm is asked again as soon as it has one', async () => {
  const { asked, succession, stop } = place();
  await until('the third call for it', () => dispatchesIn(asked) === 3, 4_000); // the next one is 2 s away
  const since = performance.now();
  succession.warm();
  await until('the fourth', () => dispatchesIn(asked) === 4, 4_000);
  expect(performance.now() - since).toBeLessThan(1_000);
  stop.abort();
});

/** A job that has the call still, and is about to leave it. */
const leaving = (dispatching?: () => Promise<string>) => {
  const given = place(dispatching, { isLate: true });
  given.succession.callAhead(Promise.resolve(given.rooms));
  return given;
};

test('H3b a job that is about to leave has its next one called for, which has the call as soon as it has left', async () => {
  const { succession, asked, begin, entries } = leaving();
  await soon();
  expect(asked).toEqual(['dispatch ada {"a":1}']);
  expect(succession.concerns(offer('two', 'AD_1'))).toBe(true);
  let isAnswered = false;
  const offered = succession.offered(offer('two', 'AD_1')).finally(() => (isAnswered = true));
  await soon();
  expect([asked.at(-1), isAnswered]).toEqual(['next.here', false]);
  const over = begin();
  await expect(offered).resolves.toBe(true);
  succession.heard(2);
  await over;
  expect(dispatchesIn(asked)).toBe(1);
  expect(entries.map(({ kind }) => kind)).toEqual(['keeper.dispatched', 'keeper.succeeded', 'keeper.resumed']);
});

test('H3b who stays after all is in no danger: the offer is declined, the dispatch deleted; the next time is like the first', async () => {
  let asks = 0;
  const { succession, asked, begin } = leaving(async () => `AD_${(asks += 1)}`);
  await soon();
  const offered = succession.offered(offer('two', 'AD_1'));
  await soon();
  succession.takeBack();
  await expect(offered).rejects.toThrow('the job before it has not left');
  await soon();
  expect(asked.at(-1)).toBe('undispatch AD_1');
  expect(succession.concerns(offer('late', 'AD_1'))).toBe(false);
  const over = begin();
  await soon();
  await expect(succession.offered(offer('three', 'AD_2'))).resolves.toBe(true);
  succession.heard(2);
  await over;
  expect(dispatchesIn(asked)).toBe(2);
});

test('H3b a stranger’s job in the room of a call that is about to be left is nobody of ours, and tells nobody to leave', async () => {
  const { succession, asked } = leaving();
  await soon();
  await expect(succession.offered(offer('other', 'AD_9'))).resolves.toBe(false);
  expect(asked).not.toContain('next.here');
});

test('H3b a call for the next job that LiveKit refuses is made again when the one before has left', async () => {
  let isRefused = true;
  const { succession, asked, begin, stop } = leaving(async () => {
    if (!isRefused) return 'AD_2';
    isRefused = false;
    throw new Error('not now');
  });
  await soon();
  const over = begin();
  over.catch(() => {});
  await soon();
  expect(dispatchesIn(asked)).toBe(2);
  await expect(succession.offered(offer('two', 'AD_2'))).resolves.toBe(true);
  stop.abort();
});

test('H3b a second move of the same call waits for its own beginning, not for that of the first', async () => {
  let asks = 0;
  const { succession, asked, begin, rooms, over, stop } = place(async () => `AD_${(asks += 1)}`);
  await soon();
  await succession.offered(offer('two', 'AD_1'));
  succession.heard(2);
  await over;
  succession.callAhead(Promise.resolve(rooms));
  await soon();
  let isAnswered = false;
  const offered = succession.offered(offer('three', 'AD_2')).finally(() => (isAnswered = true));
  await soon();
  expect([isAnswered, asked.at(-1)]).toEqual([false, 'next.here']);
  begin().catch(() => {});
  await expect(offered).resolves.toBe(true);
  stop.abort();
});

test('H3b without a LiveKit to ask nobody is called for, and nothing fails', async () => {
  const { succession, asked } = place(undefined, { isLate: true });
  succession.callAhead(Promise.reject(new Error('no worker has said where LiveKit is')));
  await soon();
  succession.takeBack();
  await soon();
  expect(asked).toEqual([]);
});

test('H3b a call ahead that is never answered holds up nobody for longer than the recovery has', async () => {
  const { succession, begin, stop } = place(undefined, { isLate: true });
  succession.callAhead(new Promise(() => {}));
  const over = begin();
  await soon();
  stop.abort();
  await expect(over).rejects.toThrow('left before it was done');
});
