import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import { slack, stdout } from '../../src/delivery/destinations.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { windowAfter } from '../../src/delivery/lane.ts';
import { startRelay } from '../../src/delivery/relay.ts';
import type { RelayOptions } from '../../src/delivery/relay.ts';
import { alertsFor, deliveriesFor } from '../../src/delivery/rows.ts';
import { carrierOf } from './carrier.ts';
import type { Destination } from '../../src/link/destination.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Carried, Carrier } from '../../src/delivery/courier-messages.ts';
import type { SealedReport, Store } from '../../src/store/store.ts';
import { virtualClock } from './delivery-clock.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const fast = webhook({ url: 'https://fast.example/' });
const slow = webhook({ url: 'https://slow.example/' });
const log = pino({ level: 'silent' });

const reportOf = (session: string, sealedAt: number): SealedReport => ({
  session: sessionIdOf(session),
  report: `report-${session}`,
  sealedAt,
  body: `{"session":"${session}"}`,
});

const DONE: DeliveryOutcome = { kind: 'done' };
const BUSY: DeliveryOutcome = { kind: 'answered', status: 503 };

/** Answers as it is told, or never; remembers who was asked when. */
const fakeSender = (
  now: () => number,
  answer: (row: Omit<Carried, 'body'>) => DeliveryOutcome | undefined = () => DONE,
) => {
  const asked: { delivery: string; destination: string; at: number }[] = [];
  const inFlight = new Map<string, number>();
  const most = new Map<string, number>();
  const sender: Carrier = {
    attempt: async (destination, delivery, stop, begin) => {
      if (!(await begin())) return { kind: 'unbegun', error: 'somebody else has it' };
      asked.push({ delivery: delivery.delivery, destination: destination.name, at: now() });
      const flying = (inFlight.get(destination.name) ?? 0) + 1;
      inFlight.set(destination.name, flying);
      most.set(destination.name, Math.max(most.get(destination.name) ?? 0, flying));
      try {
        const outcome = answer(delivery);
        if (outcome !== undefined) return outcome;
        return await new Promise((resolve) => {
          stop.addEventListener('abort', () => resolve({ kind: 'failed', error: 'stopped' }), { once: true });
        });
      } finally {
        inFlight.set(destination.name, (inFlight.get(destination.name) ?? 0) - 1);
      }
    },
    close: () => Promise.resolve(),
  };
  return { sender, asked, most };
};

const open = async () => {
  const clock = virtualClock();
  const store = await openSqlite(':memory:', { now: clock.now });
  const started: { stop: () => Promise<void> }[] = [];
  return {
    clock,
    store,
    enqueue: (destination: Destination, ...sessions: string[]) =>
      store.enqueue(sessions.flatMap((session) => deliveriesFor(reportOf(session, clock.now()), [destination], ''))),
    relay: (options: Partial<RelayOptions> & Pick<RelayOptions, 'sender'>) => {
      const relay = startRelay({
        store,
        destinations: () => [fast, slow],
        owner: 'keeper',
        log,
        now: clock.now,
        random: () => 0.5,
        timers: clock.timers,
        ...options,
      });
      started.push(relay);
      return relay;
    },
    row: async (session: string) => (await store.deliveries({ session: sessionIdOf(session), limit: 10 }))[0],
    async [Symbol.asyncDispose]() {
      // A relay whose store failed waits on the clock in stop(): let it.
      const stops = Promise.all(started.map((relay) => relay.stop()));
      await clock.advance(60_000);
      await stops;
      await store.close();
    },
  };
};

