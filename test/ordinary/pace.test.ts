/** O-A: nobody fails, everything takes its time. */
import { voice } from '@livekit/agents';
import { healthy, plain } from './harness/call.ts';
import { quickly } from './harness/wits.ts';
import { taking } from './tools.ts';

const ASKED = 'Is there a table for four?';
const ANSWER = 'There is a table at eight.';

for (const seconds of [4, 8, 25]) {
  healthy(
    `O-A1 a tool of ${seconds} s that works, then an answer 1.5 s later: fillers at most, and the call goes on`,
    {
      agent: plain([taking('look', seconds * 1000)]),
      script: (asked) => {
        if (asked === ASKED) return { calls: ['look'] };
        return asked === 'a table' ? { say: ANSWER, firstMs: 1500 } : quickly('You are welcome.');
      },
      asked: { fillers: { least: 1, most: Math.ceil(seconds / 3.5) + 1 } },
    },
    async ({ caller }) => {
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
      await caller.says('Thank you.');
      await caller.listensTo('You are welcome');
    },
  );
}

for (const pace of ['typical', 'slow'] as const) {
  healthy(
    'O-A1 tool after tool, each with words between: every step is a step forward',
    {
      pace,
      agent: plain([taking('look', 5000, 'found'), taking('book', 6000, 'booked')]),
      script: (asked) => {
        if (asked === ASKED) return { say: 'Let me see.', calls: ['look'] };
        return asked === 'found' ? { say: 'There is one. I book it.', calls: ['book'] } : { say: ANSWER };
      },
      asked: { fillers: { least: 0, most: 12 } },
    },
    async ({ caller }) => {
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
    },
  );
}

for (const seconds of [6.5, 10, 18]) {
  healthy(
    `O-A2 the first token after ${seconds} s: fillers until it is there, then the answer`,
    {
      script: (asked) => (asked === ASKED ? { say: ANSWER, firstMs: seconds * 1000 } : quickly('You are welcome.')),
      asked: { fillers: { least: 1, most: Math.ceil(seconds / 3.5) } },
    },
    async ({ caller }) => {
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
      await caller.says('Thank you.');
      await caller.listensTo('You are welcome');
    },
  );
}

class Retrieves extends voice.Agent {
  constructor() {
    super({ instructions: 'Answer.' });
  }
  override async onUserTurnCompleted(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 7000));
  }
}
healthy(
  'O-A2 seven seconds of retrieval in onUserTurnCompleted: as for a model that thinks',
  { agent: () => new Retrieves(), script: () => ({ say: ANSWER }), asked: { fillers: { least: 1, most: 3 } } },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);

const quick = () => quickly(ANSWER);
healthy(
  'O-A3 endpointing of 7 s: the caller pauses 5 s in the middle of a sentence, and nobody speaks into it',
  {
    script: quick,
    options: () => ({
      turnHandling: { turnDetection: 'vad', endpointing: { minDelay: 7000, maxDelay: 7000 } },
    }),
    asked: { ownMs: 7000 },
  },
  async ({ caller }) => {
    await caller.says('I would like');
    await caller.pauses(5000);
    await caller.says('a table for four.');
    await caller.listensTo(ANSWER);
  },
);
const unsure = {
  model: 'unsure',
  provider: 'test',
  unlikelyThreshold: async () => 0.5,
  supportsLanguage: async () => true,
  predictEndOfTurn: async () => 0.1,
};
healthy(
  'O-A3 a turn detector that says "not finished" for 6 s: the pause is the caller\'s own',
  {
    script: quick,
    options: () => ({
      turnHandling: { turnDetection: unsure, endpointing: { minDelay: 500, maxDelay: 6000 } },
    }),
    asked: { ownMs: 6000 },
  },
  async ({ caller }) => {
    await caller.says('I would like');
    await caller.pauses(4500);
    await caller.says('a table for four.');
    await caller.listensTo(ANSWER);
  },
);

for (const pace of ['typical', 'slow'] as const) {
  healthy(
    'O-A4 a greeting that the model makes, and the caller listens: it is their turn',
    {
      pace,
      definition: { greeting: { generate: 'Greet the caller.' } },
      script: (asked) => ({ say: asked.includes('Greet the caller.') ? 'Good evening, this is Ada.' : ANSWER }),
      asked: { fillers: { least: 0, most: 3 } },
    },
    async ({ caller }) => {
      await caller.listensTo('Good evening');
      await caller.pauses(7000);
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
    },
  );
  healthy(
    'O-A4 a greeting that is said, and the caller listens and thinks for ten seconds',
    {
      pace,
      definition: { greeting: { say: 'Good evening, this is Ada.' } },
      script: quick,
      asked: { fillers: { least: 0, most: 1 } },
    },
    async ({ caller }) => {
      await caller.listensTo('Good evening');
      await caller.pauses(10_000);
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
    },
  );
}
class Greets extends voice.Agent {
  readonly #lateMs: number;
  constructor(lateMs: number) {
    super({ instructions: 'Answer.' });
    this.#lateMs = lateMs;
  }
  override async onEnter(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#lateMs));
    this.session.generateReply({ instructions: 'Greet the caller.' });
  }
}
for (const [what, lateMs] of [
  ['at once', 0],
  ['after it has looked somebody up for 2 s', 2000],
] as const) {
  healthy(
    `O-A4 an agent that greets in onEnter ${what}, and the caller listens`,
    {
      agent: () => new Greets(lateMs),
      definition: { greeting: 'agent' },
      asked: { fillers: { least: 0, most: 3 } },
      script: (asked) => ({ say: asked.includes('Greet the caller.') ? 'Good evening, this is Ada.' : ANSWER }),
    },
    async ({ caller }) => {
      await caller.listensTo('Good evening');
      await caller.pauses(6000);
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
    },
  );
}

for (const [what, ears] of [
  ['streams', { finalMs: 9000, interimResults: false }],
  ['does not stream', { finalMs: 9000, streaming: false }],
] as const) {
  healthy(
    `O-A5 recognition that takes 9 s and ${what}: that is waiting, and the answer comes`,
    { ears, script: quick, asked: { ownMs: 500, fillers: { least: 1, most: 3 } } },
    async ({ caller }) => {
      await caller.says(ASKED);
      await caller.listensTo(ANSWER);
    },
  );
}
healthy(
  'O-A5 what was clearly speech, and no words are found in it: it is asked again',
  { script: quick, asked: { lines: { again: 1 }, fillers: { least: 1, most: 1 } } },
  async ({ caller }) => {
    await caller.makesNoise(2200, 'mumbled words');
    // On the SDK alone nobody asks again; the caller says it anew.
    await caller.pauses(17_000);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);

healthy(
  'O-A8 "let me look that up" and a tool of 28 s in one answer: a tool that runs is our turn',
  {
    agent: plain([taking('look', 28_000)]),
    script: (asked) => (asked === ASKED ? { say: 'Let me look that up.', calls: ['look'] } : { say: ANSWER }),
    asked: { fillers: { least: 4, most: 9 } },
  },
  async ({ caller }) => {
    await caller.says(ASKED);
    await caller.listensTo('Let me look');
    await caller.listensTo(ANSWER);
    await caller.pauses(3000);
  },
);
