/** The programs in docs/examples, each on a real LiveKit server, with a real caller who decodes what is heard (03: interview.test.ts). */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { RoomServiceClient } from 'livekit-server-sdk';
import { describe, expect, inject, test } from 'vitest';
import { encodeSpeech, type LabScript, receptionist } from '../../src/testing/index.ts';
import { startCaller, until } from '../e2e/harness/index.ts';
import { heard, onceOnly, roomsSeen } from './example-heard.ts';
import { repositoryRoot } from './repository.ts';
import { runExample } from './run-example.ts';

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
  const { rooms, isGone } = roomsSeen(server);

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