describe('a due row', () => {
  it('is delivered once and written down', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay, row } = bench;
    const { sender, asked } = fakeSender(clock.now);
    const delivered: string[] = [];
    await enqueue(fast, 'AJ_1');
    relay({ sender, onDelivered: ({ session }) => void delivered.push(session) });
    await clock.advance(60_000);
    expect(asked).toHaveLength(1);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered', attempts: 1 });
    expect(delivered).toEqual(['AJ_1']);
    expect(await store.nextDue([fast.name])).toBeUndefined();
  });

  it('that another process enqueued is found without a word', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    const { sender } = fakeSender(clock.now);
    relay({ sender });
    await clock.drain();
    await enqueue(fast, 'AJ_1');
    await clock.advance(1_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
  });

  it('A15 A13 is tried again by the schedule, with the same bytes, until the receiver takes it', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    const { sender, asked } = fakeSender(clock.now, () => (asked.length < 4 ? BUSY : DONE));
    const began = clock.now();
    await enqueue(fast, 'AJ_1');
    relay({ sender });
    await clock.drain();
    expect(await row('AJ_1')).toMatchObject({
      state: 'due',
      attempts: 1,
      lastError: 'receiver answered 503',
      nextAt: began + 5_000,
    });
    await clock.advance(3_600_000);
    expect(asked.map(({ at }) => at - began)).toEqual([0, 5_000, 305_000, 2_105_000]);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered', attempts: 4 });
  });

  it('is a dead letter that says why once the schedule is spent', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    const { sender, asked } = fakeSender(clock.now, () => BUSY);
    const dead: string[] = [];
    await enqueue(fast, 'AJ_1');
    relay({
      sender,
      policy: { schedule: [0, 10, 20], jitter: 0, retryAfterMaxMs: 1_000 },
      onDead: ({ session }, error) => void dead.push(`${session}: ${error}`),
    });
    await clock.advance(60_000);
    expect(asked).toHaveLength(3);
    expect(await row('AJ_1')).toMatchObject({
      state: 'dead',
      attempts: 3,
      lastError: 'receiver answered 503 (attempt 3, the last)',
    });
    expect(dead).toEqual(['AJ_1: receiver answered 503 (attempt 3, the last)']);
  });

  it('of a destination that this worker does not have is left to whom it belongs, costs no attempt, and is said', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    await enqueue(webhook({ url: 'https://gone.example/' }), 'AJ_1');
    await enqueue(fast, 'AJ_2');
    const lines: string[] = [];
    const said = pino({}, { write: (line: string) => void lines.push(line) });
    const { pending } = await Promise.all([
      relay({ sender: fakeSender(clock.now).sender, log: said }).settled(60_000),
      clock.advance(100_000),
    ]).then(([settled]) => settled);
    expect(pending).toBe(0);
    expect(await row('AJ_1')).toMatchObject({ state: 'due', attempts: 0 });
    expect(await row('AJ_2')).toMatchObject({ state: 'delivered' });
    const told = lines.filter((line) => line.includes('destinations that this worker does not have'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('"https://gone.example":1');
  });

  it('is not touched while no destination is known, and delivered when the worker has spoken', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    const { sender, asked } = fakeSender(clock.now);
    const known: Destination[] = [];
    await enqueue(fast, 'AJ_1');
    const one = relay({ sender, destinations: () => known });
    await clock.advance(10_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'due', attempts: 0 });
    known.push(fast);
    one.wake();
    await clock.drain();
    expect(asked).toHaveLength(1);
  });

  it('is delivered although a hook throws', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    await enqueue(fast, 'AJ_1', 'AJ_2');
    relay({
      sender: fakeSender(clock.now).sender,
      onDelivered: () => {
        throw new Error('from the hook');
      },
    });
    await clock.drain();
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
    expect(await row('AJ_2')).toMatchObject({ state: 'delivered' });
  });
});

