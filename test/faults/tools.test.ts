/** The user's tools: what they throw, return and never return; the model hears of it, the caller is answered. */
import { llm, voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { currentCall } from '../../src/livekit/current-call.ts';
import { endSessionTool } from '../../src/livekit/tools/end-session.ts';
import { type Placed, place } from './harness.ts';
import { fails, gate, never, toolNamed, WithTools } from './plain.ts';

const ASKED = 'Use the tool.';
/** Calls `tool` when asked to, and answers whatever comes back with "Tool says so". */
const using =
  (...tools: string[]) =>
  (asked: string) =>
    asked === ASKED ? { calls: tools } : { say: 'The tool says so.' };

const statusesOf = ({ of }: Placed, name: string) =>
  of('tool')
    .filter((tool) => tool.name === name)
    .map(({ status }) => status);
const lastOf = ({ of }: Placed, name: string) => of('tool').findLast((tool) => tool.name === name);

test('T48 a tool throws: the model hears that it failed and no more, the journal has the message', async () => {
  await using placed = await place({ agent: () => new WithTools([toolNamed('break', fails)]), script: using('break') });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(placed.llm.asked[1]).not.toContain('planted');
  expect(statusesOf(placed, 'break')).toEqual(['started', 'failed']);
  expect(lastOf(placed, 'break')?.error).toBe('planted');
});

test('T43 a tool throws ToolError: the model hears its words', async () => {
  const refuse = async () => {
    throw new llm.ToolError('The table is taken.');
  };
  await using placed = await place({ agent: () => new WithTools([toolNamed('book', refuse)]), script: using('book') });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(placed.llm.asked[1]).toContain('The table is taken.');
  expect(lastOf(placed, 'book')).toMatchObject({ status: 'failed', error: 'The table is taken.' });
});

test('A17 B7 T4 a tool hangs and ignores its abort: given up after toolMs, the model hears of it, the session closes', async () => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('hang', never)]),
    script: using('hang'),
    policy: { toolMs: 300 },
  });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(placed.llm.asked[1]).toContain('hang gave no answer in time');
  expect(lastOf(placed, 'hang')).toMatchObject({ status: 'abandoned', error: 'no answer within 300 ms' });
  placed.call.end('done');
  await placed.endedWell({});
});

test('A17 a tool settles after it was given up: its result changes nothing and is in the journal', async () => {
  const { opened, open } = gate<string>();
  await using placed = await place({
    agent: () => new WithTools([toolNamed('slow', () => opened)]),
    script: using('slow'),
    policy: { toolMs: 300 },
  });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  const asked = placed.llm.asked.length;
  open('the late result');
  await placed.until('it is in the journal', () =>
    placed.of('log').find(({ output, name }) => output === 'the late result' && name === 'slow'),
  );
  expect(statusesOf(placed, 'slow')).toEqual(['started', 'abandoned']);
  expect(placed.llm.asked).toHaveLength(asked);
});

test('A17 B7 T4 a tool runs when the call ends: abandoned in the report, and the close does not wait for it', async () => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('hang', never)]),
    script: using('hang'),
    policy: { drainMs: 200, firstAudioMs: 5000, toolMs: 20_000 },
  });
  placed.says(ASKED);
  await placed.until('it runs', () => statusesOf(placed, 'hang').includes('started'));
  placed.call.end('done');
  await placed.endedWell({});
  expect(lastOf(placed, 'hang')).toMatchObject({ status: 'abandoned', error: 'the call ended before it answered' });
  expect(placed.of('effect').some(({ name, phase }) => name === 'close' && phase === 'settled')).toBe(true);
});

test('a tool that speaks and returns after the goodbye is not heard, and what it wanted to say is in the journal', async () => {
  const { opened, open } = gate();
  const chatter = async () => {
    await opened;
    currentCall().session?.say('By the way.');
    currentCall().attach('chattered', true);
    return 'done';
  };
  await using placed = await place({
    agent: () => new WithTools([toolNamed('chatter', chatter)]),
    script: using('chatter'),
    policy: { drainMs: 200, firstAudioMs: 5000 },
  });
  placed.says(ASKED);
  await placed.until('it runs', () => statusesOf(placed, 'chatter').includes('started'));
  placed.call.end('done');
  const goodbye = await placed.hears('Goodbye now');
  open();
  await placed.until('it spoke', () => placed.of('attach').some(({ key }) => key === 'chattered'));
  await placed.report();
  expect(placed.heard).toHaveLength(1);
  expect(goodbye).toMatchObject({ isOver: true, isCut: false });
  expect(placed.of('log').map(({ message }) => message)).toContain('speech held back: the session is ending');
});

