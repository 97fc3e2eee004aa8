/** The calls that are recorded: one for each pipeline and option that changes the order of what happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { llm, voice } from '@livekit/agents';
import type { Greeting } from '../../../machines/index.ts';
import type { Healthy, Life } from '../../ordinary/harness/call.ts';
import { alone, PacedDuplex, PacedRealtime } from '../../ordinary/harness/speech-models.ts';
import { PacedTts } from '../../ordinary/harness/voice.ts';
import type { Answer, Script as Wits } from '../../ordinary/harness/wits.ts';
import type { Tape } from './tape.ts';
import type { Cause } from './trace.ts';

export type Recorded = {
  name: string;
  greeting: Greeting;
  takes?: Partial<Record<Cause, number>>;
  given: (tape: Tape) => Healthy;
  live: (life: Life, tape: Tape) => Promise<void>;
};

const TIME = 'What time is it?';
const NINE = 'It is nine in the morning.';
const THANKS = 'Thank you.';
const WELCOME = 'You are welcome.';
const TABLE = 'Is there a table?';
const FOUND = 'There is one at eight.';
const LOOK = 'Look it up, please.';
const LOOKING = 'Let me look that up.';
const BOTH = 'Look and book.';
const TWO = 'Found, I book it.';
const BOOKED = 'It is booked for you.';
const STORY = 'Tell me a story.';
const story = Array.from({ length: 8 }, (_, index) => `Chapter ${index + 1} of the story.`).join(' ');
const NOTE = 'Note that the light is on.';
const ELSE = 'Give me somebody else.';
const PASS = 'I pass you on.';
const CONSENT = 'I sign the contract.';
const AGREE = 'Do you agree?';
const SIGNED = 'Then it is signed.';
const FLIGHTS = 'Look for flights.';
const MEANWHILE = 'I look for flights.';
const NOON = 'There is a flight at noon.';
const DESK = 'Put me through.';
const BUSY = 'They are busy, I am sorry.';
const GREETING = 'Good evening, this is Ada.';

const answers: Record<string, Answer> = {
  [TIME]: { say: NINE },
  [TABLE]: { calls: ['look'] },
  'a table': { say: FOUND },
  [LOOK]: { say: LOOKING, calls: ['look'] },
  [BOTH]: { calls: ['find'] },
  found: { say: TWO, calls: ['book'] },
  booked: { say: BOOKED },
  [STORY]: { say: story },
  [ELSE]: { say: PASS, calls: ['pass'] },
  [CONSENT]: { calls: ['consent'] },
  agreed: { say: SIGNED },
  [FLIGHTS]: { calls: ['flights'] },
  [DESK]: { calls: ['through'] },
  busy: { say: BUSY },
};
const wits: Wits = (asked) => {
  if (asked.includes('Greet the caller.')) return { say: GREETING };
  if (asked.startsWith('I am looking')) return { say: MEANWHILE };
  if (asked.includes('a flight at noon')) return { say: NOON };
  return answers[asked] ?? (asked.includes(TIME) ? { say: NINE } : { say: WELCOME });
};

const tool = (name: string, execute: () => Promise<unknown>) => llm.tool({ name, description: name, execute });
const toolsOf = (tape: Tape) => [
  tool('look', async () => {
    await tape.takes('tool');
    return 'a table';
  }),
  tool('find', async () => {
    await tape.takes('tool');
    return 'found';
  }),
  tool('book', async () => {
    await tape.takes('tool');
    return 'booked';
  }),
];
const flights = (tape: Tape) =>
  llm.tool({
    name: 'flights',
    description: 'Looks for flights.',
    execute: async (_args, { ctx }) => {
      await ctx.update('I am looking for flights.', { template: '{message}' });
      await sleep(7000);
      await tape.takes('tool');
      return 'a flight at noon';
    },
  });
const through = (tape: Tape) =>
  tool('through', async () => {
    const invite = async () => {
      await tape.takes('transfer');
      throw new Error('busy');
    };
    await tape.call.transfer({ participant: 'desk', invite });
    return 'busy';
  });

class Consent extends voice.AgentTask<string> {
  constructor() {
    super({ instructions: 'Ask for consent.' });
  }
  override async onEnter(): Promise<void> {
    this.session.say(AGREE);
  }
  override async onUserTurnCompleted(_context: llm.ChatContext, message: llm.ChatMessage): Promise<void> {
    this.complete(message.textContent ?? '');
    throw new voice.StopResponse();
  }
}
const consent = () =>
  tool('consent', async () => {
    await new Consent().run();
    return 'agreed';
  });

class Works extends voice.Agent {
  readonly #tape: Tape;
  readonly #hook: boolean;
  constructor(tape: Tape, tools: llm.ToolContextLike = [], hook = false) {
    super({ instructions: 'Answer.', tools });
    this.#tape = tape;
    this.#hook = hook;
  }
  override async onUserTurnCompleted(_context: llm.ChatContext, message: llm.ChatMessage): Promise<void> {
    if (this.#hook) await this.#tape.takes('hook');
    if (message.textContent?.startsWith('Note') !== true) return;
    this.#tape.expects(false); // nobody knows before that there will be no answer
    throw new voice.StopResponse();
  }
}
class Greets extends Works {
  override async onEnter(): Promise<void> {
    this.session.generateReply({ instructions: 'Greet the caller.' });
  }
}
const handingOver = (tape: Tape, isLoud: boolean): voice.Agent => {
  class Second extends Works {
    override async onEnter(): Promise<void> {
      if (isLoud) this.session.say(WELCOME);
    }
  }
  const pass = tool('pass', async () => llm.handoff({ agent: handedTo(), returns: 'passed' }));
  const handedTo = () => new Second(tape, [...toolsOf(tape), pass]);
  return new Works(tape, [...toolsOf(tape), pass]);
};

const asked = { transcript: 'other', ownMs: 0 } as const;
const plainly = (tape: Tape): Healthy => ({
  agent: () => new Works(tape, toolsOf(tape)),
  script: wits,
  definition: { greeting: { say: GREETING } },
  options: () => ({ aecWarmupDuration: null }),
  asked,
});
type Options = NonNullable<Healthy['options']>;
/** As plainly, with these options of the session. */
const withOptions =
  (options: Options, more: (tape: Tape) => Partial<Healthy> = () => ({})) =>
  (tape: Tape): Healthy => ({
    ...plainly(tape),
    options: (world) => ({ aecWarmupDuration: null, ...options(world) }),
    ...more(tape),
  });