describe('a receiver that never answers', () => {
  const many = Array.from({ length: 300 }, (_, index) => `AJ_slow_${index}`);

  it('holds nobody else, however much waits for it', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    const { sender, most } = fakeSender(clock.now, ({ destination }) => (destination === slow.name ? undefined : DONE));
    await enqueue(slow, ...many);
    await enqueue(fast, 'AJ_1'); // the youngest row of all
    relay({ sender, total: 40 });
    await clock.drain();
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
    expect(most.get(slow.name)).toBe(4);
  });

  it('is one receiver, however many URLs lead to it', async () => {
    await using bench = await open();
    const { clock, store, relay } = bench;
    const { sender, most } = fakeSender(clock.now, () => undefined);
    const hook = webhook({ fromMetadata: { field: 'url', allow: ['https://*/*'] } });
    const rows = many.flatMap((session) =>
      deliveriesFor(reportOf(session, clock.now()), [hook], `{"url":"https://slow.example/${session}"}`),
    );
    await store.enqueue(rows);
    relay({ sender, destinations: () => [hook] });
    await clock.drain();
    expect(most.get(hook.name)).toBe(4);
  });

  it('chosen by strangers, and thousands of them: half of the places are left to the receivers that were configured', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay, row } = bench;
    const hook = webhook({ fromMetadata: { field: 'url', allow: ['https://*/*'] } });
    const { sender, most } = fakeSender(clock.now, ({ destination }) => (destination === fast.name ? DONE : undefined));
    const rows = many.flatMap((session, index) =>
      deliveriesFor(reportOf(session, clock.now()), [hook], `{"url":"https://host-${index}.example/"}`),
    );
    await store.enqueue(rows);
    relay({ sender, total: 40, destinations: () => [fast, hook] });
    await clock.drain();
    await enqueue(fast, 'AJ_1');
    await clock.advance(1_500);
    expect(most.get(hook.name)).toBe(20);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
  });
});

describe('a receiver that takes what it is sent', () => {
  const many = Array.from({ length: 600 }, (_, index) => `AJ_${index}`);

  it('gets more and more at once, up to 160, and nothing is lost on the way', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay } = bench;
    let flying = 0;
    const most: number[] = [];
    const sender: Carrier = {
      attempt: async (_, __, ___, begin) => {
        await begin();
        most.push((flying += 1));
        await new Promise<void>((resolve) => void clock.timers.setTimeout(resolve, 50));
        flying -= 1;
        return DONE;
      },
      close: () => Promise.resolve(),
    };
    await enqueue(fast, ...many);
    relay({ sender });
    await clock.advance(5_000);
    expect(Math.max(...most.slice(0, 4))).toBe(4);
    expect(Math.max(...most)).toBe(160);
    expect(most).toHaveLength(many.length);
    expect(await store.deliveries({ state: 'delivered', limit: 1_000 })).toHaveLength(many.length);
  });

  it('and then does not gets the smallest window again', () => {
    let window = 4;
    for (let round = 0; round < 200; round += 1) window = windowAfter(window, DONE, 200);
    expect(window).toBe(160);
    expect(windowAfter(window, { kind: 'unbegun', error: 'no courier' }, undefined)).toBe(160);
    expect(windowAfter(window, BUSY, 5)).toBe(4);
    expect(windowAfter(window, { kind: 'failed', error: 'ECONNREFUSED' }, 5)).toBe(4);
  });

  it('at once has a wider one for as long as it does, and never a disk', () => {
    const taken: DeliveryOutcome = { kind: 'answered', status: 204 };
    const after = (outcome: DeliveryOutcome, tookMs: number) => {
      let window = 4;
      for (let round = 0; round < 600; round += 1) window = windowAfter(window, outcome, tookMs);
      return window;
    };
    expect(after(taken, 5)).toBe(480);
    expect(windowAfter(480, taken, 50)).toBe(160);
    expect(after(taken, 50)).toBe(160);
    expect(after(DONE, 5)).toBe(160);
  });
});

it('what each attempt came to is kept with its row: when, how long, the status, what the receiver complained of', async () => {
  await using bench = await open();
  const { clock, enqueue, relay, store } = bench;
  await enqueue(fast, 'AJ_1');
  const answers: DeliveryOutcome[] = [{ ...BUSY, answer: 'later' }, { kind: 'failed', error: 'ECONNREFUSED' }, DONE];
  const policy = { schedule: [0, 1_000, 1_000, 1_000], jitter: 0, retryAfterMaxMs: 1_000 };
  relay({ sender: fakeSender(clock.now, () => answers.shift() ?? DONE).sender, policy });
  await clock.advance(5_000);
  const [row] = await store.deliveries({ limit: 1 });
  expect(row?.state).toBe('delivered');
  const said = row?.history.map(({ status, answer, error }) => status ?? error ?? answer ?? 'taken');
  expect(said).toEqual([503, 'ECONNREFUSED', 'taken']);
  expect(row?.history[0]?.answer).toBe('later');
  expect(row?.history[0]?.at).toBe(row?.firstAt);
});

