/** A call that goes on after its process died: what its next job says, knows, and leaves alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { APIConnectionError, llm, voice } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import type { Json, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { type Past, pastOf } from '../../src/report/past.ts';
import type { Call } from '../../src/livekit/call.ts';
import { checkDefinition } from '../../src/livekit/definition.ts';
import { place, type Placed, type Placing } from './harness.ts';
import { type Answer, ToneTts } from './models.ts';
import { agent, answer, answered, errorsOf, LONG, never, resting, toolNamed, WithTools } from './plain.ts';

const GREETING = 'Hello, this is Ada.';
const SORRY = 'Sorry, I lost you for a moment.';
const QUESTION = 'What time is it?';

/** Of the process that dies at this instant. */
const pastIn = ({ entries }: Placed): Past =>
  pastOf({ session: sessionIdOf('one'), epochs: [{ epoch: 1, entries: [...entries], torn: false }], keeper: [] }, 2);
const nothing = pastOf({ session: sessionIdOf('one'), epochs: [], keeper: [] }, 2);
const message = (id: string, role: string, text: string): Past['items'][number] => ({
  id,
  type: 'message',
  role,
  content: [text],
  interrupted: false,
  createdAt: Date.now() - 5_000,
});
const textsIn = (context: llm.ChatContext) =>
  context.items.flatMap((item) => (item.type === 'message' && item.role !== 'system' ? [item.textContent] : []));
const after = (past: Past) => ({ agent, script: answer, greeting: { say: GREETING }, past });