// ── what a call is made of ───────────────────────────────────────────────────────────────────────────────────────

type Part = (life: Life, tape: Tape) => Promise<void>;
const part =
  (name: string, live: Part): Part =>
  async (life, tape) => {
    await tape.part(name);
    await live(life, tape);
  };

const exchange = (ask: string, answer: string): Part =>
  part(`"${ask}"`, async ({ caller }, tape) => {
    await tape.asks(caller, ask);
    await caller.listensTo(answer);
  });
const question = part('a question', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
});
/** The sounds of an earlier part are not heard again: the latest one of them. */
const nextOf = async (soundtrack: Life['soundtrack'], text: string): Promise<void> => {
  const from = Date.now();
  const found = () =>
    soundtrack.sounds.find((sound) => sound.voice === 'agent' && sound.from >= from - 50 && sound.text.includes(text));
  const sound = await soundtrack.until(`"${text}" is heard`, found);
  await soundtrack.until(`"${text}" is over`, () => sound.to !== undefined);
};
const inTwo = part('a sentence with a pause in it', async ({ caller, soundtrack }, tape) => {
  await caller.says('I would like to know');
  await sleep(300);
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
});
const announced = part('a tool that is announced', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, LOOK);
  await nextOf(soundtrack, LOOKING);
  tape.expects();
  await nextOf(soundtrack, FOUND);
});
const withTool = part('a tool', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, TABLE);
  await nextOf(soundtrack, FOUND);
});
const twoTools = part('two tools', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, BOTH);
  await nextOf(soundtrack, TWO);
  tape.expects();
  await nextOf(soundtrack, BOOKED);
});
const bargeIn = part('barge-in', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, STORY);
  await nowHeard(soundtrack);
  await tape.takes('into');
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
});
const nowHeard = async (soundtrack: Life['soundtrack']) => {
  const isHeard = () => soundtrack.sounds.findLast(({ voice }) => voice === 'agent');
  return soundtrack.until('the agent is heard', () => {
    const last = isHeard();
    return last !== undefined && last.to === undefined ? last : undefined;
  });
};
const noiseInto = (ms: number): Part =>
  part('a noise in the middle of an answer', async ({ caller, soundtrack }, tape) => {
    await tape.asks(caller, STORY);
    const sound = await nowHeard(soundtrack);
    await tape.takes('into');
    await caller.makesNoise(ms);
    await soundtrack.until('it is over', () => sound.to !== undefined);
    await sleep(800);
  });