it('of an attempt is kept with how many secrets its request was signed, and of one that was refused before it nothing', async () => {
  const signedWith = async (secrets: string[], outcome: DeliveryOutcome) => {
    await using bench = await open();
    const { clock, enqueue, relay, store } = bench;
    const hook = webhook({ url: 'https://signed.example/', secrets });
    await enqueue(hook, 'AJ_1');
    relay({ sender: fakeSender(clock.now, () => outcome).sender, destinations: () => [hook] });
    await clock.drain();
    return (await store.deliveries({ limit: 1 }))[0]?.history[0]?.signatures;
  };
  const secrets = ['a', 'b'].map((letter) => `whsec_${Buffer.alloc(24, letter).toString('base64')}`);
  expect(await signedWith([], DONE)).toBe(0);
  expect(await signedWith(secrets.slice(1), DONE)).toBe(1);
  expect(await signedWith(secrets, DONE)).toBe(2);
  expect(await signedWith(secrets, { kind: 'refused', error: 'a private address' })).toBeUndefined();
});

describe('the schedule', () => {
  const policy = { schedule: [0, 1_000, 10_000, 60_000], jitter: 0, retryAfterMaxMs: 1_000 };

  it('is not spent by keepers that are restarted during an outage: a dead letter needs its attempts and its time', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    await enqueue(fast, 'AJ_1');
    const began = clock.now();
    for (let deploy = 0; deploy < 10; deploy += 1) {
      const one = relay({ sender: fakeSender(clock.now, () => undefined).sender, policy });
      await clock.advance(1_000);
      await one.stop();
    }
    expect(await row('AJ_1')).toMatchObject({ state: 'due', attempts: 10 });
    relay({ sender: fakeSender(clock.now, () => BUSY).sender, policy });
    await clock.advance(50_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'due' });
    await clock.advance(30_000);
    const dead = await row('AJ_1');
    expect(dead).toMatchObject({ state: 'dead' });
    expect((dead?.settledAt ?? 0) - began).toBeGreaterThanOrEqual(71_000);
  });

  it('counts what was begun, and nothing that was only claimed', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    await enqueue(fast, 'AJ_1');
    const sender: Carrier = {
      attempt: async () => ({ kind: 'unbegun', error: 'no process' }),
      close: () => Promise.resolve(),
    };
    relay({ sender });
    await clock.advance(20_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'due', attempts: 0, lastError: 'no process' });
  });

  it('holds although the clock was a month ahead when a retry was written', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    await enqueue(fast, 'AJ_1');
    const ahead = relay({ sender: fakeSender(clock.now, () => BUSY).sender, now: () => clock.now() + 30 * 86_400_000 });
    await clock.drain();
    await ahead.stop();
    expect((await row('AJ_1'))?.nextAt).toBeGreaterThan(clock.now() + 29 * 86_400_000);
    relay({ sender: fakeSender(clock.now).sender });
    await clock.advance(2_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
  });
});