describe('G7 after a crash', () => {
  test('the words that excuse it are said in place of the greeting, and the conversation goes on', async () => {
    await using before = await place({ agent, script: answer, greeting: { say: GREETING } });
    await before.hears(GREETING);
    await resting(before);
    await answered(before);
    await resting(before);
    await using placed = await place({ ...after(pastIn(before)), onCrash: { say: SORRY } });
    await placed.hears(SORRY);
    await resting(placed);
    await answered(placed);
    expect(placed.heard.map(({ text }) => text)).not.toContain(GREETING);
    expect(textsIn(placed.job.session!.currentAgent.chatCtx).slice(0, 3)).toEqual([GREETING, QUESTION, 'It is nine.']);
    expect(placed.call.resumed).toMatchObject({ epoch: 2, agent: undefined, snapshot: undefined });
  });

  test('whoever has heard the agent for three seconds is heard when they speak over it, as in the process before', async () => {
    const warmupOf = async (spokenMs: number, options: object = {}) => {
      await using placed = await place({ ...after({ ...nothing, spokenMs }), options });
      await placed.hears(SORRY);
      return placed.job.session?.sessionOptions.aecWarmupDuration;
    };
    expect([await warmupOf(3_000), await warmupOf(2_900)]).toEqual([null, 3_000]);
    const own = { aecWarmupDuration: 6_000 };
    expect([await warmupOf(6_000, own), await warmupOf(5_900, own)]).toEqual([null, 6_000]);
  });

  test('an answer that was owed is given without being asked for again; nobody is owed one who got it', async () => {
    await using placed = await place(
      after({ ...nothing, items: [message('q', 'user', QUESTION)], isAnswerOwed: true }),
    );
    await placed.hears(SORRY);
    await placed.hears('It is nine');
    await using other = await place(after(nothing));
    await other.hears(SORRY);
    await resting(other);
    expect(other.llm.asked).toEqual([]);
  });

  test('H3b after a hand-over in a calm moment nothing is said by itself, and the conversation goes on', async () => {
    const items = [message('a', 'assistant', GREETING)];
    const hello = { onEnter: 0 };
    class Greeter extends WithTools {
      override async onEnter(): Promise<void> {
        hello.onEnter += 1;
        this.session.say('Welcome to the shop.');
      }
    }
    const past = { ...nothing, items, isCalm: true };
    await using placed = await place({ ...after(past), agent: () => new Greeter() });
    await placed.until('it goes on', () => placed.job.run.hasTag('calm'));
    await answered(placed);
    await resting(placed);
    expect(hello.onEnter).toBe(1);
    expect(placed.heard.map(({ text }) => text)).toEqual(['It is nine.']);
    expect(textsIn(placed.job.session!.currentAgent.chatCtx)).toEqual([GREETING, QUESTION, 'It is nine.']);
  });

  test('the agent enters, and what it says while it does is held back; what it says later is heard', async () => {
    class Greeter extends WithTools {
      hasEntered = false;
      override async onEnter(): Promise<void> {
        this.hasEntered = true;
        this.session.say('Welcome to the shop.');
        setTimeout(() => this.session.say('By the way, we close at five.'), 700);
      }
    }
    const greeter = new Greeter();
    await using placed = await place({ ...after(nothing), agent: () => greeter, greeting: 'agent' });
    await placed.hears(SORRY);
    await placed.hears('we close at five');
    expect(greeter.hasEntered).toBe(true);
    expect(placed.heard.map(({ text }) => text)).not.toContain('Welcome to the shop.');
    expect(placed.of('log').map(({ message: said }) => said)).toContain(
      'speech held back: the call goes on after a crash',
    );
  });

  test('the agent that a handoff led to goes on; without an entry the first one does, and the report says so', async () => {
    const led = { ...nothing, agent: 'billing' };
    const billing = () => new voice.Agent({ id: 'billing', instructions: 'Bill.' });
    await using placed = await place({ ...after(led), agents: { billing } });
    await placed.hears(SORRY);
    expect(placed.job.session?.currentAgent.id).toBe('billing');
    await using other = await place(after(led));
    await other.hears(SORRY);
    expect(errorsOf(other, 'application')).toEqual([expect.stringMatching(/^agents: expected an entry for "billing"/)]);
  });

  test('the time that the call had lasted counts for its longest duration', async () => {
    const past = { ...nothing, openedAt: Date.now() - 59_000 };
    await using placed = await place({
      ...after(past),
      policy: { maxDurationMs: 60_000, windDownMs: 500, idleMs: 30_000 },
    });
    await placed.hears(SORRY);
    const report = await placed.report();
    expect(report.end).toMatchObject({ by: 'limit', reason: 'max_duration' });
  });

  test('words by a function of the call are said; one that fails is an error, and the words of the package are', async () => {
    await using placed = await place({
      ...after(nothing),
      onCrash: { say: (call) => `Back in epoch ${call.resumed?.epoch}.` },
    });
    await placed.hears('Back in epoch 2.');
    const fails = () => {
      throw new Error('planted');
    };
    await using other = await place({ ...after(nothing), onCrash: { say: fails } });
    await other.hears(SORRY);
    expect(errorsOf(other, 'onCrash.say')).toEqual(['planted']);
  });
});