const uhHuh = part('"uh-huh"', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, STORY);
  const sound = await nowHeard(soundtrack);
  await tape.takes('into');
  await caller.saysUhHuh();
  await soundtrack.until('it is over', () => sound.to !== undefined);
  await sleep(800);
});
const askedAgain = part('asked again before the answer', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, STORY);
  await sleep(900);
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
});
const noise = part('a noise at rest', async ({ caller }) => {
  await caller.makesNoise(300);
  await sleep(1500);
});
const key = part('a key', async ({ caller }, tape) => {
  caller.pressesKey();
  await tape.takes('rest');
  caller.pressesKey();
});
const typed = part('a typed text', async ({ caller, soundtrack }, tape) => {
  caller.types(TIME);
  tape.expects();
  await nextOf(soundtrack, NINE);
});
const ofItself = part('the agent speaks of itself', async ({ session, soundtrack }) => {
  session.say(WELCOME);
  await nextOf(soundtrack, WELCOME);
});
const asRun = part('session.run', async ({ session, soundtrack }, tape) => {
  const ran = session.run({ userInput: TIME });
  tape.expects();
  await nextOf(soundtrack, NINE);
  await ran.wait();
});
const unanswered = part('StopResponse', async ({ caller }, tape) => {
  await tape.asks(caller, NOTE);
  await sleep(2500);
});
const given = part('time that is given', async ({ call, caller, soundtrack }, tape) => {
  call?.giveTime(60_000);
  await tape.takes('given');
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
});
const handoff = part('a handoff', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, ELSE);
  await nextOf(soundtrack, PASS);
  tape.expects();
  await nextOf(soundtrack, WELCOME); // by the new agent, or by its model
});
const task = part('an AgentTask', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, CONSENT);
  await nextOf(soundtrack, AGREE);
  await tape.takes('rest');
  await tape.asks(caller, 'I do.');
  await nextOf(soundtrack, SIGNED);
});
const inBackground = part('work in the background', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, FLIGHTS);
  await nextOf(soundtrack, MEANWHILE);
  await tape.takes('rest');
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
  tape.expects(); // the flights
  await nextOf(soundtrack, NOON);
});
const transfer = part('a transfer that nobody takes', async ({ caller, soundtrack }, tape) => {
  await tape.asks(caller, DESK);
  await nextOf(soundtrack, BUSY);
});
const switched = part('the voice is switched off and on', async ({ session, soundtrack, caller }, tape) => {
  session.output.setAudioEnabled(false);
  await sleep(1000);
  session.output.setAudioEnabled(true);
  await tape.takes('rest');
  await tape.asks(caller, TIME);
  await nextOf(soundtrack, NINE);
});
const byHand = part('a turn that is committed', async ({ caller, session, soundtrack }, tape) => {
  await caller.says('What time');
  await sleep(2500);
  await caller.says('is it?');
  await sleep(1200);
  session.commitUserTurn();
  tape.expects();
  await nextOf(soundtrack, '');
});
const thrownAway = part('a turn that is thrown away', async ({ caller, session }) => {
  await caller.says('No, wait.');
  await sleep(1500);
  session.clearUserTurn();
  await sleep(1000);
});
const readOnly = part('an answer to read', async ({ caller }) => {
  const before = caller.said.length;
  caller.types(before === 0 ? TIME : THANKS);
  await caller.reads(before === 0 ? NINE : WELCOME);
  await sleep(1000);
});
const dictated = part('a sentence to write down', async ({ caller }) => {
  await caller.says('The first sentence of a letter.');
  await sleep(2000);
});