describe('a relay that ends', () => {
  it('A15 leaves its retries to the next one', async () => {
    await using bench = await open();
    const { clock, enqueue, relay, row } = bench;
    await enqueue(fast, 'AJ_1');
    const first = relay({ sender: fakeSender(clock.now, () => BUSY).sender });
    await clock.drain();
    await first.stop();
    const { sender, asked } = fakeSender(clock.now);
    relay({ sender });
    await clock.advance(4_000);
    expect(asked).toHaveLength(0);
    await clock.advance(2_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered', attempts: 2 });
  });

  it('gives back what is in flight and what is queued', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay } = bench;
    await enqueue(slow, 'AJ_1', 'AJ_2', 'AJ_3');
    const one = relay({ sender: fakeSender(clock.now, () => undefined).sender, total: 1 });
    await clock.drain();
    expect((await store.deliveries({ state: 'delivering', limit: 10 })).length).toBeGreaterThan(0);
    const began = clock.now();
    await one.stop();
    const rows = await store.deliveries({ state: 'due', limit: 10 });
    expect(rows).toHaveLength(3);
    // At once, and not as a failure of the receiver's.
    for (const { nextAt, lastError } of rows)
      expect({ nextAt, lastError }).toEqual({ nextAt: began, lastError: undefined });
  });

  it('by SIGKILL leaves leases that the next one of its name takes at once, and others only when they have run out', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay, row } = bench;
    await enqueue(fast, 'AJ_mine', 'AJ_theirs');
    const ask = { now: clock.now(), limit: 1, leaseMs: 60_000, names: [fast.name], each: 4 };
    await store.claim({ ...ask, owner: 'keeper' });
    await store.claim({ ...ask, owner: 'another' });
    relay({ sender: fakeSender(clock.now).sender });
    await clock.advance(2_000);
    expect(await row('AJ_mine')).toMatchObject({ state: 'delivered' });
    expect(await row('AJ_theirs')).toMatchObject({ state: 'delivering' });
    await clock.advance(400_000);
    expect(await row('AJ_theirs')).toMatchObject({ state: 'delivered' });
  });
});

describe('settled', () => {
  it('waits for a retry that falls due before the deadline', async () => {
    await using bench = await open();
    const { clock, enqueue, relay } = bench;
    const { sender, asked } = fakeSender(clock.now, () => (asked.length === 1 ? BUSY : DONE));
    await enqueue(fast, 'AJ_1');
    const settling = relay({ sender }).settled(10_000);
    await clock.advance(5_500);
    expect(await settling).toEqual({ pending: 0 });
  });

  it('does not wait for one that falls due later, and counts it', async () => {
    await using bench = await open();
    const { clock, enqueue, relay } = bench;
    await enqueue(fast, 'AJ_1');
    const settling = relay({ sender: fakeSender(clock.now, () => BUSY).sender }).settled(4_000);
    await clock.drain();
    expect(await settling).toEqual({ pending: 1 });
  });

  it('ends at its deadline when a receiver hangs', async () => {
    await using bench = await open();
    const { clock, enqueue, relay } = bench;
    await enqueue(slow, 'AJ_1');
    await enqueue(fast, 'AJ_2');
    const { sender } = fakeSender(clock.now, ({ destination }) => (destination === slow.name ? undefined : DONE));
    let isSettled = false;
    const settling = relay({ sender })
      .settled(3_000)
      .finally(() => (isSettled = true));
    await clock.advance(2_900);
    expect(isSettled).toBe(false);
    await clock.advance(200);
    expect(await settling).toEqual({ pending: 1 });
  });

  it('with nothing to do settles at once', async () => {
    await using bench = await open();
    const { clock, relay } = bench;
    const settling = relay({ sender: fakeSender(clock.now).sender }).settled(60_000);
    await clock.drain();
    expect(await settling).toEqual({ pending: 0 });
  });
});