describe('the words after a crash', () => {
  const asked = { beforeTheStart: [] as string[] };
  const heardWith = async (tts: ToneTts, given: Partial<Placing> = {}) => {
    const before = () => void (asked.beforeTheStart = [...tts.asked]);
    const placed = await place({ ...after(nothing), options: { tts }, prepare: before, ...given });
    await placed.hears(SORRY);
    await placed.until('all of it', () => placed.of('spoken')[0]);
    await resting(placed);
    return placed;
  };

  test('are asked of the voice before the session starts, once, and stand in the history', async () => {
    const tts = new ToneTts();
    await using placed = await heardWith(tts);
    expect(asked.beforeTheStart).toEqual([SORRY]);
    expect(tts.asked).toEqual([SORRY]);
    expect(textsIn(placed.job.session!.currentAgent.chatCtx)).toEqual([SORRY]);
    expect(placed.of('spoken')).toMatchObject([{ line: 'recovery', outcome: 'played', text: SORRY }]);
  });

  test('are tried as often as the session would: a voice that fails once is heard', async () => {
    const tts = new ToneTts();
    let attempts = 0;
    const failsOnce = { maxRetry: 3, retryIntervalMs: 100, timeoutMs: 5_000 };
    const synthesize = tts.synthesize.bind(tts);
    tts.synthesize = (text, connOptions, signal) => {
      const stream = synthesize(text, connOptions, signal);
      const run = Reflect.get(stream, 'run') as () => Promise<void>;
      Reflect.set(stream, 'run', async () => {
        attempts += 1;
        if (attempts > 1) return run.call(stream);
        await sleep(500); // by then they are being said
        throw new APIConnectionError({ message: 'planted', options: { retryable: true } });
      });
      return stream;
    };
    const options = { tts, connOptions: { ttsConnOptions: failsOnce } };
    await using placed = await heardWith(tts, { options });
    expect([attempts, tts.asked]).toEqual([2, [SORRY]]);
    const said = () => placed.of('spoken').find(({ line }) => line === 'recovery'); // the filler came before it
    expect(await placed.until('the words', said)).toMatchObject({ outcome: 'played' });
  });

  test('are asked by the session itself when the voice failed by then', async () => {
    const tts = new ToneTts();
    tts.isMute = true;
    await using placed = await heardWith(tts, { prepare: () => void (tts.isMute = false) });
    expect(tts.asked).toEqual([SORRY, SORRY]);
    expect(placed.of('spoken')).toMatchObject([{ line: 'recovery', outcome: 'played' }]);
  });

  test('are left to an agent that speaks in a way of its own, and to a session that changes what is said', async () => {
    class Whisperer extends WithTools {
      override async ttsNode(...[text, settings]: Parameters<voice.Agent['ttsNode']>) {
        return super.ttsNode(text, settings);
      }
    }
    await using _one = await heardWith(new ToneTts(), { agent: () => new Whisperer() });
    expect(asked.beforeTheStart).toEqual([]);
    const tts = new ToneTts();
    await using _other = await heardWith(tts, { options: { tts, ttsTextTransforms: [] } });
    expect(asked.beforeTheStart).toEqual([]);
  });
});

test('G7 a conversation of twenty turns with three deaths in it (resting, in a reply, in a tool) answers at turn twenty from what was said at turn two', async () => {
  const NAME = 'My name is Ada.';
  const epochs: SessionJournal['epochs'] = [];
  const script = (asked: string): Answer => {
    const knows = placed.llm.prompts.at(-1)?.filter((text) => text === NAME).length === 1;
    if (asked === 'What is my name?') return { say: knows ? 'You are Ada.' : 'I do not know.' };
    if (asked === 'Question 10.') return { say: LONG };
    if (asked === 'Question 15.') return { calls: ['pay'] };
    return { say: /^Question \d+/.test(asked) ? asked.replace('Question', 'Answer') : 'Let us go on.' };
  };
  const begin = (past?: Past) =>
    place({
      agent: () => new WithTools([toolNamed('pay', never)]),
      script,
      greeting: { say: GREETING },
      ...(past && { past }),
    });
  let placed = await begin();
  const dies = async () => {
    epochs.push({ epoch: epochs.length + 1, entries: [...placed.entries], torn: false });
    await placed[Symbol.asyncDispose]();
    placed = await begin(pastOf({ session: sessionIdOf('one'), epochs, keeper: [] }, epochs.length + 1));
    await placed.hears(SORRY);
    await resting(placed);
  };
  const turn = async (said: string, heard: string) => {
    placed.says(said);
    await placed.hears(heard);
    await resting(placed);
  };
  const turns = async (from: number, to: number) => {
    for (let each = from; each <= to; each += 1) await turn(`Question ${each}.`, `Answer ${each}.`);
  };
  try {
    await placed.hears(GREETING);
    await resting(placed);
    await turn('Question 1.', 'Answer 1.');
    await turn(NAME, 'Let us go on.');
    await turns(3, 5);
    await dies();
    await turns(6, 9);
    placed.says('Question 10.');
    await placed.hears(LONG);
    await dies();
    await turns(11, 14);
    placed.says('Question 15.');
    await placed.until('the tool runs', () => placed.of('tool').some(({ status }) => status === 'started'));
    await dies();
    await turns(16, 19);
    await turn('What is my name?', 'You are Ada.');
    const prompt = placed.llm.prompts.at(-1) ?? [];
    for (let each = 3; each < 20; each += 1)
      expect(
        prompt.filter((text) => text === `Question ${each}.`),
        `question ${each}`,
      ).toHaveLength(1);
    expect(prompt.filter((text) => text === GREETING)).toHaveLength(1);
    expect(prompt.filter((text) => text === SORRY)).toHaveLength(3);
  } finally {
    await placed[Symbol.asyncDispose]();
  }
}, 60_000);

