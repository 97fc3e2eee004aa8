/** The user's hooks: whatever they do, the call goes on, and the journal says what they did. */
import { setTimeout as pause } from 'node:timers/promises';
import { llm, voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { currentCall } from '../../src/livekit/current-call.ts';
import { type Placed, place } from './harness.ts';
import { answer, errorsOf, fails, never } from './plain.ts';

type Hooks = {
  onEnter?: (agent: voice.Agent) => unknown;
  onExit?: (agent: voice.Agent) => unknown;
  onUserTurnCompleted?: () => unknown;
  tools?: llm.ToolContextLike;
};

class Hooked extends voice.Agent {
  readonly #hooks: Hooks;

  constructor(hooks: Hooks) {
    super({ instructions: 'Answer.', tools: hooks.tools ?? [] });
    this.#hooks = hooks;
  }

  override async onEnter(): Promise<void> {
    await this.#hooks.onEnter?.(this);
  }
  override async onExit(): Promise<void> {
    await this.#hooks.onExit?.(this);
  }
  override async onUserTurnCompleted(): Promise<void> {
    await this.#hooks.onUserTurnCompleted?.();
  }
}

/** Asks, hears the answer, ends: what every call can do while its hooks are in order. */
const converse = async ({ says, hears, call }: Placed) => {
  says('What time is it?');
  await hears('It is nine');
  call.end('done');
};

test('A14 T19 a call through the real session: a question is answered, the goodbye is the last word', async () => {
  await using placed = await place({ agent: () => new Hooked({}), script: answer });
  await converse(placed);
  const { transcript, times } = await placed.endedWell({});
  expect(placed.heard.map(({ text }) => text)).toEqual(['It is nine.', 'Goodbye now.']);
  expect(transcript.map(({ text }) => text)).toContain('What time is it?');
  expect(times.callMs).toBeGreaterThan(0);
  expect(placed.of('error')).toEqual([]);
});

test('C10 T7 onEnter throws: recorded, and the caller is answered', async () => {
  await using placed = await place({ agent: () => new Hooked({ onEnter: fails }), script: answer });
  await converse(placed);
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook onEnter')).toEqual(['planted']);
});

test('C10 T4 T54 onEnter hangs: given up after toolMs, the caller is answered, and the session closes', async () => {
  await using placed = await place({
    agent: () => new Hooked({ onEnter: never }),
    script: answer,
    policy: { toolMs: 300 },
  });
  await placed.until('onEnter is given up', () => errorsOf(placed, 'hook onEnter').length > 0);
  await converse(placed);
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook onEnter')[0]).toContain('did not settle within 300 ms');
  expect(placed.of('effect').find(({ name, phase }) => name === 'close' && phase === 'settled')).toBeDefined();
});

test('C10 T7 onEnter that was to greet throws: the caller hears the apology at once, not after the deadline', async () => {
  await using placed = await place({
    agent: () => new Hooked({ onEnter: fails }),
    greeting: 'agent',
    apology: { say: 'Sorry.' },
  });
  await placed.endedWell({
    reason: 'startup_failed',
    by: 'system',
    stage: 'greeting',
    fault: 'application',
    detail: 'onEnter failed before the greeting was heard',
    goodbye: 'skipped',
    apology: 'bundled',
  });
  expect(placed.heard).toHaveLength(1);
  expect(placed.heard[0]?.through).toBe('own track');
});

test('C10 T7 an onEnter that throws while its session still starts ends the start: nobody else would greet', async () => {
  await using placed = await place({
    agent: () => new Hooked({ onEnter: fails }),
    greeting: 'agent',
    apology: { say: 'Sorry.' },
    // What keeps a start waiting after the agent was entered: here a second of it, of our own making.
    prepare: (_, session) => {
      const start = session.start.bind(session);
      session.start = async (options) => {
        await start(options);
        await pause(1000);
      };
    },
  });
  await placed.endedWell({
    reason: 'startup_failed',
    by: 'system',
    stage: 'connecting',
    fault: 'application',
    detail: 'onEnter failed before the greeting was heard',
    goodbye: 'skipped',
    apology: 'live',
  });
  expect(placed.heard.map(({ text }) => text)).toEqual(['Sorry.']);
});

test('B9 T3 onExit throws: recorded, after the goodbye', async () => {
  await using placed = await place({ agent: () => new Hooked({ onExit: fails }), script: answer });
  await converse(placed);
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook onExit')).toEqual(['planted']);
});

test('B9 T4 T53 onExit hangs: the caller is long gone, and the session still closes in time', async () => {
  await using placed = await place({ agent: () => new Hooked({ onExit: never }), script: answer });
  await converse(placed);
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook onExit')[0]).toContain('had not settled when the call was over');
  expect(placed.of('effect').find(({ name, phase }) => name === 'close' && phase === 'settled')).toBeDefined();
});

test('B9 what onExit says after the goodbye is held back and in the journal; the goodbye is the last word', async () => {
  await using placed = await place({
    agent: () => new Hooked({ onExit: (agent) => void agent.session.say('One more thing.') }),
    script: answer,
  });
  await converse(placed);
  await placed.report();
  expect(placed.heard.map(({ text }) => text)).toEqual(['It is nine.', 'Goodbye now.']);
  expect(placed.of('log').map(({ message }) => message)).toContain('speech held back: the session is ending');
});

test('onUserTurnCompleted throws: recorded, and the turn is answered', async () => {
  await using placed = await place({ agent: () => new Hooked({ onUserTurnCompleted: fails }), script: answer });
  await converse(placed);
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook onUserTurnCompleted')).toEqual(['planted']);
});

test('T45 onUserTurnCompleted hangs: given up after half of turnMs, the turn is answered, and the words are kept', async () => {
  await using placed = await place({
    agent: () => new Hooked({ onUserTurnCompleted: never }),
    script: answer,
    policy: { turnMs: 800 },
  });
  await converse(placed);
  const { transcript } = await placed.endedWell({});
  expect(transcript.map(({ text }) => text)).toContain('What time is it?');
  expect(errorsOf(placed, 'hook onUserTurnCompleted')[0]).toContain('did not settle within 400 ms');
});

test('T43 onUserTurnCompleted throws StopResponse: silence on purpose is no failure, and nobody owes an answer', async () => {
  let turns = 0;
  const chooseSilence = () => {
    turns += 1;
    if (turns === 1) throw new voice.StopResponse();
  };
  await using placed = await place({ agent: () => new Hooked({ onUserTurnCompleted: chooseSilence }), script: answer });
  placed.says('I talk to somebody else.');
  await placed.until('the hook ran', () => turns === 1);
  await placed.until('the call rests', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  await converse(placed);
  await placed.endedWell({});
  expect(placed.of('error')).toEqual([]);
  expect(placed.llm.asked).toEqual(['What time is it?']);
});

test("T42 a handoff's agent is guarded too: its onEnter throws, its tool throws, its onExit throws, and it answers", async () => {
  const second = () =>
    new Hooked({
      onEnter: fails,
      onExit: fails,
      tools: [llm.tool({ name: 'break', description: 'Breaks.', execute: fails })],
    });
  await using placed = await place({
    agent: () =>
      new Hooked({
        tools: [
          llm.tool({
            name: 'hand_over',
            description: 'Hands over.',
            execute: async () => llm.handoff({ agent: second(), returns: 'handed over' }),
          }),
        ],
      }),
    script: (asked) => {
      if (asked === 'Give me another.') return { calls: ['hand_over'] };
      if (asked === 'Break it.') return { calls: ['break'] };
      return { say: asked === 'handed over' ? 'I am the other.' : 'It is broken.' };
    },
  });
  placed.says('Give me another.');
  await placed.until('the other entered', () => errorsOf(placed, 'hook onEnter').length === 1);
  await placed.hears('I am the other');
  placed.says('Break it.');
  await placed.hears('It is broken');
  placed.call.end('done');
  const { transcript } = await placed.endedWell({});
  expect(errorsOf(placed, 'hook onExit')).toEqual(['planted']);
  expect(
    placed
      .of('tool')
      .filter(({ name }) => name === 'break')
      .map(({ status }) => status),
  ).toEqual(['started', 'failed']);
  expect(transcript.some(({ role }) => role === 'handoff')).toBe(true);
  // Never the agent itself: it holds the models, and with them their keys.
  const handedOver = placed.of('tool').find(({ name, status }) => name === 'hand_over' && status === 'settled');
  expect(handedOver?.output).toEqual({ handoff: 'hooked', returns: 'handed over' });
});

test('E3 the end in the middle of a handoff, with a hanging onExit and onEnter: goodbye, hang-up, report', async () => {
  await using placed = await place({
    agent: () =>
      new Hooked({
        onExit: never,
        tools: [
          llm.tool({
            name: 'hand_over',
            description: 'Hands over.',
            execute: async () => llm.handoff({ agent: new Hooked({ onEnter: never, onExit: never }) }),
          }),
        ],
      }),
    script: () => ({ calls: ['hand_over'] }),
    policy: { toolMs: 600 },
  });
  placed.says('Give me another.');
  await placed.until('the tool is over', () => placed.of('tool').some(({ status }) => status === 'settled'));
  placed.call.end('in_between');
  await placed.endedWell({ reason: 'in_between' });
  expect(placed.heard.at(-1)?.text).toBe('Goodbye now.');
});

test('T44 an AgentTask that onEnter awaits for longer than toolMs is a conversation and is not cut', async () => {
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
  await using placed = await place({
    agent: () => new Hooked({ onEnter: async () => currentCall().attach('consent', await new Consent().run()) }),
    script: answer,
    policy: { toolMs: 300 },
  });
  const question = await placed.hears('Do you agree');
  await placed.until('the question is asked', () => question.isOver);
  await new Promise((resolve) => setTimeout(resolve, 500)); // longer than toolMs: what the test is about
  placed.says('I do.');
  expect(await placed.until('consent is given', () => placed.of('attach')[0]?.value)).toBe('I do.');
  await converse(placed);
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook onEnter')).toEqual([]);
});

test('A3 A4 a listener of the user that throws harms neither the call nor the listeners after it', async () => {
  const seen: string[] = [];
  await using placed = await place({ agent: () => new Hooked({}), script: answer });
  const session = await placed.until('the session is there', () => placed.call.session);
  const { AgentSessionEventTypes: Event } = voice;
  for (const event of [Event.ConversationItemAdded, Event.AgentStateChanged, Event.SpeechCreated, Event.Close]) {
    session.on(event, fails);
    session.on(event, () => void seen.push(event));
  }
  session.on(Event.UserInputTranscribed, async () => fails());
  await converse(placed);
  await placed.endedWell({});
  expect(new Set(seen)).toEqual(new Set(['conversation_item_added', 'agent_state_changed', 'speech_created', 'close']));
  expect(errorsOf(placed, 'listener speech_created')).toContain('planted');
  expect(errorsOf(placed, 'listener user_input_transcribed')).toContain('planted');
});