test('B8 the call is ended from inside a tool that goes on working: no deadlock, one end, one goodbye', async () => {
  const end = async () => {
    const call = currentCall();
    call.end('from_a_tool');
    await call.session?.interrupt({ force: true }).await;
    return 'ended';
  };
  await using placed = await place({ agent: () => new WithTools([toolNamed('finish', end)]), script: using('finish') });
  placed.says(ASKED);
  await placed.endedWell({ reason: 'from_a_tool' });
  expect(placed.heard.map(({ text }) => text)).toEqual(['Goodbye now.']);
});

test('B8 a tool that awaits the close of the session does not hang the call', async () => {
  const close = async () => {
    await currentCall().session?.close();
    return 'closed';
  };
  await using placed = await place({
    agent: () => new WithTools([toolNamed('close', close)]),
    script: using('close'),
    policy: { toolMs: 400, firstAudioMs: 2000 },
  });
  placed.says(ASKED);
  const { end, hangUp } = await placed.report();
  expect(end.reason).not.toBe('');
  expect(hangUp?.outcome).toBe('verified');
});

test('B14 end_session is called 100 times: one end, one goodbye, and the model is not asked again', async () => {
  const calls = Array.from({ length: 100 }, () => 'end_session');
  await using placed = await place({ agent: () => new WithTools([endSessionTool()]), script: using(...calls) });
  placed.says(ASKED);
  await placed.endedWell({ reason: 'agent_ended' });
  expect(placed.of('transition').filter((transition) => transition.end)).toHaveLength(1);
  expect(placed.heard.map(({ text }) => text)).toEqual(['Goodbye now.']);
  expect(placed.llm.asked).toEqual([ASKED]);
  expect(statusesOf(placed, 'end_session').filter((status) => status === 'settled')).toHaveLength(100);
});

test('T44 an AgentTask that a tool awaits for longer than toolMs is a conversation and is not cut', async () => {
  class Consent extends voice.AgentTask<string> {
    constructor() {
      super({ instructions: 'Ask for consent.' });
    }
    override async onEnter(): Promise<void> {
      this.session.say('Do you agree?');
    }
    override async onUserTurnCompleted(_context: llm.ChatContext, message: llm.ChatMessage): Promise<void> {
      this.complete(message.textContent ?? '');
      throw new voice.StopResponse();
    }
  }
  const consent = async () => `consent: ${await new Consent().run()}`;
  await using placed = await place({
    agent: () => new WithTools([toolNamed('consent', consent)]),
    script: using('consent'),
    policy: { toolMs: 300 },
  });
  placed.says(ASKED);
  const question = await placed.hears('Do you agree');
  await placed.until('the question is asked', () => question.isOver);
  await new Promise((resolve) => setTimeout(resolve, 500)); // longer than toolMs: what the test is about
  placed.says('I do.');
  await placed.hears('The tool says so');
  expect(placed.llm.asked.at(-1)).toBe('consent: I do.');
  expect(statusesOf(placed, 'consent')).toEqual(['started', 'settled']);
});

test("a tool of an AgentTask's own that hangs is given up: it is not the conversation that a deadline waits for", async () => {
  class Stuck extends voice.AgentTask<string> {
    constructor() {
      super({ instructions: 'Ask.', tools: [toolNamed('hang', never)] });
    }
    override async onEnter(): Promise<void> {
      this.session.say('What is it?');
    }
  }
  await using placed = await place({
    agent: () => new WithTools([toolNamed('ask', () => new Stuck().run())]),
    script: (asked) =>
      asked === ASKED ? { calls: ['ask'] } : asked === 'Hang.' ? { calls: ['hang'] } : { say: 'No answer.' },
    policy: { toolMs: 300 },
  });
  placed.says(ASKED);
  await placed.hears('What is it');
  placed.says('Hang.');
  await placed.hears('No answer');
  expect(statusesOf(placed, 'hang')).toEqual(['started', 'abandoned']);
});

test('a tool that the agent was given in the middle of the call is guarded like the others', async () => {
  await using placed = await place({ agent: () => new WithTools(), script: using('late') });
  await placed.until('the call is open', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  await placed.call.session?.currentAgent.updateTools([toolNamed('late', fails)]);
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(statusesOf(placed, 'late')).toEqual(['started', 'failed']);
});

test.each([
  ['a megabyte and more', () => 'x'.repeat(3 * 1024 * 1024)],
  [
    'a circular object',
    () => {
      const circular: Record<string, unknown> = { word: 'circular' };
      circular['self'] = circular;
      return circular;
    },
  ],
])('a tool returns %s: journaled within bounds, and the call goes on', async (_what, make) => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('huge', async () => make())]),
    script: using('huge'),
  });
  placed.says(ASKED);
  await placed.until('it settled', () => statusesOf(placed, 'huge').includes('settled'));
  placed.says('And now?');
  await placed.hears('The tool says so');
  placed.call.end('done');
  const { tools } = await placed.report();
  const output = JSON.stringify(tools[0]?.output);
  expect(output.length).toBeLessThan(1.1 * 1024 * 1024);
  expect(output).toMatch(/truncated|circular/);
});
