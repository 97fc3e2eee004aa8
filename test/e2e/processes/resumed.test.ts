/** The call goes on: its process dies, and the caller hears the agent again, who knows what was said. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deploy, type Deployment, roomsOf, startCaller } from '../harness/index.ts';
import {
  ANSWER,
  asks,
  type Greeted,
  GOODBYE,
  GREETING,
  greeted,
  hears,
  PATIENCE_MS,
  partsWith,
  patient,
  QUESTION,
} from './calls.ts';

const server = inject('livekit');
const SORRY = 'Sorry, I lost you for a moment.';
const WELL = 'Very well, thank you. And you?';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 1, say: SORRY },
    policy: { ...patient, apologistMs: 5000 },
    idleProcesses: 2,
  });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

/** What the model was asked last. */
const lastPrompt = ({ lab }: Greeted) =>
  lab.log.flatMap((entry) => (entry.kind === 'asked' ? [entry.prompt.messages] : [])).at(-1) ?? [];
const kill = async ({ name }: Greeted) => process.kill(await deployment.jobPid(name), 'SIGKILL');

test('G7 kill -9 in the middle of a sentence: the caller hears the agent again, who knows what was said, and one report tells all of it', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment);
  await using caller = call.caller;
  await caller.say(call.lab, QUESTION);
  const isOfAnswer = (text: string | undefined) => text !== undefined && text !== '' && ANSWER.startsWith(text);
  await deployment.entry(call.name, 'audible', ({ data }) => isOfAnswer(data.pii?.text), PATIENCE_MS);
  const killedAt = Date.now();
  await kill(call);
  await hears(call, SORRY);
  const again = caller.line(call.lab, SORRY)[0];
  console.info(`heard again after ${Math.round((again?.firstAt ?? 0) - killedAt)} ms`);

  // The answer is owed, without being asked for again; the model was told what was said, and that it was cut.
  const asked = () => lastPrompt(call);
  await caller.until(
    'the model to be asked',
    () => asked().some(({ content }) => /cut off/.test(content)),
    PATIENCE_MS,
  );
  expect(asked().map(({ role }) => role)).toEqual(expect.arrayContaining(['user', 'tool', 'assistant']));
  expect(asked().find(({ role }) => role === 'user')?.content).toBe(QUESTION);
  expect(asked().find(({ role }) => role === 'tool')?.content).toMatch(/nine to five/);
  expect(asked().some(({ role, content }) => role === 'assistant' && content !== ANSWER && isOfAnswer(content))).toBe(
    true,
  );
  await hears(call, 'I see. Is there anything else I can do for you?');
  await caller.say(call.lab, 'How are you?');
  await hears(call, WELL);
  await partsWith(call);

  const { report } = await deployment.reportOf(call.name, 10_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  const [first, second] = report.completeness.epochs;
  expect([first, second]).toMatchObject([
    { epoch: 1, closed: false },
    { epoch: 2, closed: true },
  ]);
  expect(report.completeness).toMatchObject({ status: 'closed', noticed: [{ what: 'died', epoch: 1 }] });
  const [gap] = report.completeness.gaps;
  expect(report.completeness.gaps).toMatchObject([{ fromEpoch: 1, toEpoch: 2, cause: 'died' }]);
  const heardAfterMs = (again?.firstAt ?? 0) - killedAt;
  expect(gap?.ms, `the line was heard after ${heardAfterMs} ms`).toBeLessThan(heardAfterMs + 100);
  const words = report.transcript.filter(({ role }) => role !== 'handoff');
  expect(words.map(({ role }) => role).join(' ')).toBe(
    'assistant user assistant assistant assistant user assistant user assistant',
  );
  expect(words[2]).toMatchObject({ source: 'played', interrupted: true });
  expect(words[3]).toMatchObject({ text: SORRY });
  expect(caller.line(call.lab, GREETING), 'greeted once').toHaveLength(1);
  expect(await roomsOf(server).names()).not.toContain(call.name);
});

test('G7 who speaks over the words after a crash is heard from the first word on: their echo canceller knows the agent', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call); // with the greeting more than the three seconds for which a new session hears nobody who speaks over it
  await kill(call);
  await caller.until('the words to begin', () => caller.line(call.lab, SORRY)[0]?.firstAt, PATIENCE_MS);
  const said = await caller.say(call.lab, 'How are you?');
  await hears(call, WELL);
  const heard = call.lab.log.findLast((entry) => entry.kind === 'heard' && entry.text === 'How are you?');
  const speechMs = heard?.kind === 'heard' ? heard.audio.speechMs : 0;
  expect(speechMs).toBeGreaterThan(0.8 * (said.to - said.from));
  await partsWith(call);
  await deployment.reportOf(call.name, PATIENCE_MS);
});

