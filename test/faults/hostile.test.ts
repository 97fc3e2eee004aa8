/**
 * Hostile values in a live call, through the real AgentSession: what tools return and throw, what hooks and listeners do,
 * what `call` is given. The model is answered, the caller is answered, and the report is sealed.
 */
import { voice } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import { hostileProxy, hostileText, hostileThrows, hostileValues, isWellFormed } from '../contract/hostile.ts';
import { type Placed, place } from './harness.ts';
import { never, toolNamed, WithTools } from './plain.ts';

const ASKED = 'Use the tool.';
const script = (asked: string) => (asked === ASKED ? { calls: ['odd'] } : { say: 'The tool says so.' });
const statusesOf = ({ of }: Placed) =>
  of('tool')
    .filter(({ name }) => name === 'odd')
    .map(({ status }) => status);

/** What the model hears, as a part of it. */
const heardByTheModel: Record<string, RegExp> = {
  'a cycle': /circular/,
  'a BigInt': /12/,
  'a BigInt inside': /9007199254740993/,
  'a getter that throws': /fine/,
  'toJSON that throws': /unreadable/,
  'an object without a prototype': /bare/,
  'a Map and a Set': /"map":\{"a":1\},"set":\[1\]/,
  'a text of 10 MB': /^x+$/,
  'a million zeros': /^\[0,0,0/,
  // To resolve a promise with one is to ask it for `then`.
  'a proxy that throws': /internal error/,
  'a revoked proxy': /internal error/,
  'an error': /internal error/,
};

test('a tool returns whatever can be returned: the model gets its result, the caller an answer, the report is sealed', async () => {
  let make: () => unknown = () => 'nothing yet';
  await using placed = await place({ agent: () => new WithTools([toolNamed('odd', async () => make())]), script });
  let answers = 0;
  for (const [index, [what, value]] of hostileValues.entries()) {
    make = value;
    const asked = placed.llm.asked.length;
    placed.says(ASKED);
    await placed.until(`${what}: the tool is over`, () => statusesOf(placed).length === 2 * (index + 1));
    if (what === 'nothing') continue; // the SDK asks for no answer then
    answers += 1;
    await placed.until(`${what}: the caller is answered`, () => {
      const lines = placed.heard.filter(({ text }) => text.includes('The tool says so'));
      return lines.length === answers && lines.at(-1)?.isOver;
    });
    const heard = placed.llm.asked[asked + 1];
    expect(heard, what).toMatch(heardByTheModel[what] ?? /./);
    if (what === 'a text of 10 MB') expect(heard).toHaveLength(10_000_000);
  }
  placed.call.end('done');
  const { end, tools } = await placed.report();
  expect(end.reason).toBe('done');
  const failed = ['a proxy that throws', 'a revoked proxy'];
  expect(tools.map(({ name, status }) => [name, status])).toEqual(
    hostileValues.map(([what]) => ['odd', failed.includes(what) ? 'failed' : 'settled']),
  );
  for (const tool of tools) expect(JSON.stringify(tool).length).toBeLessThan(1.2 * 1024 * 1024);
});

test('a tool throws whatever can be thrown: the model hears that it failed and no more, the report what it said', async () => {
  let make: () => unknown = () => 'nothing yet';
  const breaks = async () => {
    throw make();
  };
  await using placed = await place({ agent: () => new WithTools([toolNamed('odd', breaks)]), script });
  for (const [index, [what, value]] of hostileThrows.entries()) {
    make = value;
    placed.says(ASKED);
    await placed.until(`${what}: the caller is answered`, () => {
      const lines = placed.heard.filter(({ text }) => text.includes('The tool says so'));
      return lines.length === index + 1 && lines.at(-1)?.isOver;
    });
    expect(placed.llm.asked.at(-1), what).toBe('An internal error occurred');
  }
  placed.call.end('done');
  const { tools } = await placed.report();
  expect(tools.map(({ status }) => status)).toEqual(hostileThrows.map(() => 'failed'));
  for (const { error } of tools) expect(error?.length).toBeGreaterThan(0);
  for (const { error } of tools) expect(error?.length).toBeLessThan(5000);
});

class Throwing extends voice.Agent {
  readonly #make: () => unknown;
  readonly #hooks: readonly string[];

  constructor(make: () => unknown, hooks: readonly string[]) {
    super({ instructions: 'Answer.' });
    this.#make = make;
    this.#hooks = hooks;
  }
  #at(hook: string): void {
    if (this.#hooks.includes(hook)) throw this.#make();
  }
  override async onEnter(): Promise<void> {
    this.#at('onEnter');
  }
  override async onExit(): Promise<void> {
    this.#at('onExit');
  }
  override async onUserTurnCompleted(): Promise<void> {
    this.#at('onUserTurnCompleted');
  }
}

describe('every hook and every listener throws', () => {
  test.concurrent.each(hostileThrows)(
    '%s: the caller is answered, each is in the journal, the goodbye is played',
    async (_, make) => {
      const hooks = ['onEnter', 'onUserTurnCompleted', 'onExit'];
      await using placed = await place({
        agent: () => new Throwing(make, hooks),
        script: () => ({ say: 'It is nine.' }),
        logFields: () => {
          throw make();
        },
      });
      const session = await placed.until('the session is there', () => placed.call.session);
      const listen = () => {
        throw make();
      };
      session.on(voice.AgentSessionEventTypes.ConversationItemAdded, listen);
      session.on(voice.AgentSessionEventTypes.AgentStateChanged, async () => listen());
      session.on(voice.AgentSessionEventTypes.Close, listen);
      session.on(voice.AgentSessionEventTypes.UserInputTranscribed, never); // never returns
      placed.says('What time is it?');
      await placed.hears('It is nine');
      placed.call.log.info({}, 'a line of the user');
      placed.call.end('done');
      const { end, goodbye, errors } = await placed.report();
      expect(end.reason).toBe('done');
      expect(goodbye?.outcome).toBe('played');
      const components = errors.map(({ component }) => component);
      expect(components).toEqual(expect.arrayContaining(hooks.map((hook) => `hook ${hook}`)));
      expect(components).toEqual(
        expect.arrayContaining(['listener conversation_item_added', 'listener agent_state_changed']),
      );
      for (const { message } of errors) expect(message).not.toBe('');
    },
  );
});

describe('a factory throws', () => {
  test.concurrent.each(hostileThrows)(
    '%s: the caller hears the apology, and the report says what failed',
    async (_, make) => {
      await using placed = await place({
        agent: () => {
          throw make();
        },
        script,
      });
      const { end, apology, errors } = await placed.report();
      expect(end).toMatchObject({ reason: 'startup_failed', fault: 'application' });
      expect(apology?.outcome).toBe('played');
      expect(errors[0]).toMatchObject({ component: 'agent', recoverable: false });
    },
  );
  test.concurrent.each(hostileValues.slice(0, 15))(
    '%s is returned for an agent: refused, with what was expected',
    async (_, make) => {
      await using placed = await place({ agent: make as never, script });
      const { end, apology } = await placed.report();
      expect(end.reason).toBe('startup_failed');
      expect(apology?.outcome).toBe('played');
    },
  );
});

test('call.attach and call.end with rubbish never throw; the end is an end, and each further request is noted', async () => {
  await using placed = await place({ agent: () => new WithTools(), script });
  await placed.until('the call is open', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  const { attach, end } = placed.call as unknown as Record<'attach' | 'end', (...given: unknown[]) => void>;
  attach();
  const rubbish = [...hostileValues, ...hostileThrows].map(([, make]) => make);
  for (const make of rubbish) attach(make(), make());
  placed.run.send(null as never);
  placed.run.send(undefined as never);
  for (const make of rubbish) {
    end(make(), make());
    end(make(), { drain: make(), goodbye: make(), outcome: make() });
  }
  end(...rubbish.map((make) => make()));
  const report = await placed.report();
  expect(report.end).toMatchObject({ by: 'agent', reason: '[object Object]' }); // a cycle was the first
  expect(report.alsoTriggered).toHaveLength(2 * rubbish.length);
  for (const { reason } of report.alsoTriggered) {
    expect(reason).not.toBe('');
    expect(reason.length).toBeLessThan(5000);
  }
});

test('call.transfer, call.report and call.onClose with rubbish never throw, and the call goes on', async () => {
  await using placed = await place({ agent: () => new WithTools(), script });
  await placed.until('the call is open', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  type Rubbed = Record<'transfer' | 'report' | 'onClose', (...given: unknown[]) => unknown>;
  const { transfer, report, onClose } = placed.call as unknown as Rubbed;
  for (const [, make] of [...hostileValues, ...hostileThrows]) {
    expect(await transfer(make())).toMatchObject({ outcome: 'failed' });
    expect(await transfer({ refer: 'tel:+1', ringingMs: make() })).toMatchObject({ outcome: 'failed' });
    report(make());
    onClose(make(), () => {});
    const release = make();
    if (typeof release !== 'function') expect(() => onClose('it', release)).toThrow('expected a function, got');
  }
  expect(placed.run.leaves()).toContain('live.conversing.dialogue.active.quiet');
  placed.call.end('done');
  expect((await placed.report()).end.reason).toBe('done');
});

test('options of an end that throw when they are read: it ends as if none had been given', async () => {
  await using placed = await place({ agent: () => new WithTools(), script });
  await placed.until('the call is open', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  placed.call.end('done', hostileProxy());
  const { end, goodbye } = await placed.report();
  expect(end.reason).toBe('done');
  expect(goodbye?.outcome).toBe('played');
});

test('a caller who says controls, marks of direction and half characters is answered, and is in the transcript', async () => {
  await using placed = await place({ agent: () => new WithTools(), script: () => ({ say: `Yes. ${hostileText}` }) });
  placed.says(hostileText);
  await placed.hears('Yes.');
  placed.call.end('done');
  const { transcript, end } = await placed.report();
  expect(end.reason).toBe('done');
  const caller = transcript.find(({ role }) => role === 'user')?.text ?? '';
  expect(caller).toContain('\u202Eevil\u2066');
  expect(isWellFormed(caller)).toBe(true);
});

test('the wall clock jumps back and forth while a call runs: durations are true, and nothing is late or early', async () => {
  const realNow = Date.now;
  let offset = 0;
  Date.now = () => realNow() + offset;
  try {
    const slow = async () => {
      offset = -86_400_000;
      await new Promise((resolve) => setTimeout(resolve, 200)); // what is measured below
      offset = 3_600_000;
      return 'done';
    };
    await using placed = await place({ agent: () => new WithTools([toolNamed('odd', slow)]), script });
    placed.says(ASKED);
    await placed.hears('The tool says so');
    offset = -3_600_000;
    placed.call.end('done');
    await placed.hears('Goodbye now');
    offset = 7_200_000;
    const { end, tools, goodbye, times, stages, latency, hangUp } = await placed.report();
    expect(end.reason).toBe('done');
    expect(goodbye?.outcome).toBe('played');
    expect(tools[0]?.ms).toBeGreaterThanOrEqual(195);
    expect(tools[0]?.ms).toBeLessThan(5000);
    expect(latency.turns?.maxMs).toBeLessThan(5000);
    expect(goodbye?.firstAudioMs).toBeLessThan(5000);
    expect(goodbye?.heardMs).toBeLessThan(5000);
    expect(hangUp?.ms).toBeLessThan(5000);
    for (const { ms } of stages) expect(ms).toBeGreaterThanOrEqual(0);
    expect(times.totalMs).toBeGreaterThanOrEqual(0);
    for (const { kind, data } of placed.entries)
      if (kind === 'effect' && data.ms !== undefined) {
        expect(data.ms).toBeGreaterThanOrEqual(0);
        expect(data.ms).toBeLessThan(8000);
      }
  } finally {
    Date.now = realNow;
  }
});