const greeted: Part = async ({ caller }) => caller.listensTo('Good evening');
const all =
  (...parts: Part[]) =>
  async (life: Life, tape: Tape): Promise<void> => {
    for (const each of parts) await each(life, tape);
    await tape.part('over');
    await sleep(500);
  };

const late = { stt: 900 };
const realtime = (options: ConstructorParameters<typeof PacedRealtime>[3] = {}): Options => {
  return ({ mouth, pace, script }) => alone(new PacedRealtime(mouth, pace, script, options));
};
const waits = (): Partial<Healthy> => ({ definition: {} });

export const recorded: Recorded[] = [
  {
    name: 'standard',
    greeting: 'say',
    given: plainly,
    live: all(greeted, question, inTwo, withTool, announced, twoTools, askedAgain, noise, key, typed, ofItself, given),
  },
  {
    name: 'standard, interrupted',
    greeting: 'say',
    given: plainly,
    live: all(greeted, bargeIn, noiseInto(900), question, exchange(THANKS, WELCOME), asRun, unanswered, switched),
  },
  {
    name: 'standard, words after the activity',
    greeting: 'say',
    takes: late,
    given: plainly,
    live: all(greeted, question, inTwo, withTool, announced, bargeIn, unanswered),
  },
  {
    name: 'turns by recognition',
    greeting: 'wait',
    takes: late,
    given: withOptions(() => ({ turnHandling: { turnDetection: 'stt' } }), waits),
    live: all(question, inTwo, withTool, bargeIn, noiseInto(900)),
  },
  {
    name: 'neither streams',
    greeting: 'say',
    takes: late,
    given: (tape) => ({
      ...plainly(tape),
      ears: { streaming: false },
      voice: ({ pace }) => new PacedTts(pace, { streaming: false }),
    }),
    live: all(greeted, question, withTool, announced, bargeIn),
  },
  {
    name: 'a hook that retrieves',
    greeting: 'generate',
    given: (tape) => ({
      ...plainly(tape),
      agent: () => new Works(tape, toolsOf(tape), true),
      definition: { greeting: { generate: 'Greet the caller.' } },
    }),
    live: all(greeted, question, withTool, unanswered, askedAgain),
  },
  {
    name: 'preemptive generation',
    greeting: 'agent',
    given: withOptions(
      () => ({ turnHandling: { turnDetection: 'vad', preemptiveGeneration: { enabled: true, preemptiveTts: true } } }),
      (tape) => ({ agent: () => new Greets(tape, toolsOf(tape)), definition: { greeting: 'agent' } }),
    ),
    live: all(greeted, question, inTwo, withTool, announced, bargeIn),
  },
  {
    name: 'a long endpointing',
    greeting: 'say',
    given: withOptions(() => ({
      turnHandling: { turnDetection: 'vad', endpointing: { minDelay: 4000, maxDelay: 4000 } },
    })),
    live: all(greeted, question, inTwo, withTool),
  },
  {
    name: 'an interruption takes four words',
    greeting: 'say',
    given: withOptions(() => ({ turnHandling: { turnDetection: 'vad', interruption: { minWords: 4 } } })),
    live: all(greeted, uhHuh, question, bargeIn),
  },
  {
    name: 'nothing interrupts',
    greeting: 'say',
    given: withOptions(() => ({ turnHandling: { turnDetection: 'vad', interruption: { enabled: false } } })),
    live: all(greeted, uhHuh, question),
  },
  {
    name: 'handoffs',
    greeting: 'say',
    given: (tape) => ({ ...plainly(tape), agent: () => handingOver(tape, false) }),
    live: all(greeted, question, handoff, question, withTool, handoff),
  },
  {
    name: 'handoffs to an agent that speaks',
    greeting: 'say',
    given: (tape) => ({ ...plainly(tape), agent: () => handingOver(tape, true) }),
    live: all(greeted, question, handoff, question, withTool),
  },
  {
    name: 'an AgentTask',
    greeting: 'say',
    given: (tape) => ({ ...plainly(tape), agent: () => new Works(tape, [consent()]) }),
    live: all(greeted, question, task, question),
  },
  {
    name: 'work in the background',
    greeting: 'say',
    given: (tape) => ({ ...plainly(tape), agent: () => new Works(tape, [flights(tape)]) }),
    live: all(greeted, inBackground),
  },
  {
    name: 'a transfer',
    greeting: 'say',
    given: (tape) => ({ ...plainly(tape), agent: () => new Works(tape, [through(tape)]) }),
    live: all(greeted, question, transfer),
  },
  {
    name: 'push-to-talk',
    greeting: 'say',
    given: withOptions(() => ({ turnHandling: { turnDetection: 'manual' } })),
    live: all(greeted, byHand, thrownAway, typed),
  },
  {
    name: 'realtime',
    greeting: 'wait',
    given: withOptions(realtime(), waits),
    live: all(question, inTwo, withTool, announced, bargeIn, ofItselfGenerated()),
  },
  {
    name: 'realtime, transcripts after the answer',
    greeting: 'wait',
    given: withOptions(realtime({ transcriptLateMs: 900 }), waits),
    live: all(question, settling, withTool, settling),
  },
  {
    name: 'realtime, committed by hand',
    greeting: 'wait',
    given: withOptions(
      (world) => ({ ...realtime({ turnDetection: false })(world), turnHandling: { turnDetection: 'manual' } }),
      waits,
    ),
    live: all(byHand),
  },
  {
    name: 'realtime that writes, and a voice',
    greeting: 'wait',
    given: withOptions(
      (world) => ({ ...realtime({ audioOutput: false })(world), tts: new PacedTts(world.pace) }),
      waits,
    ),
    live: all(question, withTool, bargeIn),
  },
  {
    name: 'duplex',
    greeting: 'wait',
    given: withOptions(({ mouth, pace, script }) => alone(new PacedDuplex(mouth, pace, script)), waits),
    live: all(question, exchange(THANKS, WELCOME), bargeIn),
  },
  {
    name: 'no voice',
    greeting: 'wait',
    given: withOptions(() => ({ tts: undefined as never }), waits),
    live: all(readOnly, readOnly),
  },
  {
    name: 'no model, no voice',
    greeting: 'wait',
    given: withOptions(() => ({ llm: undefined, tts: undefined }) as never, waits),
    live: all(dictated, dictated),
  },
  {
    name: 'in a room',
    greeting: 'say',
    given: (tape) => ({ ...plainly(tape), start: {} }),
    live: all(greeted, question, withTool, bargeIn, typed),
  },
];

/** A realtime model has no voice to say a text with: it is told to speak. */
function ofItselfGenerated(): Part {
  return part('the agent speaks of itself', async ({ session, soundtrack }) => {
    session.generateReply({ instructions: 'Remind them.' });
    await nextOf(soundtrack, WELCOME);
  });
}
async function settling(): Promise<void> {
  await sleep(1500);
}
