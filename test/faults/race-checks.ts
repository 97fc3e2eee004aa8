/** What has to hold for a call, whatever happened in it. */
import { bound, definePolicy, type Policy, sessionMachine } from '../../machines/index.ts';
import type { EntryData } from '../../src/journal/entry.ts';
import { assertReport } from '../contract/check-report.ts';
import type { Placed } from './harness.ts';

/** What is said last, to whom. */
export const goodbyes = { caller: 'Goodbye now.', machine: 'Please call us back.', music: 'We call again.' };
export const limits: Partial<Policy> = {
  connectMs: 500,
  callerJoinMs: 500,
  firstAudioMs: 300,
  rungMs: 200,
  toolMs: 300,
  idleMs: 400,
  nudges: 1,
  holdMs: 300,
  transferMs: 400,
  callerGraceMs: 300,
  maxDurationMs: 3000,
  windDownMs: 500,
  drainMs: 200,
  interruptMs: 150,
  goodbyeMs: 400,
  apologyMs: 400,
  hangUpMs: 200,
  closeMs: 300,
  reportMs: 300,
};

/** Of a machine that is busy; the limits of the policy are what is measured. */
const SLACK_MS = 2500;
const policy = definePolicy(limits);

/** What the edges of the call saw. */
export type Seen = {
  hangUps: number;
  isGone: boolean;
  /** How often somebody who had been called was let go. */
  dismissed: number;
  transfersAsked: number;
  transfersTold: number;
};

const idOf = (leaf: string): string =>
  leaf.split('.').reduce((node, key) => node.states[key] as never, sessionMachine.root).id;

export async function problemsOf(placed: Placed, seen: Seen): Promise<string[]> {
  const problems: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) problems.push(what);
  };
  const closedAt = Date.now();
  const report = await placed.report();
  assertReport(report);
  check(report.completeness.status === 'closed', `completeness ${report.completeness.status}`);
  check(placed.of('session.closed').length === 1, 'session.closed was written twice');

  const transitions = placed.entries.filter(({ kind }) => kind === 'transition');
  const ending = transitions.find(({ data }) => (data as EntryData['transition']).end !== undefined);
  const first = (ending?.data as EntryData['transition'] | undefined)?.end;
  check(
    first !== undefined && report.end.reason === first.reason,
    `reason ${report.end.reason}, first ${first?.reason}`,
  );
  const given = placed.entries.filter(({ kind, data }) => kind === 'event' && 'end' in data);
  const told = given.findIndex(({ seq }) => seq < (ending?.seq ?? 0));
  if (told >= 0) {
    const { reason } = (given[told] as { data: { end: { reason: string } } }).data.end;
    check(report.end.reason === reason, `the first trigger was ${reason}, the reason is ${report.end.reason}`);
  }

  const lines = placed.of('effect').filter(({ name, phase }) => name === 'speak' && phase === 'requested');
  const spokenLast = lines.filter(({ line }) => line === 'goodbye');
  check(spokenLast.length <= 1, `${spokenLast.length} goodbyes`);
  const heard = placed.heard.map(({ text }) => text).join(' | ');
  const said = Object.entries(goodbyes).flatMap(([to, text]) =>
    heard
      .split(text)
      .slice(1)
      .map(() => to),
  );
  check(said.length <= 1, `goodbyes heard: ${said.join()}`);
  const isTo = { voicemail: 'machine', on_hold: 'music' }[report.end.reason] ?? 'caller';
  check(said.length === 0 || said[0] === isTo, `a goodbye to the ${said[0]}, after ${report.end.reason}`);
  check(report.end.reason !== 'transferred' || spokenLast.length === 0, 'a goodbye to who talks to somebody else');
  const asked = placed.entries.find(
    ({ kind, data }) => kind === 'effect' && (data as EntryData['effect']).line === 'goodbye',
  );
  const away = placed.entries.findLast(
    ({ kind, data, seq }) => kind === 'event' && /^caller\.(left|lost)$/.test(data.type) && seq < (asked?.seq ?? 0),
  );
  const back = placed.entries.findLast(({ kind, data }) => kind === 'event' && data.type === 'caller.returned');
  check(!asked || !away || (back?.seq ?? 0) > away.seq, 'a goodbye to nobody');
  check(seen.hangUps === 1, `${seen.hangUps} hang-ups`);
  const settled = placed.of('transfer').filter(({ status }) => status === 'settled');
  const inVain = settled.filter(({ outcome }) => outcome !== 'transferred').length;
  check(seen.dismissed === inVain, `${inVain} called in vain, ${seen.dismissed} let go`);
  check(seen.transfersTold === seen.transfersAsked, `${seen.transfersAsked} transfers, ${seen.transfersTold} answered`);
  for (const { name, status } of report.tools) check(status !== 'unknown', `tool ${name} is unknown`);
  for (const { line, outcome } of report.lines) check(outcome !== 'unknown', `${line} is unknown`);

  if (ending) {
    const to = (ending.data as EntryData['transition']).to[0] ?? '';
    const limit = bound(policy, idOf(to));
    const took = closedAt - ending.at;
    check(took <= limit + SLACK_MS, `from ${to} to closed ${took} ms, computed ${limit}`);
  }
  return problems;
}
