/** The programs in docs/examples, each on a real LiveKit server, with a real caller who decodes what is heard. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { RoomServiceClient } from 'livekit-server-sdk';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { callerSpeech, encodeSpeech, type LabScript, receptionist } from '../../src/testing/index.ts';
import { type Caller, type HeardLine, roomsOf, startCaller, until } from '../e2e/harness/index.ts';
import { repositoryRoot } from './repository.ts';
import { type RunningExample, runExample } from './run-example.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const folder = path.join(repositoryRoot(), 'docs/examples');
const files = readdirSync(folder);
const programs = files.filter((name) => /^\d\d-/.test(name) && !name.endsWith('-plain.ts'));

/** Lines that hold code: neither blank nor comment. */
const linesOfCode = (name: string): number =>
  readFileSync(path.join(folder, name), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;

describe('beside each program lies its counterpart for the bare SDK', () => {
  test.each(programs)('%s is the shorter one', (name) => {
    expect(linesOfCode(name)).toBeLessThan(linesOfCode(name.replace('.ts', '-plain.ts')));
  });
});

describe('on a real server', () => {
  const server = inject('livekit');
  const rooms = () => roomsOf(server);
  const isGone = async (room: string) => !(await rooms().names()).includes(room);
  const heard = (example: RunningExample, caller: Caller, line: string, ms = 15_000): Promise<HeardLine> =>
    caller.until(
      `"${line}"`,
      () => {
        const [first] = caller.line(example.lab, line);
        return first && first.share >= 0.9 && first;
      },
      ms,
    );
  const onceOnly = (example: RunningExample, caller: Caller, line: string) => {
    const times = caller.line(example.lab, line);
    expect(times).toHaveLength(1);
    expect(times[0]).toMatchObject({ times: 1 });
    // To the millisecond is the e2e lane's to measure; here a busy machine may take the end of a word.
    expect(times[0]?.share).toBeGreaterThanOrEqual(0.8);
  };

  test('01: asked to end, the caller hears the goodbye once and whole, then the room is gone', async () => {
    await using example = await runExample({ example: '01-exit-message', server, script: receptionist });
    const made = await example.call();
    await using caller = made.caller;
    await heard(example, caller, 'Hello, this is Ada. How can I help you?');
    await pause(5000); // they listen, and think
    await caller.say(example.lab, 'Goodbye.');
    expect(await caller.disconnected(15_000)).toMatchObject({ reason: 'ROOM_DELETED' });
    onceOnly(example, caller, 'Thank you for calling. Have a nice day, goodbye.');
    expect(await isGone(made.room)).toBe(true);
    const report = await example.reportOf(made.room);
    expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended', fault: 'none', stage: 'conversing' });
    expect(report.goodbye).toMatchObject({ outcome: 'played' });
    expect(report.hangUp).toMatchObject({ strategy: 'delete-room', outcome: 'verified' });
  });

  test('02: hooks run, a handoff changes the voice, and what onExit says after the goodbye is held back', async () => {
    const script: LabScript = {
      rules: [
        { when: { instruction: 'Greet Sam personally' }, answer: { say: 'Front desk, this is Ada. Hello Sam.' } },
        { when: { user: 'invoice' }, answer: { tools: [{ name: 'transfer_to_billing' }] } },
        // What the hook added stands before the caller's words or behind them: the SDK sorts by time.
        { when: { instruction: 'the time is' }, answer: { tools: [{ name: 'transfer_to_billing' }] } },
        { when: { user: 'all' }, answer: { tools: [{ name: 'end_session' }] } },
      ],
    };
    await using example = await runExample({ example: '02-hooks-and-handoff', server, script });
    const made = await example.call('{"userName":"Sam"}');
    await using caller = made.caller;
    await heard(example, caller, 'Front desk, this is Ada. Hello Sam.');
    await caller.say(example.lab, 'My invoice is wrong.');
    await heard(example, caller, 'Billing, this is Bea.');
    await caller.say(example.lab, 'That is all.');
    await caller.disconnected(15_000);
    onceOnly(example, caller, 'Thank you for calling. Have a nice day, goodbye.');
    expect(caller.line(example.lab, 'Bea is leaving now.')).toEqual([]);

    const asked = example.lab.log.flatMap((entry) => (entry.kind === 'asked' ? entry.prompt.messages : []));
    expect(asked.some(({ content }) => content.startsWith('The time is 20'))).toBe(true);
    const report = await example.reportOf(made.room);
    expect(report.application.attachments).toEqual({ frontDesk: 'visited', billing: 'visited' });
    expect(report.transcript.map(({ role }) => role)).toContain('handoff');
    expect(report.tools.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'transfer_to_billing settled',
      'end_session settled',
    ]);
    expect(report.errors).toEqual([]);
  });

  describe('03', () => {
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
      await caller.disconnected(30_000);
      onceOnly(example, caller, 'Sorry, something went wrong. Please try again later.');
      const report = await example.reportOf(made.room);
      expect(report.end).toMatchObject({ by: 'system', reason: 'model_failed', fault: 'provider' });
      const [alert] = await until('an alert', () => example.posted.length > 0 && example.posted, 10_000);
      expect(JSON.stringify(alert?.body)).toContain(`*Interview failed* ${made.room} · test t-17 · company c-3 · -`);
      expect(report.errors.length).toBeGreaterThan(0);
    });
  });

  test('04: an echo without an AgentSession: attributes and their changes, entrypoints, hook, the room left as it is', async () => {
    await using example = await runExample({ example: '04-job-lifecycle', server, script: receptionist });
    const made = await example.call('{"language":"de"}', { attributes: { plan: 'gold' } });
    await using caller = made.caller;
    const client = new RoomServiceClient(server.url, server.apiKey, server.apiSecret);
    const agent = await caller.until('the echo to be heard', () => caller.find('track.heard')?.participant, 15_000);
    const speech = { sampleRate: 16_000, samples: encodeSpeech(4000, 2000, 16_000) };
    await caller.play(speech);
    await caller.until(
      'its own words',
      () => caller.utterances().some(({ utterance, heardMs }) => utterance === 4000 && heardMs >= 1500),
      10_000,
    );
    expect((await client.getParticipant(made.room, agent)).attributes).toMatchObject({ role: 'echo', language: 'de' });
    await client.updateParticipant(made.room, caller.identity, { attributes: { echo: 'off' } });
    await caller.until('the agent to leave', () => caller.find('participant.left')?.identity === agent, 15_000);

    const report = await example.reportOf(made.room);
    expect(report.end).toMatchObject({ by: 'agent', reason: 'echo_switched_off' });
    expect(report.hangUp).toMatchObject({ strategy: 'leave', outcome: 'verified', left: [caller.identity] });
    expect(report.application.attachments).toEqual({ 'joined caller': { plan: 'gold' } });
    expect(report.participants.find(({ isCaller }) => isCaller)?.attributes).toEqual({ plan: 'gold', echo: 'off' });
    expect(report.errors.map(({ message }) => message)).toContain('an entrypoint that fails harms nobody else');
    expect(await rooms().identities(made.room)).toEqual([caller.identity]);
    await until('the hook', async () => /"language":"de".*the shutdown hook ran/.test(await example.log()), 5000);
  });

  describe('05: a start that fails', () => {
    const APOLOGY = 'Sorry, nobody can take your call.';

    test('apologises, then deletes the room; the report holds what was thrown', async () => {
      await using example = await runExample({ example: '05-failing-start', server, script: receptionist });
      const made = await example.call('{"tenant":"nobody"}');
      await using caller = made.caller;
      expect(await caller.disconnected(20_000)).toMatchObject({ reason: 'ROOM_DELETED' });
      const apologies = (await caller.recordings()).map(({ name }) => name);
      expect([...apologies, ...caller.line(example.lab, APOLOGY).map(() => 'live')]).toHaveLength(1);
      expect(await isGone(made.room)).toBe(true);
      const report = await example.reportOf(made.room);
      expect(report.end).toMatchObject({ by: 'system', reason: 'startup_failed', fault: 'application' });
      expect(report.errors.map(({ message }) => message)).toContain('no such tenant: "nobody"');

      const known = await example.call('{"tenant":"bakery"}');
      await using customer = known.caller;
      await heard(example, customer, 'Good morning, what can I get you?');
      await customer.leave();
      expect((await example.reportOf(known.room)).end).toMatchObject({ reason: 'caller_hung_up' });
    });

    test('removes the SIP participant alone where that is wanted', async () => {
      const environment = () => ({ ON_FAILURE: 'remove-sip' });
      await using example = await runExample({
        example: '05-failing-start',
        server,
        script: receptionist,
        environment,
      });
      const made = await example.call('{"tenant":"nobody"}', {
        identity: 'telephone',
        kind: 'sip',
        attributes: { 'sip.callStatus': 'active' },
      });
      await using caller = made.caller;
      await using colleague = await startCaller({ server, room: made.room, identity: 'colleague', microphone: 'none' });
      expect(await caller.disconnected(20_000)).toMatchObject({ reason: 'PARTICIPANT_REMOVED' });
      const report = await example.reportOf(made.room);
      expect(report.hangUp).toMatchObject({ strategy: 'remove-sip', outcome: 'verified' });
      expect(await rooms().identities(made.room)).toContain(colleague.identity);
    });
  });
});
