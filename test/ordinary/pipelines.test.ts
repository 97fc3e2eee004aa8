/** O-B: other pipelines than speech to text to speech, and turns that go other ways than from question to answer. */
import { llm, stt, tts, voice } from '@livekit/agents';
import { healthy } from './harness/call.ts';
import { PacedStt, PacedVad } from './harness/ears.ts';
import { alone, PacedDuplex, PacedRealtime } from './harness/speech-models.ts';
import { PacedTts } from './harness/voice.ts';
import { quickly } from './harness/wits.ts';

const ASKED = 'What time is it?';
const ANSWER = 'It is nine in the morning.';
/** Sentences that differ, so that each is heard for itself. */
const storyOf = (chapters: number) =>
  Array.from({ length: chapters }, (_, index) => `Chapter ${index + 1} of the story.`).join(' ');
const script = (asked: string) => quickly(asked === ASKED ? ANSWER : 'You are welcome.');

for (const pace of ['typical', 'slow'] as const) {
  healthy(
    'O-B1 a realtime model writes down what the caller said 0.9 s after its answer: nothing is owed, the question comes first',
    {
      pace,
      script,
      options: ({ mouth, pace: speed, script: told }) =>
        alone(new PacedRealtime(mouth, speed, told, { transcriptLateMs: 900 })),
    },
    async ({ caller }) => {
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
      await caller.pauses(8000);
      await caller.says('Thank you.');
      await caller.listensTo('You are welcome');
      await caller.pauses(4000);
    },
  );
}
healthy(
  'O-B1 a realtime model is interrupted by its caller, and answers the second question',
  {
    script: (asked) => quickly(asked === ASKED ? `${ANSWER} ${storyOf(6)}` : 'You are welcome.'),
    options: ({ mouth, pace, script: told }) => ({
      ...alone(new PacedRealtime(mouth, pace, told, { transcriptLateMs: 900 })),
      aecWarmupDuration: null,
    }),
    asked: { transcript: 'other' },
  },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.hears(ANSWER.slice(0, 10));
    await caller.pauses(2500);
    await caller.says('Thank you.');
    await caller.listensTo('You are welcome');
    await caller.pauses(4000);
  },
);
healthy(
  'O-B1 a duplex model: two turns, with the caller in thought between them',
  {
    script,
    options: ({ mouth, pace, script: told }) => alone(new PacedDuplex(mouth, pace, told)),
  },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
    await caller.pauses(7000);
    await caller.says('Thank you.');
    await caller.listensTo('You are welcome');
  },
);
healthy(
  'O-B1 a realtime model that only writes, and a TTS speaks',
  {
    script,
    options: ({ mouth, pace, script: told }) => ({
      ...alone(new PacedRealtime(mouth, pace, told, { audioOutput: false })),
      tts: new PacedTts(pace),
    }),
  },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);

healthy(
  'O-B2 push-to-talk: nobody waits before the button is let go, whatever was said before',
  { script, options: () => ({ turnHandling: { turnDetection: 'manual' } }), asked: { ownMs: 9000 } },
  async ({ caller, session }) => {
    await caller.says('What time');
    await caller.pauses(8000);
    await caller.says('is it?');
    await caller.pauses(1500);
    session.commitUserTurn();
    await caller.listensTo(ANSWER); // two pieces, one turn
    await caller.pauses(5000);
  },
);
healthy(
  'O-B2 push-to-talk: a turn that is thrown away, then one that is committed',
  {
    script,
    options: () => ({ turnHandling: { turnDetection: 'manual' } }),
    asked: { ownMs: 9000, transcript: 'other' },
  },
  async ({ caller, session }) => {
    await caller.says('No, wait.');
    await caller.pauses(2000);
    session.clearUserTurn();
    await caller.pauses(8000);
    await caller.says(ASKED);
    await caller.pauses(1500);
    session.commitUserTurn();
    await caller.listensTo(ANSWER);
  },
);
healthy(
  'O-B2 a realtime model whose turns are committed by hand',
  {
    script,
    options: ({ mouth, pace, script: told }) => ({
      ...alone(new PacedRealtime(mouth, pace, told, { turnDetection: false })),
      turnHandling: { turnDetection: 'manual' },
    }),
    asked: { ownMs: 6000 },
  },
  async ({ caller, session }) => {
    await caller.says(ASKED);
    await caller.pauses(5000);
    session.commitUserTurn();
    await caller.listensTo(ANSWER);
  },
);
healthy(
  'O-B2 a realtime model committed by hand, and nothing listens before: who speaks for 18 s is not asked whether they are there',
  {
    script,
    options: ({ mouth, pace, script: told }) => ({
      ...alone(new PacedRealtime(mouth, pace, told, { turnDetection: false })),
      turnHandling: { turnDetection: 'manual' },
    }),
    asked: { ownMs: 20_000 },
  },
  async ({ caller, session }) => {
    await caller.pauses(17_000);
    await caller.says(ASKED);
    session.commitUserTurn();
    await caller.listensTo(ANSWER);
  },
);