describe('a store that fails', () => {
  /** The store, whose method fails for its next calls. */
  const failing = (store: Store) => {
    const planned = new Map<string, number>();
    const proxy = new Proxy(store, {
      get: (target, name: keyof Store) => {
        const method = target[name].bind(target) as (...given: unknown[]) => Promise<unknown>;
        return (...given: unknown[]) => {
          const left = planned.get(name) ?? 0;
          planned.set(name, left - 1);
          return left > 0 ? Promise.reject(new Error('BUSY: database is locked')) : method(...given);
        };
      },
    });
    return { store: proxy, fail: (name: keyof Store, times: number) => void planned.set(name, times) };
  };

  it('when an attempt is written down is asked again, and nothing is sent twice', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay, row } = bench;
    const { sender, asked } = fakeSender(clock.now);
    const broken = failing(store);
    await enqueue(fast, 'AJ_1');
    broken.fail('settle', 3);
    relay({ sender, store: broken.store });
    await clock.advance(10_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
    expect(asked).toHaveLength(1);
  });

  it('when it is read is asked again', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay, row } = bench;
    const broken = failing(store);
    await enqueue(fast, 'AJ_1');
    for (const name of ['reclaim', 'nextDue', 'claim'] as const) broken.fail(name, 2);
    relay({ sender: fakeSender(clock.now).sender, store: broken.store });
    await clock.advance(10_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
  });

  it('and hangs does not hang the relay', async () => {
    await using bench = await open();
    const { clock, store, enqueue, relay, row } = bench;
    let hangs = 1;
    const hanging = new Proxy(store, {
      get: (target, name: keyof Store) =>
        name === 'nextDue' && hangs-- > 0 ? () => new Promise(() => {}) : target[name].bind(target),
    });
    await enqueue(fast, 'AJ_1');
    relay({ sender: fakeSender(clock.now).sender, store: hanging });
    await clock.advance(15_000);
    expect(await row('AJ_1')).toMatchObject({ state: 'delivered' });
  });
});

describe('the rows of a report', () => {
  it('are the same however often they are made, one for each destination but Slack', () => {
    const all = [fast, stdout(), slack({ url: 'https://hooks.slack.com/x' })];
    const rows = deliveriesFor(reportOf('AJ_1', 5), all, '');
    expect(rows).toEqual(deliveriesFor(reportOf('AJ_1', 5), all, ''));
    expect(rows.map(({ destination, kind, nextAt }) => [destination, kind, nextAt])).toEqual([
      [fast.name, 'report', 5],
      ['stdout', 'report', 5],
    ]);
    expect(new Set(rows.map(({ delivery }) => delivery)).size).toBe(2);
  });

  it('whose URL is not allowed become a visible dead letter at once', async () => {
    await using bench = await open();
    const { clock, store, relay, row } = bench;
    const hook = webhook({ fromMetadata: { field: 'callback', allow: ['https://*.example.com/*'] } });
    await store.enqueue(deliveriesFor(reportOf('AJ_1', clock.now()), [hook], '{"callback":"https://attacker.net/"}'));
    relay({ sender: carrierOf(store), destinations: () => [hook] });
    await clock.drain();
    expect(await row('AJ_1')).toMatchObject({
      state: 'dead',
      attempts: 1,
      lastError: expect.stringContaining('a URL of https://attacker.net matches none of the allowed patterns'),
    });
  });

  it('of an alert are its own, and the same alert is one', () => {
    const alert = { session: sessionIdOf('AJ_1'), at: 5, message: 'failed' };
    const [one] = alertsFor(alert, [fast]);
    expect(one).toMatchObject({ kind: 'alert', destination: fast.name });
    expect(alertsFor(alert, [fast])).toEqual([one]);
    expect(alertsFor({ ...alert, message: 'other' }, [fast])[0]?.delivery).not.toBe(one?.delivery);
    expect(one?.report).not.toContain('.');
  });
});

it('A15 every attempt at a real receiver has the same id and the same bytes', async () => {
  const got: { id: unknown; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      got.push({ id: request.headers['webhook-id'], body });
      response.writeHead(got.length < 3 ? 500 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store = await openSqlite(':memory:');
  const to = webhook({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  const report = reportOf('AJ_1', Date.now());
  await store.enqueue(deliveriesFor(report, [to], ''));
  const relay = startRelay({
    store,
    destinations: () => [to],
    owner: 'keeper',
    log,
    sender: carrierOf(store),
    policy: { schedule: [0, 10, 10], jitter: 0, retryAfterMaxMs: 10 },
  });
  expect(await relay.settled(10_000)).toEqual({ pending: 0 });
  await relay.stop();
  await store.close();
  await new Promise((resolve) => server.close(resolve));
  expect(got).toEqual(Array.from({ length: 3 }, () => ({ id: report.report, body: report.body })));
});
