/** A call in Stately's inspector, as the package's own receiver gets it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { createMachine } from 'xstate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { sessionMachine } from '../../machines/index.ts';
import { showInStately } from '../../src/inspector/show-in-stately.ts';
import { toStately, valueOf } from '../../src/inspector/stately.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { openJournal } from '../../src/journal/write.ts';
import { Source } from '../../src/reads/source.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { until } from '../e2e/harness/until.ts';

const SAID = 'I am Mrs Miller, and this is my secret.';
let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'lastword-stately-'))));
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A whole call on a virtual clock, written down as it went: `part` of it now, the rest when it is asked for. */
async function callNamed(name: string, part = 1) {
  const call = await new VirtualSession().converse();
  call.note('item', { id: 'i', role: 'user', text: SAID, interrupted: false, createdAt: 1 });
  call.leaves();
  await call.report();
  const [first, ...rest] = call.entries as [Entry, ...Entry[]];
  const journal = await openJournal({ directory, session: sessionIdOf(name), file: 1, first: first as never });
  const write = (entries: Entry[]) => {
    for (const { kind, data } of entries) journal.append(kind, data as never);
  };
  const count = Math.floor(rest.length * part);
  write(rest.slice(0, count));
  await journal.durable();
  const all = call.entries.flatMap((entry) => toStately(sessionIdOf(name), { withTexts: false })(entry, 1));
  const values = call.entries.flatMap((entry) => (entry.kind === 'transition' ? [valueOf(entry.data.to)] : []));
  return {
    all,
    values,
    async finish() {
      write(rest.slice(count));
      await journal.close();
    },
  };
}

async function shown(name: string, options: { withTexts?: boolean } = {}) {
  const over = new AbortController();
  const source = new Source({ directory, store: `sqlite:${join(directory, 'lastword.db')}` });
  let socket = '';
  const done = showInStately({
    source,
    session: sessionIdOf(name),
    withTexts: options.withTexts ?? false,
    port: 0,
    onOpen: (addresses) => void (socket = addresses.socket),
    warn: () => undefined,
    signal: over.signal,
  });
  await until('an address', () => socket !== '', 5_000);
  return {
    socket,
    received() {
      const events: StatelyInspectionEvent[] = [];
      createWebSocketReceiver({ server: socket }).subscribe((event) => void events.push(event));
      return events;
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
      source.close();
    },
  };
}

const valuesIn = (events: StatelyInspectionEvent[], actor: string | undefined) =>
  events.flatMap((one) => (one.type === '@xstate.snapshot' && one.sessionId === actor ? [one.snapshot] : []));

describe('the package’s own receiver', () => {
  test('gets the chart, each event and each state of a stored call, and nothing that was said', async () => {
    const stored = await callNamed('AJ_stored');
    await stored.finish();
    await using call = await shown('AJ_stored');
    const events = call.received();
    await until('all of it', () => events.length >= stored.all.length, 5_000);
    const [actor] = events;
    if (actor?.type !== '@xstate.actor') throw new Error('expected the actor first');
    const chart = createMachine(JSON.parse(actor.definition ?? '') as Parameters<typeof createMachine>[0]);
    expect(Object.keys(chart.states)).toEqual(Object.keys(sessionMachine.states));
    const seen = valuesIn(events, actor.sessionId) as unknown as { value: unknown; status: string }[];
    expect(seen.map(({ value }) => value)).toEqual(stored.values);
    expect(seen.at(-1)).toMatchObject({ value: 'closed', status: 'done' });
    expect(seen.length).toBeGreaterThan(5);
    const effects = events.filter((one) => one.type === '@xstate.actor' && one.parentId === actor.sessionId);
    expect(effects.length).toBeGreaterThan(3);
    expect(JSON.stringify(events)).not.toContain('Miller');
  });

  test('follows a living call, and one that connects late gets the beginning too', async () => {
    const living = await callNamed('AJ_living', 0.4);
    await using call = await shown('AJ_living');
    const events = call.received();
    await until('the beginning', () => events.length > 3, 5_000);
    expect(events.length).toBeLessThan(living.all.length);
    await living.finish();
    await until('the rest', () => events.length === living.all.length, 5_000);
    const late = call.received();
    await until('all of it again', () => late.length === living.all.length, 5_000);
    expect(late).toEqual(events);
  });

  test('gets what events carried only where it was asked for', async () => {
    const stored = await callNamed('AJ_texts');
    await stored.finish();
    const carried = async (withTexts: boolean) => {
      await using call = await shown('AJ_texts', { withTexts });
      const events = call.received();
      await until('all of it', () => events.length >= stored.all.length, 5_000);
      return events.filter((one) => one.type === '@xstate.event' && Object.keys(one.event).length > 1).length;
    };
    expect(await carried(false)).toBe(0);
    expect(await carried(true)).toBeGreaterThan(0);
  });
});

describe('nobody else', () => {
  const refused = (url: string, options: object = {}) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(url, options);
      socket.once('error', (error) => resolve(error.message));
      socket.once('open', () => resolve('open'));
    });
  test('connects without the code, from another page, or by another name', async () => {
    await (await callNamed('AJ_guarded')).finish();
    await using call = await shown('AJ_guarded');
    const { origin, host } = new URL(call.socket);
    expect(await refused(`${origin.replace('null', `ws://${host}`)}/`)).toContain('403');
    expect(await refused(call.socket.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toContain('403');
    expect(await refused(call.socket, { origin: 'https://evil.example' })).toContain('403');
    expect(await refused(call.socket, { headers: { host: 'evil.example' } })).toContain('403');
    expect(await refused(call.socket, { origin: `http://${host}` })).toBe('open');
  });
});

test('leaves become a value as XState has it', () => {
  expect(valueOf(['closed'])).toBe('closed');
  expect(valueOf(['exiting.saying'])).toEqual({ exiting: 'saying' });
  expect(valueOf(['live.conversing.dialogue.active.quiet', 'live.conversing.work.none'])).toEqual({
    live: { conversing: { dialogue: { active: 'quiet' }, work: 'none' } },
  });
});