test('G8 a second death within a minute, with resume: 1: the caller is told and hung up on, and one report says so', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  await kill(call);
  await hears(call, SORRY);
  const journal = await deployment.journalOf(call.name);
  const opened = journal?.epochs.at(-1)?.entries[0];
  if (opened?.kind !== 'session.opened') throw new Error(`the second epoch begins with ${opened?.kind}`);
  process.kill(opened.data.owner.pid, 'SIGKILL');
  const { reason } = await caller.disconnected(PATIENCE_MS);
  expect(reason).toBe('ROOM_DELETED');
  const { report } = await deployment.reportOf(call.name, 10_000);
  // A filler belongs to a slow answer before the death, on a machine that others use too.
  const recordings = (await caller.recordings()).map(({ name }) => name).filter((name) => name !== 'filler');
  expect(recordings, `nobody is left to speak: ${JSON.stringify(report.lines)}`).toEqual(['apology']);
  expect(report.end).toMatchObject({ by: 'system', reason: 'process_crashed' });
  expect(report.apology).toMatchObject({ rung: 'bundled', outcome: 'played' });
  expect(report.completeness.epochs).toHaveLength(2);
  expect(report.completeness.noticed.map(({ what, epoch }) => [what, epoch])).toEqual([
    ['died', 1],
    ['died', 2],
  ]);
  expect(report.completeness.gaps, 'the second death is the end').toMatchObject([{ fromEpoch: 1, toEpoch: 2 }]);
});

test('C6 kill -9 of the job before its caller is there: the next job waits for them, and greets them as the first would have', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const { name, lab } = await deployment.room();
  const isWaiting = ({ data }: { data: { to: string[] } }) => data.to.some((state) => state.endsWith('awaitingCaller'));
  await deployment.entry(name, 'transition', isWaiting, PATIENCE_MS);
  process.kill(await deployment.jobPid(name), 'SIGKILL');
  const goesOn = async () => (await deployment.journalOf(name))?.keeper.some(({ kind }) => kind === 'keeper.resumed');
  await expect.poll(goesOn, { timeout: PATIENCE_MS }).toBe(true);
  await using caller = await startCaller({ server, room: name });
  const call = { name, lab, caller };
  await hears(call, GREETING);
  await asks(call);
  await partsWith(call);
  const { report } = await deployment.reportOf(name, PATIENCE_MS);
  expect(report.completeness).toMatchObject({ status: 'closed', gaps: [], epochs: [{ epoch: 1 }, { epoch: 2 }] });
  expect([report.end.reason, caller.line(lab, SORRY)]).toEqual(['agent_ended', []]);
});

test('G7 a realtime model is gone for good in the middle of a sentence: another job of the same worker goes on with the call', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment, { losesModel: { speech: 2, afterMs: 800 } });
  await using caller = call.caller;
  await caller.say(call.lab, QUESTION);
  await hears(call, SORRY);
  await hears(call, 'I see. Is there anything else I can do for you?'); // it knows that its answer was cut
  await partsWith(call);
  const { report } = await deployment.reportOf(call.name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect([report.errors, report.warnings]).toMatchObject([[], [{ message: 'planted: the model is gone' }]]);
  expect(report.completeness.gaps).toMatchObject([{ fromEpoch: 1, toEpoch: 2 }]);
  expect(report.completeness.gaps[0]?.ms).toBeLessThan(6000);
});

test('G7 kill -9 of a program that says it can go on: it is begun anew with what it kept, and heard', async () => {
  const wish = { policy: patient, onCrash: { resume: 1 }, idleProcesses: 2, calls: 2 };
  await using other = await deploy(server, wish, { agent: 'test/e2e/agents/program.ts' });
  const { name, caller: made } = await other.call();
  await using caller = made;
  const heardMs = (wanted: number) => caller.utterances().find(({ utterance }) => utterance === wanted)?.heardMs ?? 0;
  await caller.until('its words', () => heardMs(7) > 1000, PATIENCE_MS);
  await other.entry(name, 'snapshot', () => true, PATIENCE_MS);
  process.kill(await other.jobPid(name), 'SIGKILL');
  await caller.until('its words after that', () => heardMs(8) > 1000, PATIENCE_MS);
  expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
  const { report } = await other.reportOf(name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'hello' });
  expect(report.completeness).toMatchObject({ status: 'closed', epochs: [{ epoch: 1 }, { epoch: 2 }] });
});
