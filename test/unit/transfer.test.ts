/** `call.transfer` without a room: who is let go, what is answered. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { askTransfer, transfer } from '../../src/livekit/act/transfer.ts';
import type { TransferTarget } from '../../src/livekit/call.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';
import type { Venue } from '../../src/livekit/venue.ts';
import { unlessAborted } from '../../src/waiting/deadline.ts';

type Stand = Pick<Venue, 'refer' | 'answered'>;
const never = () => new Promise<never>(() => {});
const human = { identity: 'human' } as never;

function standIn(venue: Partial<Stand> = {}) {
  const dismissed: string[] = [];
  const entries: { status: string; outcome?: string }[] = [];
  const stop = new AbortController();
  let result: Promise<unknown> = Promise.resolve();
  const job = {
    transfer: undefined,
    session: undefined,
    ears: new EventEmitter(),
    definition: { policy: { drainMs: 100 } },
    recorder: { append: (_kind: string, data: never) => entries.push(data) },
    venue: {
      refer: async () => ({ outcome: 'transferred' }),
      answered: (_identity: string, signal: AbortSignal) => unlessAborted(never(), signal),
      dismiss: async (identity: string) => void dismissed.push(identity),
      ...venue,
    },
    run: {
      hasTag: (tag: string) => tag === 'transferring',
      send: ({ transfer: asked }: { transfer: never }) => {
        result = transfer(job, asked, stop.signal).catch((error: Error) => error.name);
      },
    },
  } as unknown as LiveJob;
  const ask = (target: TransferTarget) => askTransfer(job, target);
  return { job, ask, stop, dismissed, entries, settled: () => result };
}

test('D8 somebody comes into the room and picks up: transferred, and they stay', async () => {
  const { ask, dismissed, entries } = standIn({ answered: async () => human });
  expect(await ask({ participant: 'human' })).toEqual({ outcome: 'transferred' });
  expect(dismissed).toEqual([]);
  expect(entries.map(({ status, outcome }) => [status, outcome])).toEqual([
    ['asked', undefined],
    ['settled', 'transferred'],
  ]);
});

test('D8 an invitation that fails is a refusal, and whoever rings is let go', async () => {
  const { ask, dismissed } = standIn();
  const invite = () => {
    throw new Error('486 Busy Here');
  };
  expect(await ask({ participant: 'human', invite })).toEqual({ outcome: 'declined', detail: '486 Busy Here' });
  expect(dismissed).toEqual(['human']);
});

test('D8 somebody who does not confirm is let go', async () => {
  const { ask, dismissed } = standIn({ answered: async () => human });
  expect(await ask({ participant: 'human', confirm: () => false })).toMatchObject({ outcome: 'declined' });
  expect(dismissed).toEqual(['human']);
});

test.each([
  ['nobody picks up', {}],
  ['an invitation hangs', { invite: never }],
  ['a confirmation hangs', { confirm: never }],
])('D8 %s, and the state is left: no answer, and no telephone rings on', async (_, more) => {
  const { ask, stop, dismissed, settled } = standIn('confirm' in more ? { answered: async () => human } : {});
  const result = ask({ participant: 'human', ...more });
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  expect(await result).toMatchObject({ outcome: 'no_answer' });
  expect(await settled()).toBe('LeftError');
  expect(dismissed).toEqual(['human']);
});

test('D8 the call ends while somebody who took it waits for our last words: they are let go like anybody else', async () => {
  const { job, ask, stop, dismissed, settled } = standIn({ answered: async () => human });
  job.session = { agentState: 'speaking' } as never;
  const result = ask({ participant: 'human' });
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  expect(await result).toMatchObject({ outcome: 'no_answer' });
  expect(await settled()).toBe('LeftError');
  expect(dismissed).toEqual(['human']);
});

test('D8 a telephone that is busy is an outcome, never an exception', async () => {
  const { ask } = standIn({ refer: async () => ({ outcome: 'busy', sipStatus: 486, error: 'Busy Here' }) });
  expect(await ask({ refer: 'tel:+15550100' })).toEqual({ outcome: 'busy', detail: 'Busy Here' });
});

test('one transfer at a time, and none outside of the conversation', async () => {
  const { job, ask } = standIn();
  void ask({ participant: 'human' });
  expect(await ask({ participant: 'another' })).toEqual({
    outcome: 'failed',
    detail: 'another transfer is under way',
  });
  const early = { ...job, transfer: undefined, run: { hasTag: (tag: string) => tag === 'greeting', send: () => {} } };
  expect(await askTransfer(early as never, { participant: 'human' })).toEqual({
    outcome: 'failed',
    detail: 'the call is not conversing',
  });
});

test.each([
  [undefined, 'expected { refer:'],
  [{}, 'expected { refer:'],
  [{ refer: 'tel:1', participant: 'human' }, 'expected { refer:'],
  [{ refer: '+15550100' }, 'expected tel:+15551234 or sip:…'],
  [{ participant: 'human', invite: 5 }, 'expected functions'],
  ...[0, -1, Number.NaN, Infinity, 2 ** 31, '30', null].map((ringingMs): [unknown, string] => [
    { refer: 'tel:+1', ringingMs },
    'ringingMs: expected milliseconds, more than 0 and at most 600000',
  ]),
])('a target %j is refused in words', async (target, words) => {
  const { outcome, detail } = await standIn().ask(target as TransferTarget);
  expect(outcome).toBe('failed');
  expect(detail).toContain(words);
});

test('a target that cannot be read is refused in words, and one that changes is taken as it was first read', async () => {
  const throws = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('planted');
      },
    },
  );
  const getter = {
    get refer() {
      throw undefined;
    },
  };
  for (const target of [throws, getter])
    expect(await standIn().ask(target as never)).toMatchObject({
      outcome: 'failed',
      detail: expect.stringMatching(/^call\.transfer: the target cannot be read: ./) as string,
    });
  let read = 0;
  const { ask, entries } = standIn({ answered: async () => human });
  const changing = {
    get participant() {
      return (read += 1) === 1 ? 'human' : undefined;
    },
  };
  expect(await ask(changing as never)).toEqual({ outcome: 'transferred' });
  expect(entries[0]).toMatchObject({ how: 'warm', to: 'human' });
});