const written = { llm: undefined, tts: undefined } as unknown as Partial<voice.AgentSessionOptions>;
healthy(
  'O-B3 a transcriber, without a model and without a voice: it owes nothing to anybody',
  { options: () => written },
  async ({ caller }) => {
    for (const sentence of ['The first sentence.', 'The second one.', 'And a third.']) {
      await caller.says(sentence);
      await caller.pauses(7000);
    }
  },
);
healthy(
  'O-B3 a session without a TTS: it writes its answers, and is not waited for as if it spoke',
  { script, options: () => ({ tts: undefined as never }), asked: { transcript: 'other' } },
  async ({ caller }) => {
    caller.types(ASKED);
    await caller.reads(ANSWER);
    await caller.pauses(8000);
    caller.types('Thank you.');
    await caller.reads('You are welcome');
    await caller.pauses(5000);
  },
);
healthy(
  'O-B3 audio output switched off before the start: text only',
  {
    script,
    definition: { prepare: (_call, session) => session.output.setAudioEnabled(false) },
    asked: { transcript: 'other' },
  },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.reads(ANSWER);
    await caller.pauses(8000);
  },
);

class Silent extends voice.Agent {
  constructor() {
    super({ instructions: 'Answer.' });
  }
  override async onUserTurnCompleted(_context: llm.ChatContext, message: llm.ChatMessage): Promise<void> {
    if (message.textContent?.startsWith('Note') === true) throw new voice.StopResponse();
  }
}
class Thinks extends voice.Agent {
  constructor() {
    super({ instructions: 'Answer.' });
  }
  override async llmNode(...given: Parameters<voice.Agent['llmNode']>): ReturnType<voice.Agent['llmNode']> {
    const last = given[0].items.at(-1);
    const asked = last?.type === 'message' ? last.textContent : '';
    return asked?.startsWith('Note') === true ? null : voice.Agent.default.llmNode(this, ...given);
  }
}
for (const [what, agent] of [
  ['StopResponse', () => new Silent()],
  ['an llmNode that gives null', () => new Thinks()],
] as const) {
  healthy(
    `O-B4 a turn that shall have no answer (${what}): nothing is owed, and the next one is answered`,
    { agent, script, asked: { transcript: 'other' } },
    async ({ caller }) => {
      await caller.says('Note that the light is on.');
      await caller.pauses(8000);
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
    },
  );
}
healthy(
  'O-B4 a turn that is cleared while its words come: nothing is owed',
  {
    script,
    ears: { finalMs: 1500 },
    options: () => ({ turnHandling: { turnDetection: 'vad', endpointing: { minDelay: 3000 } } }),
    asked: { transcript: 'other', ownMs: 3000 },
  },
  async ({ caller, session }) => {
    await caller.says('Never mind this.');
    await caller.pauses(2000);
    session.clearUserTurn();
    await caller.pauses(8000);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);
class Asks extends voice.Agent {
  constructor() {
    const note = llm.tool({ name: 'note', description: 'Notes.', execute: async () => undefined });
    super({ instructions: 'Answer.', tools: [note] });
  }
}
healthy(
  'O-B4 a tool that gives nothing, and so no second answer: nothing is owed',
  {
    agent: () => new Asks(),
    script: (asked) => (asked.startsWith('Note') ? { ...quickly('Noted.'), calls: ['note'] } : quickly(ANSWER)),
  },
  async ({ caller }) => {
    await caller.says('Note that the light is on.');
    await caller.listensTo('Noted');
    await caller.pauses(8000);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);

healthy(
  'O-B5 a noise in the middle of a long answer: it is held, it goes on, and nobody is idle who is spoken to',
  {
    script: () => ({ say: storyOf(18), firstMs: 600 }),
    options: () => ({ aecWarmupDuration: null }),
    asked: { transcript: 'other' },
  },
  async ({ caller, soundtrack }) => {
    await caller.says('Tell me a story.');
    const story = await caller.hears('Chapter 1');
    await caller.pauses(3000);
    await caller.makesNoise(900);
    await soundtrack.until('it goes on', () => story.pauses.at(-1)?.to !== undefined);
    await soundtrack.until('the story is over', () => story.to !== undefined);
    if (story.isCut) throw new Error(`the story was cut\n${soundtrack.story()}`);
    await caller.pauses(3000);
  },
);

for (const streaming of [true, false]) {
  healthy(
    `O-B9 a fallback adapter whose first voice is dead, the second ${streaming ? 'streams' : 'does not stream'}: it speaks, the call goes on`,
    {
      script,
      definition: { greeting: { say: 'Good evening, this is Ada.' } },
      voice: ({ pace }) =>
        new tts.FallbackAdapter({
          // One that is dead and does not stream leaves a rejection that nobody handles inside the SDK.
          ttsInstances: [new PacedTts(pace, { name: 'dead', isDead: true }), new PacedTts(pace, { streaming })],
          maxRetryPerTTS: 0,
          recoveryDelayMs: 60_000,
        }),
    },
    async ({ caller }) => {
      await caller.listensTo('Good evening');
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
      await caller.pauses(5000);
    },
  );
}

healthy(
  'O-B10 "uh-huh" with minWords 4: the agent goes on, and nobody answers it',
  {
    script: () => ({ say: storyOf(10), firstMs: 600 }),
    options: () => ({
      aecWarmupDuration: null,
      turnHandling: { turnDetection: 'vad', interruption: { minWords: 4 } },
    }),
    asked: { transcript: 'other' },
  },
  async ({ caller }) => {
    await caller.says('Tell me a story.');
    await caller.hears('Chapter 1');
    await caller.pauses(2500);
    await caller.saysUhHuh();
    await caller.pauses(3000);
    await caller.saysUhHuh();
    await caller.listensTo('Chapter 1');
    await caller.pauses(3000);
  },
);
healthy(
  'O-B10 a caller who interrupts is answered, and what they cut is not said again',
  {
    script: (asked) => ({ say: asked === ASKED ? ANSWER : storyOf(10), firstMs: 600 }),
    options: () => ({ aecWarmupDuration: null }),
  },
  async ({ caller }) => {
    await caller.says('Tell me a story.');
    await caller.hears('Chapter 1');
    await caller.pauses(2500);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
    await caller.pauses(3000);
  },
);
healthy(
  'O-B10 typed text in the greeting and in the talk',
  {
    script,
    definition: { greeting: { say: 'Good evening, this is Ada, at the front desk.' } },
    asked: { transcript: 'other' },
  },
  async ({ caller }) => {
    await caller.hears('Good evening');
    await caller.pauses(500);
    caller.types(ASKED);
    await caller.listensTo(ANSWER);
    await caller.pauses(4000);
    caller.types('Thank you.');
    await caller.listensTo('You are welcome');
  },
);
class Second extends voice.Agent {
  constructor() {
    super({ instructions: 'Be the second.' });
  }
}
class First extends voice.Agent {
  constructor() {
    const transfer = llm.tool({
      name: 'pass',
      description: 'Passes the caller on.',
      execute: async () => llm.handoff({ agent: new Second(), returns: 'passed' }),
    });
    super({ instructions: 'Be the first.', tools: [transfer] });
  }
}
healthy(
  "O-B10 a handoff to an agent that says nothing at first: it is the caller's turn",
  {
    agent: () => new First(),
    script: (asked) => (asked === ASKED ? quickly(ANSWER) : { ...quickly('I pass you on.'), calls: ['pass'] }),
  },
  async ({ caller }) => {
    await caller.says('Give me somebody else.');
    await caller.listensTo('I pass you on');
    await caller.pauses(8000);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);

healthy(
  "recognition that does not stream, behind an adapter of the user's own",
  {
    script,
    options: ({ mouth, pace }) => ({
      stt: new stt.StreamAdapter(new PacedStt(mouth, pace, { streaming: false }), new PacedVad(mouth)),
    }),
  },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);
