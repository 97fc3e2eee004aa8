/** What the tests of dying processes have in common: a call that talks, and an account of how it ended. */
import { expect } from 'vitest';
import type { Report } from '../../../src/report/schema.ts';
import type { LabChannel } from '../../../src/testing/index.ts';
import { expectEndedWell, type WellEnded } from '../../contract/ended-well.ts';
import { type Caller, type Deployment, HEARD, HEARD_WHOLE, type LiveKitAddress, roomsOf } from '../harness/index.ts';
import type { CallWish } from '../harness/wishes.ts';

export const GREETING = 'Hello, this is Ada.';
export const GOODBYE = 'Thank you for calling today, it was a pleasure to talk to you. Goodbye.';
export const QUESTION = 'What are your opening hours?';
export const ANSWER = 'We are open from nine to five, Monday to Friday.';

/** For what takes as long as the machine is slow; a promise has a number of its own. */
export const PATIENCE_MS = 30_000;

/**
 * A call takes 0.4 s of one core in one piece when it begins to speak, and these tests start processes all the time: on
 * two cores that others use too, a job can stand still for seconds. Where that is not the subject, it is given time.
 */
export const patient = {
  startMs: 15_000,
  connectMs: 10_000,
  firstAudioMs: 8000,
  rungMs: 4000,
  unresponsiveMs: 8000,
  idleMs: 40_000,
} as const;

export type Greeted = { name: string; lab: LabChannel; caller: Caller };

/** A call whose greeting was heard. A warm process waits for it, so nothing of the start is measured here. */
export async function greeted(deployment: Deployment, wish?: CallWish): Promise<Greeted> {
  await deployment.warm(1, PATIENCE_MS);
  const call = await deployment.call(wish);
  await hears(call, GREETING, 0.5);
  return call;
}

/** `least`: the share of the line that has to arrive. */
export const hears = ({ caller, lab }: Greeted, line: string, least = HEARD): Promise<true> =>
  caller.until(`"${line}" to be heard`, () => (caller.line(lab, line)[0]?.share ?? 0) > least, PATIENCE_MS);

/** One turn: the caller's words, the model's tool, the answer heard. */
export async function asks(call: Greeted, least?: number): Promise<void> {
  await call.caller.say(call.lab, QUESTION);
  await hears(call, ANSWER, least);
}

/** The caller says goodbye and hears it said: once, whole, and then the line is down. */
export async function partsWith(call: Greeted): Promise<void> {
  const { caller, lab } = call;
  await caller.say(lab, 'Goodbye.');
  await caller.disconnected(PATIENCE_MS);
  expectGoodbye(call);
}

/** Once and to its end. */
export function expectGoodbye({ caller, lab }: Greeted): void {
  const heard = caller.line(lab, GOODBYE);
  expect(heard, 'the goodbye is heard once').toHaveLength(1);
  expect(heard[0]?.times).toBe(1);
  expect(heard[0]?.share).toBeGreaterThan(HEARD_WHOLE);
  expect(caller.find('disconnected')?.reason).toBe('ROOM_DELETED');
}

/** All that was delivered about a room. */
export const reportsOf = ({ delivered }: Pick<Deployment, 'delivered'>, room: string): Report[] =>
  delivered.map(({ report }) => report).filter((report) => report.room?.name === room);

/** The same, once there is one. */
export async function reportsAbout(deployment: Deployment, room: string, ms = PATIENCE_MS): Promise<Report[]> {
  await deployment.reportOf(room, ms);
  return reportsOf(deployment, room);
}

/** Waits for the report about a room, and holds the end of that session to what was wanted. */
export async function endedWell(
  server: LiveKitAddress,
  deployment: Deployment,
  room: string,
  wanted: WellEnded,
): Promise<Report> {
  const reports = await reportsAbout(deployment, room);
  return expectEndedWell({ reports, rooms: await roomsOf(server).names() }, wanted);
}

/** An end by the caller's own words, as every call that was not disturbed ends. */
export const parted = {
  reason: 'agent_ended',
  by: 'agent',
  stage: 'conversing',
  fault: 'none',
  goodbye: 'played',
  strategy: 'delete-room',
} as const satisfies WellEnded;

export const expectNoRoom = async (server: LiveKitAddress, ...names: string[]): Promise<void> => {
  const there = await roomsOf(server).names();
  expect(there.filter((name) => names.includes(name))).toEqual([]);
};