describe('the state of the application', () => {
  const kept = (placed: Placed) => placed.of('snapshot').map(({ pii }) => pii);

  test('is kept at each turn, when it has changed', async () => {
    const cart: string[] = [];
    const tools = [toolNamed('add', async () => `added, ${cart.push('tea')}`)];
    const script = (asked: string) => (asked === 'Tea.' ? { calls: ['add'] } : { say: 'It is nine.' });
    await using placed = await place({
      agent: () => new WithTools(tools),
      script,
      snapshot: () => ({ cart: [...cart] }),
    });
    placed.says('Tea.');
    await placed.hears('It is nine');
    await placed.until('the cart to be kept', () => kept(placed).length === 2);
    expect(kept(placed)).toEqual([{ cart: [] }, { cart: ['tea'] }]);
  });

  const bad: [string, () => unknown, RegExp][] = [
    [
      'throws',
      () => {
        throw new Error('planted');
      },
      /^planted$/,
    ],
    ['is no JSON', () => undefined, /^expected what JSON can say, got/],
    ['is 10 MB', () => 'x'.repeat(10_000_000), /^expected at most 65536 characters of JSON, got 10000002$/],
    ['hangs', () => new Promise(() => {}), /^it had not settled after 1000 ms$/],
  ];
  test.each(bad)('that %s is an error once, and the call goes on', async (_, snapshot, told) => {
    await using placed = await place({ agent, script: answer, snapshot: snapshot as () => Json });
    await answered(placed);
    await placed.until('it to be told', () => errorsOf(placed, 'snapshot').length > 0);
    await answered(placed);
    expect(errorsOf(placed, 'snapshot')).toEqual([expect.stringMatching(told)]);
    expect(kept(placed)).toEqual([]);
  });
});

describe('G7 a program whose process died', () => {
  const ofProgram = (program: (call: Call) => Promise<void>) =>
    ({ session: undefined, agent: undefined, goodbye: 'none', program, onCrash: { resume: 2 } }) as never as Placing;

  test('is begun anew where it said that it can go on, with what it kept, and nothing is said for it', async () => {
    const cart = ['tea'];
    await using before = await place({
      ...ofProgram(() => new Promise<void>(() => {})),
      snapshot: () => ({ cart: [...cart] }),
    });
    await before.until('it is kept', () => before.of('snapshot')[0]);
    cart.push('milk');
    await before.until('it is kept again', () => before.of('snapshot')[1]);

    const begun: unknown[] = [];
    await using placed = await place({
      ...ofProgram(async (call) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        begun.push([call.resumed?.epoch, call.resumed?.snapshot, call.resumed?.history.items.length]);
        call.end('done');
      }),
      past: pastIn(before),
    });
    await placed.endedWell({ goodbye: null });
    expect(begun).toEqual([[2, { cart: ['tea', 'milk'] }, 0]]);
    expect(placed.heard).toEqual([]);
  });

  test('has no other one by default, and says how many', () => {
    expect(checkDefinition({ program: async () => {} }).resume).toBe(0);
    expect(checkDefinition({ program: async () => {}, onCrash: { resume: 1 } }).resume).toBe(1);
    expect(() => checkDefinition({ program: async () => {}, onCrash: { resume: 11 } })).toThrow(
      'a whole number from 0 to 10',
    );
  });
});
