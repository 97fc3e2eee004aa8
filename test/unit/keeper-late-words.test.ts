/** A death whose journal takes long to read: a call of hours, a disk that is busy, a process that frees gigabytes. */
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import type { Owner } from '../../src/journal/entry.ts';
import { ownerOf } from '../../src/journal/owner.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { defaultHangUp } from '../../src/keeper/reading.ts';
import { type OfSession, supervisionEffects } from '../../src/keeper/supervision-effects.ts';

const log = pino({ level: 'silent' });
const rooms = {
  occupants: async () => [{ identity: 'caller', kind: 'standard', sid: 'PA_1' }],
  sidOf: async () => 'RM_1',
  hangUp: vi.fn(async () => ({ verified: true, attempts: 1, left: [] })),
  remove: async () => {},
  tell: async () => undefined,
};

/** @param given how the journal is read, and what was there of the process */
function dead(given: { read: () => Promise<unknown>; owner: Owner; takeoverMs?: number }) {
  const notes: { kind: string; data: Record<string, unknown> }[] = [];
  const known = {
    session: sessionIdOf('AJ_1'),
    policy: { ...defaultPolicy, takeoverMs: given.takeoverMs ?? 2_000 },
    owner: given.owner,
    identity: 'agent-1',
    facts: { room: { name: 'support', sid: '' } },
    journal: undefined as unknown,
    log,
    async read() {
      this.journal = await given.read();
      return this.journal;
    },
  };
  const takeOver = vi.fn(async () => {});
  const effects = supervisionEffects({
    known,
    notes: { append: (kind: string, data: Record<string, unknown>) => notes.push({ kind, data }) },
    index: { put: () => {} },
    options: { rooms: async () => rooms, apologize: () => undefined },
    succession: { takeOver },
    kill: async () => {},
    onSealed: () => {},
  } as unknown as OfSession);
  const port = { signal: new AbortController().signal };
  const recovered = async () => {
    const left = new AbortController();
    void effects.secure({ noticed: 'died' }, { signal: left.signal }).catch(() => undefined);
    left.abort(); // its time is up, and it goes on
    await new Promise((next) => setTimeout(next, 5));
    return await effects.recover({ noticed: 'died' }, port);
  };
  const began = () =>
    notes.find(({ kind }) => kind === 'machine.began')?.data['input'] as { policy: typeof defaultPolicy };
  return { recovered, takeOver, began };
}

const words = { resume: 2, takenOverAt: [], isHandedOver: false, end: null, isReleased: false, hangUp: defaultHangUp };
const aged = async (): Promise<Owner> => ({ ...(await ownerOf(process.pid)), startTicks: '1' }); // its pid is another's now

test('a call whose journal is read late is taken over still, and the wait is out of the next job’s time', async () => {
  let whole: (found: unknown) => void = () => {};
  const read = new Promise((resolve) => (whole = resolve));
  const { recovered, takeOver, began } = dead({ read: () => read, owner: await aged() });
  const outcome = recovered();
  await new Promise((next) => setTimeout(next, 120));
  expect(takeOver).not.toHaveBeenCalled();
  whole(words);
  expect(await outcome).toEqual({ outcome: 'resumed', isHangUpOwed: false });
  expect(takeOver).toHaveBeenCalledOnce();
  expect(began().policy.takeoverMs).toBeLessThanOrEqual(1_900);
  expect(began().policy.takeoverMs).toBeGreaterThan(1_000);
});

test('a journal that is never read is waited for no longer than two fifths of that time; then the caller is let go', async () => {
  const { recovered, takeOver, began } = dead({
    read: () => new Promise(() => {}),
    owner: await aged(),
    takeoverMs: 301,
  });
  expect(await recovered()).toEqual({ outcome: 'released', isHangUpOwed: false });
  expect(takeOver).not.toHaveBeenCalled();
  expect(rooms.hangUp).toHaveBeenCalled();
  expect(began().policy.takeoverMs).toBeGreaterThanOrEqual(100);
});

test('a process that takes its time to die is waited for: then nobody else speaks, and its call is taken over', async () => {
  const alive = await ownerOf(process.pid);
  const owner = { ...alive };
  const { recovered, takeOver } = dead({ read: async () => words, owner });
  const outcome = recovered();
  await new Promise((next) => setTimeout(next, 60));
  expect(takeOver).not.toHaveBeenCalled();
  owner.startTicks = '1'; // gone
  expect((await outcome).outcome).toBe('resumed');
});

test('a journal that could not be read at first is read once more', async () => {
  let reads = 0;
  const read = async () => {
    reads += 1;
    if (reads === 1) throw new Error('EMFILE: too many open files');
    return words;
  };
  const { recovered, takeOver } = dead({ read, owner: await aged() });
  expect((await recovered()).outcome).toBe('resumed');
  expect(takeOver).toHaveBeenCalledOnce();
});
