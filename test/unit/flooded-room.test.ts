/** Strangers in a room of the real venue, a real machine and a real journal on disk: what arrives there. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DisconnectReason, ParticipantKind, RoomEvent } from '@livekit/rtc-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultPolicy, endOf, type SessionEvent } from '../../machines/index.ts';
import { readSession } from '../../src/journal/read.ts';
import { withinBudget } from '../../src/journal/within-budget.ts';
import { openJournal } from '../../src/journal/write.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { fold } from '../../src/report/fold.ts';
import type { Log } from '../../src/session/ports.ts';
import { runSession, type SessionRun } from '../../src/session/run.ts';
import { assertReport } from '../contract/check-report.ts';
import { opened } from '../contract/sessions.ts';
import { effectsDone } from './effects-done.ts';
import { standInRoom, venueIn } from './stand-in-room.ts';
import { MIB } from './strangers.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const person = (identity: string) => ({
  identity,
  sid: `PA_${identity}`,
  info: { kind: ParticipantKind.STANDARD },
  attributes: {},
  metadata: '',
  trackPublications: new Map<string, object>(),
  disconnectReason: DisconnectReason.CLIENT_INITIATED,
});

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'lastword-flooded-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A call that is being talked in; `ends()` gives its report as the keeper would seal it. */
async function callIn(caller: ReturnType<typeof person>) {
  const [first] = opened(sessionIdOf('one')).entries;
  const journal = withinBudget(
    await openJournal({ directory, session: sessionIdOf('one'), file: 1, first: first as never }),
  );
  let run: SessionRun | undefined;
  const sent: string[] = [];
  const send = (event: SessionEvent) => {
    sent.push(event.type);
    run?.send(event);
  };
  const room = standInRoom([caller], {
    localParticipant: { identity: 'agent', trackPublications: new Map(), publishTrack: async () => {} },
  });
  await venueIn(room, { send, append: (kind, data) => journal.append(kind, data) });
  const session: SessionRun = runSession({
    input: { policy: defaultPolicy, resumed: false, elapsedMs: 0, greeting: 'say', goodbye: false },
    recorder: journal,
    log: quiet,
  });
  run = session;
  session.start({
    ...effectsDone,
    sendReport: async ({ end }) => {
      journal.append('session.closed', { end, alsoTriggered: [], stage: session.stage() ?? '' });
      await journal.durable();
      return {};
    },
  });
  await expect.poll(() => session.leaves().join()).toContain('conversing');
  const ends = async () => {
    session.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: false });
    await session.closed;
    await journal.close();
    const report = fold(await readSession(directory, sessionIdOf('one')));
    assertReport(report);
    return { report, bytes: statSync(journal.path).size };
  };
  return { room, sent, ends };
}

test('attributes of 540 MB from the caller: a journal of 2 MiB, the last value, and what was withheld', async () => {
  const caller = person('caller');
  const { room, ends } = await callIn(caller);
  const value = 'x'.repeat(60_000);
  for (let turn = 0; turn < 9_000; turn += 1) {
    room.emit(RoomEvent.ParticipantAttributesChanged, { page: `${turn} ${value}` }, caller);
    if (turn % 100 === 0) await new Promise(setImmediate);
  }
  const { report, bytes } = await ends();
  expect(bytes).toBeLessThan(2 * MIB);
  expect(report.end.reason).toBe('agent_ended');
  expect(report.participants).toMatchObject([{ identity: 'caller', attributes: { page: `8999 ${value}` } }]);
  expect(report.completeness).toMatchObject({
    status: 'closed',
    withheld: [{ part: 'caller', identity: 'caller' }],
    leftOut: [],
  });
  expect(report.completeness.withheld[0]!.entries).toBeGreaterThan(8_900);
});

test('a hundred thousand data messages are some acts, and a number that an app dials at once is whole', async () => {
  const caller = person('caller');
  const { room, sent, ends } = await callIn(caller);
  for (let key = 0; key < 16; key += 1) room.emit(RoomEvent.DtmfReceived, 1, '5', caller);
  expect(sent.filter((type) => type === 'caller.acts')).toHaveLength(16);
  for (let turn = 0; turn < 100_000; turn += 1) room.emit(RoomEvent.DataReceived, new Uint8Array(1), caller, 0, 'app');
  const { report, bytes } = await ends();
  expect(bytes).toBeLessThan(MIB / 4);
  expect(sent.filter((type) => type === 'caller.acts').length).toBeLessThan(60);
  expect(report.transcript.map(({ text }) => text)).toEqual(['5'.repeat(16)]);
});

test('a crowd of a thousand is in the report; a room whose metadata never rests has its last', async () => {
  const caller = person('caller');
  const { room, ends } = await callIn(caller);
  for (let turn = 0; turn < 1_000; turn += 1) room.emit(RoomEvent.ParticipantConnected, person(`listener ${turn}`));
  for (let turn = 0; turn < 500; turn += 1) room.emit(RoomEvent.RoomMetadataChanged, `${turn} ${'x'.repeat(50_000)}`);
  const { report, bytes } = await ends();
  expect(report.participants).toHaveLength(1_001);
  expect(report.completeness.withheld).toMatchObject([{ part: 'room', identity: null }]);
  expect(bytes).toBeLessThan(2 * MIB);
});
