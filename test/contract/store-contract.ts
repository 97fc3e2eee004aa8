/** What every store has to do, whatever it is made of. `open` gives an empty store; `again` a second connection to it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewDelivery, Store } from '../../src/store/store.ts';
import { newDelivery, newHangUp, sealedReport, sessionRow } from './store-rows.ts';
import { type SessionId, sessionIdOf } from '../../src/journal/ids.ts';

export type StoreMaker = {
  open(): Promise<Store>;
  /** Undefined where a second connection cannot exist (in memory). */
  again?: () => Promise<Store>;
  clean(): Promise<void>;
};

export const storeContract = (title: string, make: () => StoreMaker): void => {
  describe(title, () => {
    let maker: StoreMaker;
    let store: Store;
    beforeEach(async () => {
      maker = make();
      store = await maker.open();
    });
    afterEach(async () => {
      await store.close();
      await maker.clean();
    });

    const sealNew = async (session: SessionId, deliveries: NewDelivery[]) => {
      await store.putSession(sessionRow(session));
      return store.seal(
        sessionRow(session, { state: 'sealed', endedAt: 5_000, by: 'caller', reason: 'caller_hung_up' }),
        sealedReport(session),
        deliveries,
      );
    };
    const everything = { owner: 'relay', now: 10_000, limit: 10, leaseMs: 1_000, names: ['backend'], each: 10 };
    const claim = (more: Partial<Parameters<Store['claim']>[0]> = {}) => store.claim({ ...everything, ...more });
    const mend = (now: number, deadOwner?: string) =>
      store.reclaim({ now, furthestMs: 86_400_000, ...(deadOwner !== undefined && { deadOwner }) });

    it('a session is found as it was put, and what is not known is absent', async () => {
      await store.putSession(sessionRow(sessionIdOf('one')));
      expect(await store.session(sessionIdOf('one'))).toEqual(sessionRow(sessionIdOf('one')));
      expect(await store.session(sessionIdOf('other'))).toBeUndefined();
    });

    it('putting a session again updates it', async () => {
      await store.putSession(sessionRow(sessionIdOf('one')));
      await store.putSession(sessionRow(sessionIdOf('one'), { state: 'recovering' }));
      expect((await store.session(sessionIdOf('one')))?.state).toBe('recovering');
      await store.putSession(sessionRow(sessionIdOf('one'), { state: 'open' }));
      expect((await store.session(sessionIdOf('one')))?.state).toBe('open');
    });

    it('a sealed session never becomes open again, and keeps its end', async () => {
      await sealNew(sessionIdOf('one'), []);
      await store.putSession(sessionRow(sessionIdOf('one'), { state: 'open', reason: 'other' }));
      expect(await store.session(sessionIdOf('one'))).toMatchObject({
        state: 'sealed',
        by: 'caller',
        reason: 'caller_hung_up',
        endedAt: 5_000,
      });
    });

    it('sessions come newest first, by state and page', async () => {
      for (const [index, name] of ['a', 'b', 'c', 'd'].map(sessionIdOf).entries())
        await store.putSession(
          sessionRow(name, { acceptedAt: index * 100, state: name === 'c' ? 'recovering' : 'open' }),
        );
      const names = async (page: Parameters<Store['sessions']>[0]) =>
        (await store.sessions(page)).map(({ session }) => session);
      expect(await names({ limit: 10 })).toEqual(['d', 'c', 'b', 'a']);
      expect(await names({ limit: 2 })).toEqual(['d', 'c']);
      expect(await names({ limit: 2, before: 200 })).toEqual(['b', 'a']);
      expect(await names({ limit: 10, state: 'recovering' })).toEqual(['c']);
    });

    it('a seal puts report, session and deliveries down at once', async () => {
      expect(
        await sealNew(sessionIdOf('one'), [
          newDelivery('d1', sessionIdOf('one')),
          newDelivery('d2', sessionIdOf('one'), { destination: 'archive' }),
        ]),
      ).toBe(true);
      expect(await store.report(sessionIdOf('one'))).toEqual(sealedReport(sessionIdOf('one')));
      expect((await store.session(sessionIdOf('one')))?.state).toBe('sealed');
      expect((await store.deliveries({ limit: 10 })).map(({ delivery }) => delivery).sort()).toEqual(['d1', 'd2']);
    });

    it('a seal needs no session row of its own', async () => {
      expect(
        await store.seal(sessionRow(sessionIdOf('one'), { state: 'sealed' }), sealedReport(sessionIdOf('one')), []),
      ).toBe(true);
      expect((await store.session(sessionIdOf('one')))?.state).toBe('sealed');
    });

    it('a second seal changes nothing', async () => {
      await sealNew(sessionIdOf('one'), [newDelivery('d1', sessionIdOf('one'))]);
      const second = sessionRow(sessionIdOf('one'), { state: 'sealed', by: 'system', reason: 'process_crashed' });
      expect(
        await store.seal(second, sealedReport(sessionIdOf('one'), 'other'), [newDelivery('d9', sessionIdOf('one'))]),
      ).toBe(false);
      expect((await store.report(sessionIdOf('one')))?.body).toBe(sealedReport(sessionIdOf('one')).body);
      expect((await store.session(sessionIdOf('one')))?.reason).toBe('caller_hung_up');
      expect(await store.deliveries({ limit: 10 })).toHaveLength(1);
    });

    it('a seal whose delivery cannot be stored leaves nothing behind', async () => {
      await store.putSession(sessionRow(sessionIdOf('one')));
      const wrong = { ...newDelivery('d2', sessionIdOf('one')), kind: 'neither' as 'report' };
      await expect(
        store.seal(sessionRow(sessionIdOf('one')), sealedReport(sessionIdOf('one')), [
          newDelivery('d1', sessionIdOf('one')),
          wrong,
        ]),
      ).rejects.toMatchObject({
        name: 'StoreError',
        message: expect.stringContaining('could not seal a report'),
      });
      expect(await store.report(sessionIdOf('one'))).toBeUndefined();
      expect(await store.deliveries({ limit: 10 })).toEqual([]);
      expect((await store.session(sessionIdOf('one')))?.state).toBe('open');
      expect(await sealNew(sessionIdOf('one'), [])).toBe(true); // and the store still works
    });

    it('every byte of a body comes back, also at a second destination and for an alert', async () => {
      const body = JSON.stringify({ text: 'naïve 😀 \u2028 "quoted"\n\t\u0001', zero: '\u0000' });
      await store.seal(sessionRow(sessionIdOf('one')), sealedReport(sessionIdOf('one'), body), [
        newDelivery('d1', sessionIdOf('one'), { body }),
        newDelivery('d2', sessionIdOf('one'), { body: `${body} ` }),
        newDelivery('d3', sessionIdOf('one'), { kind: 'alert', body: 'alert' }),
      ]);
      const bodies = new Map(
        await Promise.all((await claim()).map(async ({ delivery }) => [delivery, await store.body(delivery)] as const)),
      );
      expect(bodies).toEqual(
        new Map([
          ['d1', body],
          ['d2', `${body} `],
          ['d3', 'alert'],
        ]),
      );
      expect((await store.report(sessionIdOf('one')))?.body).toBe(body);
    });

    it('enqueueing a delivery that exists leaves it as it is', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      const [first] = await claim();
      await store.settle('d1', first!.lease, { kind: 'delivered', at: 10_500 });
      await store.enqueue([
        newDelivery('d1', sessionIdOf('one'), { nextAt: 1, body: 'other' }),
        newDelivery('d2', sessionIdOf('one')),
      ]);
      const found = await store.deliveries({ limit: 10, state: 'delivered' });
      expect(found).toMatchObject([{ delivery: 'd1', settledAt: 10_500 }]);
      expect(await store.body('d1')).toBe(newDelivery('d1', sessionIdOf('one')).body);
      expect(await store.nextDue(['backend'])).toBe(2_000);
    });

    it('an alert may go out for a session without a report', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'), { kind: 'alert', body: 'the model is gone' })]);
      expect(await claim()).toMatchObject([{ delivery: 'd1', kind: 'alert' }]);
      expect(await store.body('d1')).toBe('the model is gone');
      expect(await store.body('none')).toBeUndefined();
      expect(await store.delivery('d1')).toMatchObject({
        delivery: 'd1',
        kind: 'alert',
        state: 'delivering',
        lane: expect.any(String),
      });
      expect(await store.delivery('none')).toBeUndefined();
    });

    it('due deliveries are claimed oldest first, up to the limit, and only once', async () => {
      await store.enqueue([
        newDelivery('late', sessionIdOf('one'), { nextAt: 10_001 }),
        newDelivery('third', sessionIdOf('one'), { nextAt: 10_000 }),
        newDelivery('second', sessionIdOf('one'), { nextAt: 200 }),
        newDelivery('first', sessionIdOf('one'), { nextAt: 100 }),
      ]);
      const names = (rows: { delivery: string }[]) => rows.map(({ delivery }) => delivery);
      expect(names(await claim({ limit: 2 }))).toEqual(['first', 'second']);
      expect(names(await claim())).toEqual(['third']);
      expect(await claim()).toEqual([]);
      expect(await store.nextDue(['backend'])).toBe(10_001);
    });

    it('an attempt is counted when it begins, once for a lease, and by whoever has it', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'), { nextAt: 0 })]);
      const [first] = await claim();
      expect(first).toMatchObject({ state: 'delivering', attempts: 0 });
      expect(first).not.toHaveProperty('firstAt');
      expect(await store.begin('d1', first!.lease, 10_100.4)).toBe(true);
      expect(await store.begin('d1', first!.lease, 10_200)).toBe(false);
      await mend(99_999);
      expect(await store.begin('d1', first!.lease, 10_300)).toBe(false);
      const [second] = await claim();
      expect(second).toMatchObject({ attempts: 1, firstAt: 10_100 });
      expect(await store.begin('d1', second!.lease, 10_400)).toBe(true);
      expect(await store.deliveries({ limit: 1 })).toMatchObject([{ attempts: 2, firstAt: 10_100 }]);
    });

    it('a row that was claimed and not begun can be given back, and is as it was', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one')), newDelivery('d2', sessionIdOf('one'))]);
      const before = await store.deliveries({ limit: 10 });
      const [first, second] = await claim();
      expect(await store.release(first!.delivery, 'another lease')).toBe(false);
      expect(await store.release(first!.delivery, first!.lease)).toBe(true);
      await store.begin(second!.delivery, second!.lease, 10_000);
      expect(await store.release(second!.delivery, second!.lease)).toBe(false); // a request may be under way
      await mend(99_999);
      expect((await store.deliveries({ limit: 10 })).find(({ delivery }) => delivery === first!.delivery)).toEqual(
        before.find(({ delivery }) => delivery === first!.delivery),
      );
    });

    it('no lane gets more than its places, and its backlog hides nobody else', async () => {
      const backlog = Array.from({ length: 300 }, (_, index) =>
        newDelivery(`slow-${index}`, sessionIdOf('one'), { lane: 'https://slow.example', nextAt: index }),
      );
      await store.enqueue([
        ...backlog,
        newDelivery('fast', sessionIdOf('one'), { lane: 'https://fast.example', nextAt: 9_999 }),
      ]);
      const lanes = (rows: { lane: string }[]) => rows.map(({ lane }) => lane.slice(8, 12)).sort();
      const first = await claim({ limit: 20, each: 3 });
      expect(lanes(first)).toEqual(['fast', 'slow', 'slow', 'slow']);
      expect(first.slice(0, 3).map(({ delivery }) => delivery)).toEqual(['slow-0', 'slow-1', 'slow-2']);
      expect(await claim({ limit: 20, each: 3, seats: { 'https://slow.example': 0 } })).toEqual([]);
      expect(await claim({ limit: 20, each: 3, seats: { 'https://slow.example': 7 } })).toHaveLength(7);
    });

    it('of several lanes the oldest rows come first, whichever lane they wait for', async () => {
      await store.enqueue([
        newDelivery('a-1', sessionIdOf('one'), { lane: 'https://a.example', nextAt: 100 }),
        newDelivery('a-2', sessionIdOf('one'), { lane: 'https://a.example', nextAt: 300 }),
        newDelivery('b-1', sessionIdOf('one'), { lane: 'https://b.example', nextAt: 200 }),
        newDelivery('b-2', sessionIdOf('one'), { lane: 'https://b.example', nextAt: 400 }),
      ]);
      const ids = async (limit: number) => (await claim({ limit })).map(({ delivery }) => delivery);
      expect(await ids(2)).toEqual(['a-1', 'b-1']);
      expect(await ids(1)).toEqual(['a-2']);
    });

    it('a lane that is full takes nobody’s turn, and two destinations at one receiver share its places', async () => {
      const lane = 'https://a.example';
      await store.enqueue([
        ...[1, 2, 3].map((at) => newDelivery(`mine-${at}`, sessionIdOf('one'), { lane, nextAt: at })),
        ...[4, 5, 6].map((at) =>
          newDelivery(`theirs-${at}`, sessionIdOf('one'), { destination: 'elsewhere', lane, nextAt: at }),
        ),
        newDelivery('other', sessionIdOf('one'), { lane: 'https://b.example', nextAt: 7 }),
      ]);
      const names = ['backend', 'elsewhere'];
      const ids = async (more: Parameters<typeof claim>[0]) =>
        (await claim({ names, ...more })).map(({ delivery }) => delivery);
      expect(await ids({ limit: 1, seats: { [lane]: 0 } })).toEqual(['other']);
      expect(await ids({ seats: { [lane]: 4 } })).toEqual(['mine-1', 'mine-2', 'mine-3', 'theirs-4']);
    });

    it('rows of destinations that nobody asked for are left alone, and counted by name', async () => {
      await store.enqueue([
        newDelivery('mine', sessionIdOf('one')),
        newDelivery('theirs', sessionIdOf('one'), { destination: 'elsewhere' }),
        newDelivery('from-metadata', sessionIdOf('one'), { destination: 'hook => https://x.example/a', nextAt: 3_000 }),
      ]);
      expect(await store.owedByName()).toEqual({ backend: 1, elsewhere: 1, hook: 1 });
      expect((await claim({ names: ['backend', 'hook'] })).map(({ delivery }) => delivery)).toEqual([
        'mine',
        'from-metadata',
      ]);
      expect(await store.nextDue(['backend', 'hook'])).toBeUndefined();
      expect(await store.nextDue(['elsewhere'])).toBe(2_000);
      expect(await store.owedByName()).toEqual({ backend: 1, elsewhere: 1, hook: 1 }); // in flight is owed, too
    });

    it('a process that ended while it carried a row is remembered', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      const [first] = await claim();
      await store.settle('d1', first!.lease, { kind: 'retry', nextAt: 10_000, error: 'SIGKILL', hasDied: true });
      const [second] = await claim();
      expect(second).toMatchObject({ deaths: 1, attempts: 0 });
      await store.settle('d1', second!.lease, { kind: 'retry', nextAt: 10_000, error: '503' });
      expect(await claim()).toMatchObject([{ deaths: 1 }]);
    });

    it('what a clock that ran ahead has written is due now', async () => {
      const far = 10_000 + 30 * 86_400_000;
      await store.enqueue([
        newDelivery('d1', sessionIdOf('one'), { nextAt: far }),
        newDelivery('d2', sessionIdOf('one'), { nextAt: 2_000 }),
      ]);
      await store.owe(newHangUp(sessionIdOf('one'), { nextAt: far }));
      await claim({ owner: 'ahead', leaseMs: far });
      expect(await mend(10_000)).toBe(2);
      expect(await claim()).toHaveLength(2);
      expect(await store.hastenOwed({ now: 10_000, furthestMs: 60_000 })).toBe(1);
      expect(await store.hastenOwed({ now: 10_000, furthestMs: 60_000 })).toBe(0);
      expect(await store.nextOwed('wss://one.example')).toBe(10_000);
    });

    it('a retry is due again at its time, with the error', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      const [first] = await claim();
      expect(await store.settle('d1', first!.lease, { kind: 'retry', nextAt: 15_000.4, error: '503' })).toBe(true);
      expect(await store.nextDue(['backend'])).toBe(15_000);
      expect(await claim()).toEqual([]);
      expect(await claim({ now: 15_000 })).toMatchObject([{ attempts: 0, lastError: '503' }]);
    });

    it('each attempt that was begun is in the history, the last twenty of them, and one that was not is not', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      const history = async () => (await store.deliveries({ limit: 1 }))[0]?.history;
      expect(await history()).toEqual([]);
      const answer = 'no "such" hook [1]';
      for (let at = 1; at <= 22; at += 1) {
        const [row] = await claim();
        const attempt = { at, ms: 7, status: 404, answer };
        await store.settle('d1', row!.lease, {
          kind: 'retry',
          nextAt: 10_000,
          error: 'receiver answered 404',
          attempt,
        });
        if (at === 2) expect((await history())?.map((one) => one.at)).toEqual([1, 2]);
      }
      const [unbegun] = await claim();
      await store.settle('d1', unbegun!.lease, { kind: 'retry', nextAt: 10_000, error: 'the courier ended' });
      const [last] = await claim();
      await store.settle('d1', last!.lease, { kind: 'delivered', at: 23, attempt: { at: 23, ms: 4, status: 204 } });
      const found = await history();
      expect(found?.map((one) => one.at)).toEqual(Array.from({ length: 20 }, (_, index) => index + 4));
      expect(found?.slice(-2)).toEqual([
        { at: 22, ms: 7, status: 404, answer },
        { at: 23, ms: 4, status: 204 },
      ]);
    });

    it('a dead delivery is kept and never claimed', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      const [first] = await claim();
      await store.settle('d1', first!.lease, { kind: 'dead', at: 11_000, error: '410 Gone' });
      expect(await claim({ now: Number.MAX_SAFE_INTEGER })).toEqual([]);
      expect(await store.nextDue(['backend'])).toBeUndefined();
      expect(await store.deliveries({ limit: 1, state: 'dead' })).toMatchObject([
        { delivery: 'd1', lastError: '410 Gone', settledAt: 11_000 },
      ]);
    });

    it('a settlement with a lease that is gone changes nothing', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      const [first] = await claim();
      await mend(11_000);
      expect(await store.settle('d1', first!.lease, { kind: 'delivered', at: 11_001 })).toBe(false);
      const [second] = await claim({ now: 11_000 });
      expect(await store.settle('d1', first!.lease, { kind: 'dead', at: 11_001, error: 'no' })).toBe(false);
      expect(await store.settle('d1', second!.lease, { kind: 'delivered', at: 11_002 })).toBe(true);
      expect(await store.settle('d1', second!.lease, { kind: 'dead', at: 11_003, error: 'no' })).toBe(false);
      expect((await store.deliveries({ limit: 1 }))[0]?.state).toBe('delivered');
    });

    it('only what is leased beyond its time, or by a dead owner, is reclaimed', async () => {
      await store.enqueue([
        newDelivery('d1', sessionIdOf('one')),
        newDelivery('d2', sessionIdOf('one')),
        newDelivery('d3', sessionIdOf('one')),
      ]);
      await claim({ owner: 'dead', limit: 1, leaseMs: 60_000 });
      await claim({ owner: 'slow', limit: 1, leaseMs: 500 });
      await claim({ owner: 'quick', limit: 1, leaseMs: 60_000 });
      expect(await mend(10_499)).toBe(0);
      expect(await mend(10_500)).toBe(1);
      expect(await mend(10_500, 'dead')).toBe(1);
      expect(await store.deliveries({ limit: 10, state: 'delivering' })).toHaveLength(1);
    });

    it('deliveries come newest first, by session, state and page', async () => {
      await store.enqueue([newDelivery('d1', sessionIdOf('one'))]);
      await store.enqueue([newDelivery('d2', sessionIdOf('two'))]);
      await store.enqueue([newDelivery('d3', sessionIdOf('one'))]);
      const names = async (page: Parameters<Store['deliveries']>[0]) =>
        (await store.deliveries(page)).map(({ delivery }) => delivery);
      expect(await names({ limit: 10 })).toEqual(['d3', 'd2', 'd1']);
      expect(await names({ limit: 1 })).toEqual(['d3']);
      expect(await names({ limit: 10, session: sessionIdOf('one') })).toEqual(['d3', 'd1']);
      expect(await names({ limit: 10, state: 'dead' })).toEqual([]);
      expect(await names({ limit: 10, before: 0 })).toEqual([]);
    });

    const take = (more: Partial<Parameters<Store['takeOwed']>[0]> = {}) =>
      store.takeOwed({ server: 'wss://one.example', now: 10_000, again: 40_000, limit: 10, ...more });

    it('an owed hang-up is kept whole, and owing it twice changes nothing', async () => {
      expect(await store.owe(newHangUp(sessionIdOf('one')))).toBe(true);
      expect(await store.owe(newHangUp(sessionIdOf('one'), { room: 'other', nextAt: 0 }))).toBe(false);
      const row = { ...newHangUp(sessionIdOf('one')), state: 'owed', attempts: 0 };
      expect(await store.hangUps({ limit: 10 })).toEqual([row]);
      const { caller: _caller, agent: _agent, ...unknown } = newHangUp(sessionIdOf('two'));
      await store.owe(unknown);
      expect(await store.hangUps({ limit: 10, session: sessionIdOf('two') })).toEqual([
        { ...unknown, state: 'owed', attempts: 0 },
      ]);
    });

    it('due hang-ups of one server are taken oldest first, up to the limit, and not again before their time', async () => {
      await store.owe(newHangUp(sessionIdOf('later'), { nextAt: 10_001 }));
      await store.owe(newHangUp(sessionIdOf('second'), { since: 200, nextAt: 9_000 }));
      await store.owe(newHangUp(sessionIdOf('first'), { since: 100, nextAt: 8_000 }));
      await store.owe(newHangUp(sessionIdOf('elsewhere'), { server: 'wss://two.example', nextAt: 1 }));
      const names = (rows: { session: string }[]) => rows.map(({ session }) => session);
      expect(await store.nextOwed('wss://one.example')).toBe(8_000);
      expect(names(await take({ limit: 1 }))).toEqual(['first']);
      expect(names(await take())).toEqual(['second']);
      expect(await take()).toEqual([]);
      expect(await store.nextOwed('wss://one.example')).toBe(10_001);
      expect(await take({ now: 40_000, again: 80_000 })).toMatchObject([
        { session: 'first', attempts: 2 },
        { session: 'second', attempts: 2 },
        { session: 'later', attempts: 1 },
      ]);
      expect(await store.nextOwed('wss://none.example')).toBeUndefined();
    });

    it('a hang-up is tried again at its time, with the error, until it is done', async () => {
      await store.owe(newHangUp(sessionIdOf('one')));
      await take();
      expect(await store.settleHangUp(sessionIdOf('one'), { kind: 'retry', nextAt: 15_000.4, error: '503' })).toBe(
        true,
      );
      expect(await store.nextOwed('wss://one.example')).toBe(15_000);
      expect(await take({ now: 15_000 })).toMatchObject([{ attempts: 2, lastError: '503' }]);
      expect(await store.settleHangUp(sessionIdOf('one'), { kind: 'done', at: 15_100 })).toBe(true);
      expect(await take({ now: Number.MAX_SAFE_INTEGER })).toEqual([]);
      expect(await store.settleHangUp(sessionIdOf('one'), { kind: 'retry', nextAt: 1, error: 'late' })).toBe(false);
      expect(await store.hangUps({ limit: 1, state: 'done' })).toMatchObject([{ session: 'one', settledAt: 15_100 }]);
      expect(await store.owe(newHangUp(sessionIdOf('one')))).toBe(false); // done is done
    });

    it('a hang-up that was given up is kept and never taken', async () => {
      await store.owe(newHangUp(sessionIdOf('one')));
      await store.owe(newHangUp(sessionIdOf('two'), { since: 2_000 }));
      await store.settleHangUp(sessionIdOf('one'), { kind: 'given-up', at: 99_000, error: '503' });
      expect((await take({ now: Number.MAX_SAFE_INTEGER })).map(({ session }) => session)).toEqual(['two']);
      expect(await store.hangUps({ limit: 10, state: 'given-up' })).toMatchObject([
        { session: 'one', lastError: '503', settledAt: 99_000 },
      ]);
      expect((await store.hangUps({ limit: 10 })).map(({ session }) => session)).toEqual(['two', 'one']);
      expect((await store.hangUps({ limit: 10, before: 2_000 })).map(({ session }) => session)).toEqual(['one']);
    });

    it('what is not sealed is told after a restart, and what has no report of those that were found on the disk', async () => {
      await store.putSession(sessionRow(sessionIdOf('open'), { roomSid: 'RM_1' }));
      await store.putSession(sessionRow(sessionIdOf('recovering'), { state: 'recovering', acceptedAt: 2_000 }));
      await sealNew(sessionIdOf('sealed'), []);
      expect(await store.unsealed()).toEqual([
        sessionRow(sessionIdOf('recovering'), { state: 'recovering', acceptedAt: 2_000 }),
        sessionRow(sessionIdOf('open'), { roomSid: 'RM_1' }),
      ]);
      expect(
        (await store.withoutReport([sessionIdOf('sealed'), sessionIdOf('open'), sessionIdOf('unknown')])).sort(),
      ).toEqual(['open', 'unknown']);
      expect(await store.withoutRow([sessionIdOf('sealed'), sessionIdOf('open'), sessionIdOf('unknown')])).toEqual([
        'unknown',
      ]);
      for (const session of ['open', 'sealed', 'unknown'].map(sessionIdOf)) await store.dropSession(session);
      expect((await store.unsealed()).map(({ session }) => session)).toEqual(['recovering']);
      expect(await store.session(sessionIdOf('sealed'))).toBeDefined();
    });

    it('what is left of callers without a session goes by age; nothing of a session, and nothing that is owed', async () => {
      await sealNew(sessionIdOf('sealed'), [newDelivery('of-session', sessionIdOf('sealed'))]);
      const unserved = (delivery: string) => newDelivery(delivery, sessionIdOf(`RM_${delivery}`), { kind: 'alert' });
      await store.enqueue(['gone', 'due'].map(unserved));
      for (const one of await claim())
        if (one.delivery !== 'due') await store.settle(one.delivery, one.lease, { kind: 'delivered', at: 11_000 });
      for (const session of ['sealed', 'RM_gone', 'RM_owed'].map(sessionIdOf)) await store.owe(newHangUp(session));
      for (const session of ['sealed', 'RM_gone'].map(sessionIdOf))
        await store.settleHangUp(session, { kind: 'done', at: 11_000 });
      expect(await store.purgeUnserved(1)).toBe(0);
      expect(await store.purgeUnserved(Number.MAX_SAFE_INTEGER)).toBe(2);
      expect((await store.deliveries({ limit: 10 })).map(({ delivery }) => delivery).sort()).toEqual([
        'due',
        'of-session',
      ]);
      expect((await store.hangUps({ limit: 10 })).map(({ session }) => session).sort()).toEqual(['RM_owed', 'sealed']);
      expect(await store.body('gone')).toBeUndefined();
    });

    it('it is known whether a session was ever in a room, and not in another one of its name', async () => {
      await store.putSession(sessionRow(sessionIdOf('open'), { room: 'one', roomSid: 'RM_1' }));
      await store.seal(
        sessionRow(sessionIdOf('over'), { room: 'two', roomSid: 'RM_2' }),
        sealedReport(sessionIdOf('over')),
        [],
      );
      await store.putSession(sessionRow(sessionIdOf('unknown'), { room: 'three' }));
      const asked = ['one RM_1', 'two RM_2', 'one RM_2', 'three RM_3', 'three '].map((each) => each.split(' '));
      const served = await Promise.all(asked.map(([room = '', sid = '']) => store.wasServed(room, sid)));
      expect(served).toEqual([true, true, false, false, false]);
    });

    const sealAt = (session: SessionId, sealedAt: number, bytes: number, deliveries: NewDelivery[] = []) => {
      const body = JSON.stringify({
        session,
        participants: [{ identity: `caller-${session}` }, { identity: 'agent' }],
      });
      return store.seal(sessionRow(session, { bytes }), { ...sealedReport(session, body), sealedAt }, deliveries);
    };

    it('what may go is sealed and owed to nobody, the oldest first', async () => {
      await store.putSession(sessionRow(sessionIdOf('open')));
      await sealAt(sessionIdOf('newer'), 3_000, 10);
      await sealAt(sessionIdOf('older'), 2_000, 20);
      await sealAt(sessionIdOf('undelivered'), 1_000, 30, [newDelivery('d1', sessionIdOf('undelivered'))]);
      await sealAt(sessionIdOf('not-hung-up'), 1_500, 40);
      await store.owe(newHangUp(sessionIdOf('not-hung-up')));
      const names = (rows: { session: string }[]) => rows.map(({ session }) => session);
      expect(await store.kept({ limit: 10 })).toEqual([
        { session: 'older', sealedAt: 2_000, bytes: 20 },
        { session: 'newer', sealedAt: 3_000, bytes: 10 },
      ]);
      expect(names(await store.kept({ sealedBefore: 3_000, limit: 10 }))).toEqual(['older']);
      expect(names(await store.kept({ limit: 1 }))).toEqual(['older']);
      expect(await store.keptBytes()).toBe(100);
      expect(await store.owedOf([sessionIdOf('undelivered'), sessionIdOf('older')])).toEqual({ undelivered: 1 });
      const [first] = await claim();
      expect(await store.owedOf([sessionIdOf('undelivered')])).toEqual({ undelivered: 1 }); // in flight is owed, too
      await store.settle('d1', first!.lease, { kind: 'dead', at: 11_000, error: '410' });
      await store.settleHangUp(sessionIdOf('not-hung-up'), { kind: 'done', at: 11_000 });
      expect(names(await store.kept({ limit: 10 }))).toEqual(['undelivered', 'not-hung-up', 'older', 'newer']);
    });

    it('sessions are found by who took part in them and by when they were sealed', async () => {
      await sealAt(sessionIdOf('one'), 1_000, 1);
      await sealAt(sessionIdOf('two'), 2_000, 1);
      await sealAt(sessionIdOf('three'), 3_000, 1);
      const find = async (ask: { participant?: string; from?: number; before?: number }) =>
        (await store.find({ limit: 10, ...ask })).map(({ session }) => session);
      expect(await find({ participant: 'caller-two' })).toEqual(['two']);
      expect(await find({ participant: 'agent', from: 2_000 })).toEqual(['two', 'three']);
      expect(await find({ from: 1_000, before: 3_000 })).toEqual(['one', 'two']);
      expect(await find({ participant: 'nobody' })).toEqual([]);
    });

    it('purging forgets all of a sealed session, and nothing of others or of one that is not sealed', async () => {
      await sealAt(sessionIdOf('one'), 1_000, 1, [
        newDelivery('d1', sessionIdOf('one'), { body: 'another' }),
        newDelivery('d2', sessionIdOf('one')),
      ]);
      await sealAt(sessionIdOf('two'), 2_000, 1, [newDelivery('d3', sessionIdOf('two'))]);
      await store.putSession(sessionRow(sessionIdOf('open')));
      await store.enqueue([newDelivery('d4', sessionIdOf('open'), { kind: 'alert' })]);
      await store.owe(newHangUp(sessionIdOf('one')));
      expect(await store.purge([sessionIdOf('one'), sessionIdOf('open'), sessionIdOf('unknown')])).toEqual({
        sessions: 1,
        deliveries: 2,
      });
      expect([
        await store.session(sessionIdOf('one')),
        await store.report(sessionIdOf('one')),
        await store.body('d1'),
      ]).toEqual([undefined, undefined, undefined]);
      expect(await store.hangUps({ limit: 10 })).toEqual([]);
      expect((await store.deliveries({ limit: 10 })).map(({ delivery }) => delivery).sort()).toEqual(['d3', 'd4']);
      expect((await store.session(sessionIdOf('open')))?.state).toBe('open');
      expect(await store.body('d3')).toBeDefined();
    });

    it('after close every call says so, and closing again is harmless', async () => {
      await store.close();
      await store.close();
      await expect(store.session(sessionIdOf('one'))).rejects.toMatchObject({ name: 'StoreError', code: 'CLOSED' });
      await expect(store.putSession(sessionRow(sessionIdOf('one')))).rejects.toMatchObject({ code: 'CLOSED' });
    });

    it('two connections see one store, and one of two seals wins', async (context) => {
      if (!maker.again) return context.skip('a store in memory has one connection');
      const other = await maker.again();
      try {
        const seals = await Promise.all([
          store.seal(sessionRow(sessionIdOf('one')), sealedReport(sessionIdOf('one')), [
            newDelivery('d1', sessionIdOf('one')),
          ]),
          other.seal(sessionRow(sessionIdOf('one')), sealedReport(sessionIdOf('one')), [
            newDelivery('d1', sessionIdOf('one')),
          ]),
        ]);
        expect(seals.filter(Boolean)).toHaveLength(1);
        await other.enqueue([newDelivery('d2', sessionIdOf('one'))]);
        const claimed = [
          ...(await claim({ limit: 1 })),
          ...(await other.claim({ ...everything, owner: 'other', limit: 5, leaseMs: 1 })),
        ];
        expect(claimed.map(({ delivery }) => delivery).sort()).toEqual(['d1', 'd2']);
      } finally {
        await other.close();
      }
    });
  });
};
