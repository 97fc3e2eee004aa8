/**
 * The example in docs/report.md against a call as it is today: real models' plugins, a real server, a real caller.
 * `LASTWORD_RECORD=1` makes the example anew from this call; `npm run gen:docs` then writes it into the guide.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { SessionJournal } from '../../src/journal/entry.ts';
import { fold, serializeReport } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { deploy, type Deployment } from '../e2e/harness/index.ts';
import { hears } from '../e2e/processes/calls.ts';
import { guidePath } from './generate-schema.ts';
import { writeRecordedCall } from './recorded-call.ts';
import { pathsIn } from './report-fields.ts';

const server = inject('livekit');
const [GREETING, ANSWER] = ['Hello, this is Ada.', 'We are open from nine to five, Monday to Friday.'];
/** What the journal held when the report was sealed; the last entries are about the sealing. */
const asSealed = ({ session, epochs, keeper }: SessionJournal, { completeness }: Report): SessionJournal => ({
  session,
  epochs: epochs.map((each, index) => {
    const lastSeq = completeness.epochs[index]?.lastSeq ?? 0;
    return { ...each, entries: each.entries.filter(({ seq }) => seq <= lastSeq) };
  }),
  keeper: keeper.filter(({ seq }) => seq <= completeness.keeperSeq),
});
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { goodbye: { say: 'Thank you. Goodbye.' }, calls: 1 }, { pace: 'typical' });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('O-G the example in the guide has the fields of a real report, no more and no less, and as true', async () => {
  const { name, lab, caller: made } = await deployment.call();
  await using caller = made;
  await hears({ name, lab, caller }, GREETING);
  await caller.say(lab, 'What are your opening hours?');
  await hears({ name, lab, caller }, ANSWER);
  await caller.say(lab, 'Goodbye.');
  await caller.disconnected(20_000);
  const { report } = await deployment.reportOf(name, 10_000);
  const journal = await deployment.journalOf(name);
  if (!journal) throw new Error(`expected a journal of ${name}, found none`);
  const known = asSealed(journal, report);
  expect(serializeReport(fold(known)), 'what was delivered is what its journal said').toBe(serializeReport(report));
  if (process.env['LASTWORD_RECORD'] === '1') return writeRecordedCall(known);

  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(readFileSync(guidePath, 'utf8'))?.[1] ?? '') as Report;
  expect([...pathsIn(report)].toSorted()).toEqual([...pathsIn(example)].toSorted());
  const told = ({ end, transcript, lines, tools, errors, warnings, participants, hangUp, completeness }: Report) => ({
    end,
    transcript: transcript.map(({ role, source, text, heard }) => [role, source, text, heard]),
    lines: lines.map(({ line, rung, outcome, plannedMs }) => [line, rung, outcome, plannedMs !== null]),
    tools: tools.map(({ name: tool, status, args, output }) => [tool, status, args, output]),
    errors,
    warnings,
    participants: participants.map(({ isCaller, kind, leftReason }) => [isCaller, kind, leftReason]),
    hangUp: [hangUp?.strategy, hangUp?.outcome, hangUp?.left],
    status: completeness.status,
  });
  expect(told(report)).toEqual(told(example));
});
