/** docs/examples/03-interview on a real LiveKit server, with a candidate who decodes what is heard. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { callerSpeech, type LabScript } from '../../src/testing/index.ts';
import { until } from '../e2e/harness/index.ts';
import { heard, onceOnly, roomsSeen } from './example-heard.ts';
import { type RunningExample, runExample } from './run-example.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const server = inject('livekit');
const { isGone } = roomsSeen(server);

const GOODBYE = 'Thank you for your time. Goodbye!';
const WELCOME = 'Welcome to your interview. Shall we begin?';
const STORY = `Our company ${'makes bread, and rolls, and cakes, '.repeat(6)}and that is all.`;
const note = { question: 'years', answer: 'ten' };
const script: LabScript = {
  rules: [
    { when: { instruction: 'welcoming the candidate' }, answer: { say: WELCOME } },
    { when: { user: 'about the company' }, answer: { say: STORY } },
    { when: { afterTool: 'note_answer' }, answer: { say: 'Ten years, good. Anything else?' } },
    { when: { user: 'ten years' }, answer: { tools: [{ name: 'note_answer', arguments: note }] } },
    { when: { user: '^no\\b' }, answer: { tools: [{ name: 'end_session' }] } },
    { when: { user: 'rather not' }, answer: { tools: [{ name: 'decline' }] } },
  ],
};
const interview = () =>
  runExample({
    example: '03-interview',
    server,
    script,
    environment: (receiver, lab, secret) => ({
      BACKUP_BASE_URL: lab.channel('backup').urls.openai,
      BACKUP_API_KEY: 'lab',
      LASTWORD_WEBHOOK_URL: '',
      LASTWORD_WEBHOOK_SECRET: '',
      REPORT_URLS: `${receiver}/ai-interview/*`,
      ENVIRONMENT: 'local',
      REPORT_PRIVATE: 'yes',
      REPORT_SECRET: secret,
      SLACK_URL: `${receiver}/slack`,
    }),
  });
const metadataFor = ({ receiver }: RunningExample, more: object = {}) =>
  JSON.stringify({ candidate: 'Sam', webhookURL: `${receiver}/`, testId: 't-17', companyId: 'c-3', ...more });

let example: RunningExample;
beforeAll(async () => {
  example = await interview();
});
afterAll(() => example?.[Symbol.asyncDispose]());

test('with a dead model the backup answers; the report with notes and usage goes where the metadata says', async () => {
  example.lab.fail('llm', { kind: 'status', status: 500 });
  const made = await example.call(metadataFor(example));
  await using caller = made.caller;
  await heard(example, caller, WELCOME);
  await caller.say(example.lab, 'I did it for ten years.');
  await heard(example, caller, 'Ten years, good. Anything else?');
  await caller.say(example.lab, 'No.');
  await caller.disconnected(15_000);
  onceOnly(example, caller, GOODBYE);
  expect(await isGone(made.room)).toBe(true);
  const report = await example.reportOf(made.room);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'interview_completed' });
  expect(report.application.attachments).toMatchObject({ years: 'ten' });
  expect(report.metadata).toMatchObject({ candidate: 'Sam' });
  expect(example.reportPaths).toEqual(['/ai-interview/livekit/session/end']);
  expect(new Set(report.usage.map(({ type }) => type))).toEqual(new Set(['llm_usage', 'stt_usage', 'tts_usage']));
  expect(report.providerSwitches).toContainEqual(expect.objectContaining({ component: 'llm', available: false }));
});

test('a candidate who listens, thinks, says "uh-huh" and interrupts meets nobody but the interviewer', async () => {
  example.lab.heal();
  const made = await example.call(metadataFor(example));
  await using caller = made.caller;
  await caller.until('the welcome', () => caller.line(example.lab, WELCOME)[0], 20_000);
  await caller.play(callerSpeech('Uh-huh.')); // while the interviewer welcomes, no recogniser hears anybody
  await heard(example, caller, WELCOME, 20_000);
  await pause(6000); // for thought
  await caller.say(example.lab, 'Please tell me about the company first.');
  await caller.until('the story', () => caller.line(example.lab, STORY)[0], 20_000);
  await pause(1500);
  await caller.say(example.lab, 'Thank you, that is enough of it. I did it for ten years.');
  await heard(example, caller, 'Ten years, good. Anything else?', 25_000);
  await pause(4000);
  await caller.say(example.lab, 'No.');
  await caller.disconnected(20_000);
  onceOnly(example, caller, GOODBYE);
  const report = await example.reportOf(made.room);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'interview_completed', fault: 'none' });
  expect(report.errors).toEqual([]);
  const lines = report.lines.map(({ line, outcome }) => `${line} ${outcome}`);
  expect(lines.filter((line) => !line.startsWith('filler'))).toEqual(['greeting played', 'goodbye played']);
  const told = report.transcript.find(({ text }) => text.startsWith('Our company'));
  expect(told?.interrupted).toBe(true);
  expect(report.alsoTriggered).toEqual([]);
});

test('an end reason and an outcome of its own are in the report', async () => {
  example.lab.heal();
  const made = await example.call(metadataFor(example));
  await using caller = made.caller;
  await heard(example, caller, WELCOME);
  await caller.say(example.lab, 'I would rather not.');
  await caller.disconnected(15_000);
  const report = await example.reportOf(made.room);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'candidate_declined' });
  expect(report.application.outcome).toEqual({ hire: false });
});

test('at its longest duration, which the metadata says, the candidate is told, then hears the goodbye', async () => {
  example.lab.heal();
  const made = await example.call(metadataFor(example, { maxDurationSeconds: 9 }));
  await using caller = made.caller;
  await heard(example, caller, WELCOME);
  await heard(example, caller, 'We have to come to an end soon.');
  await caller.disconnected(20_000);
  onceOnly(example, caller, GOODBYE);
  expect(await isGone(made.room)).toBe(true);
  expect((await example.reportOf(made.room)).end).toMatchObject({ by: 'limit', reason: 'max_duration' });
});

test('with both language models dead the candidate hears an apology, and Slack hears of it', async () => {
  const made = await example.call(metadataFor(example));
  await using caller = made.caller;
  await heard(example, caller, WELCOME);
  for (const channel of [example.lab, example.lab.channel('backup')]) {
    channel.fail('llm', { kind: 'status', status: 500 });
  }
  await caller.say(example.lab, 'I did it for ten years.');
  await caller.disconnected(50_000); // mended once: two rounds of attempts, with fillers
  // By whichever voice of the two the adapter uses by then.
  const voices = [example.lab, example.lab.channel('backup')];
  const sorry = voices.flatMap((channel) =>
    caller.line(channel, 'Sorry, something went wrong. Please try again later.'),
  );
  expect(sorry).toMatchObject([{ times: 1 }]);
  expect(sorry[0]?.share).toBeGreaterThan(0.9);
  const report = await example.reportOf(made.room);
  expect(report.end).toMatchObject({ by: 'system', reason: 'model_failed', fault: 'provider' });
  expect(report.apology).toMatchObject({ rung: 'live', outcome: 'played' });
  const [alert] = await until('an alert', () => example.posted.length > 0 && example.posted, 10_000);
  expect(JSON.stringify(alert?.body)).toContain(`*Interview failed* ${made.room} · test t-17 · company c-3 · -`);
  expect(report.errors.length).toBeGreaterThan(0);
});
