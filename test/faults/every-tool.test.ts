/** Every tool that the model can call, wherever it comes from: guarded, reported, and otherwise left alone. */
import { ReadableStream } from 'node:stream/web';
import { llm, voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Placed, type Placing, place } from './harness.ts';
import { SilentRealtime } from './models.ts';
import { agent, effectsNamed, errorsOf, fails, gate, never, resting, toolNamed, WithTools } from './plain.ts';

const ASKED = 'Use the tool.';
/** Calls `tools` when asked to, and answers whatever comes back with "Tool says so". */
const using =
  (...tools: string[]) =>
  (asked: string) =>
    asked === ASKED ? { calls: tools } : { say: 'The tool says so.' };

const statusesOf = ({ of }: Placed, name: string) =>
  of('tool')
    .filter((tool) => tool.name === name)
    .map(({ status }) => status);
const lastOf = ({ of }: Placed, name: string) => of('tool').findLast((tool) => tool.name === name);
/** What the machine was told. */
const toldOf = ({ of }: Placed) =>
  of('event')
    .map(({ type }) => type)
    .filter((type) => type.startsWith('tool.'));
const nothingOfOurs = ({ of }: Placed) => expect(of('spoken').filter(({ line }) => line !== 'goodbye')).toEqual([]);

// ── O-B7: wherever it comes from ─────────────────────────────────────────────────────────────────────────────────

type Where = (tool: llm.ToolContextEntry) => Pick<Placing, 'agent' | 'options'> & { later?: (placed: Placed) => void };
const set = (...tools: llm.ToolContextEntry[]) => llm.Toolset.create({ id: 'set', tools });
const async_ = (...tools: llm.ToolContextEntry[]) => llm.AsyncToolset.create({ id: 'async', tools });
/** Tells of its tools some time after the call began, as a server of tools would. */
const pushing = (tool: llm.ToolContextEntry) => {
  const { opened, open } = gate();
  const pushed = llm.Toolset.create({
    id: 'pushed',
    tools: [],
    setup: async (context) => void opened.then(() => context.updateTools([set(tool)])),
  });
  return { pushed, open };
};

const places: [string, Where][] = [
  ['of the agent', (tool) => ({ agent: () => new WithTools([tool]) })],
  ['of the session', (tool) => ({ agent, options: { tools: [tool] } })],
  ['of a toolset of the agent', (tool) => ({ agent: () => new WithTools([set(tool)]) })],
  ['of a toolset of the session', (tool) => ({ agent, options: { tools: [set(tool)] } })],
  ['of a toolset in a toolset', (tool) => ({ agent: () => new WithTools([set(set(tool))]) })],
  ['of an AsyncToolset of the session', (tool) => ({ agent, options: { tools: [async_(tool)] } })],
  [
    'given in the middle of the call',
    (tool) => ({ agent, later: ({ call }) => void call.session?.currentAgent.updateTools([tool]) }),
  ],
  [
    'pushed by a toolset in the middle of the call',
    (tool) => {
      const { pushed, open } = pushing(tool);
      return { agent: () => new WithTools([pushed]), later: () => open() };
    },
  ],
];

test.each(places)('O-B7 a tool %s that hangs is given up, the model answers, the report has it', async (_, where) => {
  const { later, ...placing } = where(toolNamed('look_up', never));
  await using placed = await place({ ...placing, script: using('look_up'), policy: { toolMs: 300 } });
  await resting(placed);
  later?.(placed);
  placed.says(ASKED);
  await placed.hears('The tool says so');
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  expect(tools).toMatchObject([{ name: 'look_up', status: 'abandoned', error: 'no answer within 300 ms' }]);
});

test.each(places)('O-B7 a tool %s that works is reported once, with its result', async (_, where) => {
  const { later, ...placing } = where(toolNamed('look_up', async () => ({ table: 12 })));
  await using placed = await place({ ...placing, script: using('look_up') });
  await resting(placed);
  later?.(placed);
  placed.says(ASKED);
  await placed.hears('The tool says so');
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  const agentId = placed.call.session?.currentAgent.id;
  expect(tools).toMatchObject([
    { name: 'look_up', status: 'settled', output: { table: 12 }, agent: agentId, background: false },
  ]);
  expect(toldOf(placed)).toEqual(['tool.started', 'tool.ended']);
  nothingOfOurs(placed);
});

test("O-B7 a handoff's agent has the tools of the session, and they are reported as called by it", async () => {
  const next = new WithTools();
  const hand = toolNamed('hand', async () => llm.handoff({ agent: next, returns: 'handed over' }));
  await using placed = await place({
    agent: () => new WithTools([hand]),
    options: { tools: [toolNamed('shared', async () => 'shared')] },
    script: (asked) =>
      asked === ASKED ? { calls: ['hand'] } : asked === 'And now?' ? { calls: ['shared'] } : { say: `${asked}.` },
  });
  placed.says(ASKED);
  await placed.hears('handed over');
  await placed.until('it is handed over', () => placed.of('item').filter(({ role }) => role === 'handoff')[1]);
  placed.says('And now?');
  await placed.hears('shared');
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  expect(tools.map(({ name, status, output }) => ({ name, status, output }))).toEqual([
    { name: 'hand', status: 'settled', output: { handoff: next.id, returns: 'handed over' } },
    { name: 'shared', status: 'settled', output: 'shared' },
  ]);
  expect(lastOf(placed, 'shared')?.agent).toBe(next.id);
});

/** Each reply of it is a call of `look_up`, and the second never comes. */
class CallingRealtime extends SilentRealtime {
  override session(): llm.RealtimeSession {
    const session = super.session();
    session.updateTools = async (tools) => void Reflect.set(session, 'tools', tools);
    const calls = [llm.FunctionCall.create({ callId: 'call-1', name: 'look_up', args: '{}' })];
    session.generateReply = async () => {
      const call = calls.pop();
      if (!call) return never();
      return {
        messageStream: ReadableStream.from([]),
        functionStream: ReadableStream.from([call]),
        userInitiated: true,
      };
    };
    return session;
  }
}

test('O-B7 a tool that a realtime model calls is reported once, with its result', async () => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('look_up', async () => ({ table: 12 }))]),
    options: { llm: new CallingRealtime() },
  });
  await resting(placed);
  placed.call.session?.generateReply();
  await placed.until('it is over', () => toldOf(placed).includes('tool.ended'));
  expect(statusesOf(placed, 'look_up')).toEqual(['started', 'settled']);
  expect(lastOf(placed, 'look_up')).toMatchObject({ output: { table: 12 } });
});

test('O-B7 what the model calls and the SDK does not run is in the report: no such tool, wrong arguments', async () => {
  const strict = llm.tool({
    name: 'strict',
    description: 'Wants a number.',
    parameters: z.object({ number: z.number() }),
    execute: async () => 'never',
  });
  await using placed = await place({ agent: () => new WithTools([strict]), script: using('strict', 'nowhere') });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  expect(tools.map(({ name, status }) => `${name} ${status}`)).toEqual(['strict failed', 'nowhere failed']);
  expect(tools[0]?.error).toContain('Invalid arguments for strict');
  expect(tools[1]?.error).toContain('Unknown function: nowhere');
});

test('O-B7 a model that counts its calls anew in each answer: two calls, two lines in the report', async () => {
  let count = 0;
  await using placed = await place({
    agent: () => new WithTools([toolNamed('count', async () => `number ${(count += 1)}`)]),
    script: (asked) => (asked.startsWith('number') ? { say: `It is ${asked}.` } : { calls: ['count'] }),
  });
  placed.llm.nextCall = () => 'call_0';
  placed.says('One.');
  await placed.hears('It is number 1');
  placed.says('Two.');
  await placed.hears('It is number 2');
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  expect(tools.map(({ call, output }) => `${call} ${JSON.stringify(output)}`)).toEqual([
    'call_0 "number 1"',
    'call_0#2 "number 2"',
  ]);
});

// ── O-B7: left alone ─────────────────────────────────────────────────────────────────────────────────────────────

test('O-B7 a tool gets the very `this`, arguments and context of the bare SDK, and is not changed itself', async () => {
  const seen: { self?: unknown; args?: unknown; context?: llm.ToolOptions } = {};
  const look = llm.tool({
    name: 'look',
    description: 'Looks.',
    parameters: z.object({ day: z.string().default('today') }),
    async execute(this: unknown, args, options) {
      Object.assign(seen, { self: this, args, context: options });
      return 'looked';
    },
  });
  const { execute } = look;
  Object.freeze(look);
  await using placed = await place({ agent: () => new WithTools([look]), script: using('look') });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(seen.self).toBe(look);
  expect(seen.args).toEqual({ day: 'today' });
  expect(seen.context?.ctx).toBeInstanceOf(voice.RunContext);
  expect(seen.context?.ctx.session).toBe(placed.call.session);
  expect(seen.context?.abortSignal.aborted).toBe(false);
  expect(look.execute).toBe(execute);
});

test('O-B7 waiting for the playout and forbidding interruptions work from inside a tool', async () => {
  const order: string[] = [];
  const careful = toolNamed('careful', async ({ ctx }) => {
    ctx.disallowInterruptions();
    order.push(String(ctx.speechHandle.allowInterruptions));
    await ctx.waitForPlayout();
    order.push(placed.heard.some(({ text, isOver }) => text.includes('Let me see') && isOver) ? 'heard' : 'not heard');
    return 'done';
  });
  await using placed = await place({
    agent: () => new WithTools([careful]),
    script: (asked) => (asked === ASKED ? { say: 'Let me see about that.', calls: ['careful'] } : { say: 'It is.' }),
  });
  placed.says(ASKED);
  await placed.hears('It is');
  expect(order).toEqual(['false', 'heard']);
});

test('O-B7 tools of another session in this process are not ours', async () => {
  await using placed = await place({ agent });
  await resting(placed);
  const other = toolNamed('other', async () => 'theirs');
  const { _executor } = llm.AsyncToolset.create({ id: 'theirs', tools: [other] });
  const runCtx = new voice.RunContext(
    new voice.AgentSession({}),
    voice.SpeechHandle.create(),
    llm.FunctionCall.create({ callId: 'theirs', name: 'other', args: '{}' }),
  );
  expect(await _executor.execute({ tool: other as never, runCtx, rawArguments: {} })).toBe('theirs');
  expect(placed.of('tool')).toEqual([]);
});

// ── O-B7: who waits for whom ─────────────────────────────────────────────────────────────────────────────────────

test('O-B7 of two tools one has no words for the model and the other has: the answer is still owed, and comes', async () => {
  const { opened, open } = gate<string>();
  const tools = [toolNamed('note', async () => undefined), toolNamed('book', () => opened)];
  await using placed = await place({ agent: () => new WithTools(tools), script: using('note', 'book') });
  placed.says(ASKED);
  await placed.until('the first is over', () => statusesOf(placed, 'note').includes('settled'));
  expect(placed.job.turns.isAnswerOwed()).toBe(true);
  open('booked');
  await placed.hears('The tool says so');
  expect(toldOf(placed)).toEqual(['tool.started', 'tool.ended']);
});

test.each([
  ['return nothing', async () => undefined],
  [
    'stop the response',
    async () => {
      throw new voice.StopResponse();
    },
  ],
])('O-B7 all tools of a step %s: silence on purpose, no filler and no apology', async (_, execute) => {
  await using placed = await place({
    agent: () => new WithTools([toolNamed('one', execute), toolNamed('two', execute)]),
    script: using('one', 'two'),
    policy: { firstAudioMs: 500 },
  });
  placed.says(ASKED);
  await placed.until('both are over', () => toldOf(placed).includes('tool.ended'));
  await new Promise((resolve) => setTimeout(resolve, 1200)); // longer than firstAudioMs: what the test is about
  expect(placed.job.turns.isAnswerOwed()).toBe(false);
  expect([placed.llm.asked, placed.heard, placed.of('error')]).toEqual([[ASKED], [], []]);
  placed.says('And now?');
  await placed.hears('The tool says so');
  nothingOfOurs(placed);
});

test('O-B10 a handoff to an agent that says nothing at first: no filler, no apology, and it answers', async () => {
  const hand = toolNamed('hand', async () => llm.handoff({ agent: new WithTools() }));
  await using placed = await place({
    agent: () => new WithTools([hand]),
    script: using('hand'),
    policy: { firstAudioMs: 500 },
  });
  placed.says(ASKED);
  await placed.until('it is handed over', () =>
    placed.of('item').find(({ role, text }) => role === 'handoff' && !text),
  );
  await new Promise((resolve) => setTimeout(resolve, 1200)); // longer than firstAudioMs: what the test is about
  expect([placed.llm.asked, placed.heard, placed.of('error')]).toEqual([[ASKED], [], []]);
  placed.says('And now?');
  await placed.hears('The tool says so');
  nothingOfOurs(placed);
});

test('O-B7 the caller interrupts while a tool runs: nobody waits for it, and how it ended is in the report', async () => {
  const { opened, open } = gate<string>();
  await using placed = await place({
    agent: () => new WithTools([toolNamed('slow', () => opened)]),
    script: (asked) => (asked === ASKED ? { calls: ['slow'] } : { say: 'As you wish.' }),
  });
  placed.says(ASKED);
  await placed.until('it runs', () => statusesOf(placed, 'slow').includes('started'));
  placed.call.session?.interrupt();
  await placed.until('nobody waits', () => toldOf(placed).includes('tool.ended'));
  expect(statusesOf(placed, 'slow')).toEqual(['started']);
  placed.says('Never mind.');
  await placed.hears('As you wish');
  open('booked');
  await placed.until('it is over', () => statusesOf(placed, 'slow').includes('settled'));
});

// ── O-B7: toolsets ───────────────────────────────────────────────────────────────────────────────────────────────

test.each([
  ['agent', (toolset: llm.Toolset) => ({ agent: () => new WithTools([toolset]) })],
  ['session', (toolset: llm.Toolset) => ({ agent, options: { tools: [toolset] } })],
] as const)('O-B7 a toolset of the %s hangs in setup and in aclose: the call and its end go on', async (_, where) => {
  const toolset = llm.Toolset.create({ id: 'server', tools: [], setup: never, aclose: never });
  await using placed = await place({ ...where(toolset), script: using(), policy: { toolMs: 300, closeMs: 900 } });
  placed.says('Hello?');
  await placed.hears('The tool says so');
  expect(errorsOf(placed, 'hook setup of toolset server')[0]).toContain('did not settle within 300 ms');
  placed.call.end('done');
  await placed.endedWell({});
  expect(errorsOf(placed, 'hook aclose of toolset server')).toHaveLength(1);
  expect(effectsNamed(placed, 'close', 'settled')).toHaveLength(1);
});

test('O-B7 a toolset whose setup throws: in the report, and the tools beside it work', async () => {
  const broken = llm.Toolset.create({ id: 'broken', tools: [], setup: async () => fails() });
  await using placed = await place({
    agent: () => new WithTools([broken, toolNamed('look', async () => 'seen')]),
    script: using('look'),
  });
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(errorsOf(placed, 'hook setup of toolset broken')).toEqual(['planted']);
});

test('O-B7 a toolset that is pushed in the middle of the call hangs in its setup: its tools come all the same', async () => {
  const { opened, open } = gate();
  const late = llm.Toolset.create({ id: 'late', tools: [toolNamed('look', async () => 'seen')], setup: never });
  const source = llm.Toolset.create({
    id: 'source',
    tools: [],
    setup: async (context) => void opened.then(() => context.updateTools([late])),
  });
  await using placed = await place({
    agent: () => new WithTools([source]),
    script: using('look'),
    policy: { toolMs: 300 },
  });
  await resting(placed);
  open();
  await placed.until('it is given up', () => errorsOf(placed, 'hook setup of toolset late')[0]);
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(statusesOf(placed, 'look')).toEqual(['started', 'settled']);
});

test('O-B7 the start of a tool is on the disk before it runs; a disk that does not answer holds it up for 200 ms', async () => {
  const order: string[] = [];
  const look = toolNamed('look', async () => {
    order.push('runs');
    return 'seen';
  });
  await using placed = await place({ agent: () => new WithTools([look]), script: using('look') });
  const { recorder } = placed.job;
  const durable = recorder.durable.bind(recorder);
  recorder.durable = async () => {
    await durable();
    order.push('durable');
  };
  placed.says(ASKED);
  await placed.hears('The tool says so');
  expect(order.slice(0, 2)).toEqual(['durable', 'runs']);

  recorder.durable = never;
  placed.says(ASKED);
  await placed.until('it ran again', () => statusesOf(placed, 'look').length === 4);
  recorder.durable = durable;
  expect(lastOf(placed, 'look')?.ms).toBeGreaterThanOrEqual(195);
});

// ── O-B8: in the background ──────────────────────────────────────────────────────────────────────────────────────

/** Tells of its progress at once, and works until the gate opens. */
const inBackground = (opened: Promise<unknown>, flags: number = llm.ToolFlag.NONE) =>
  llm.tool({
    name: 'flights',
    description: 'Looks for flights.',
    flags,
    execute: async (_args, { ctx, abortSignal }) => {
      await ctx.update('I am looking for flights.', { template: '{message}' });
      const aborted = new Promise<never>((_resolve, reject) =>
        abortSignal.addEventListener('abort', () => reject(new Error('aborted'))),
      );
      return Promise.race([opened, aborted]);
    },
  });
const traveller = (asked: string) => {
  if (asked === ASKED) return { calls: ['flights'] };
  if (asked.startsWith('I am looking')) return { say: 'I look for flights, go on meanwhile.' };
  if (asked === 'What time is it?') return { say: 'It is nine.' };
  return asked === 'covered' ? {} : { say: `There is ${asked}.` };
};

test('O-B8 background work longer than toolMs: nobody waits, the talk goes on, its result is spoken and reported', async () => {
  const { opened, open } = gate<string>();
  await using placed = await place({
    agent: () => new WithTools([inBackground(opened)]),
    script: traveller,
    policy: { toolMs: 300 },
  });
  placed.says(ASKED);
  await placed.hears('I look for flights');
  expect(toldOf(placed)).toEqual(['tool.started', 'tool.ended']);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // longer than toolMs: what the test is about
  placed.says('What time is it?');
  await placed.hears('It is nine');
  expect(statusesOf(placed, 'flights')).toEqual(['started', 'started']);
  open('a flight at noon');
  await placed.hears('a flight at noon');
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  expect(tools).toMatchObject([
    { name: 'flights', status: 'settled', output: 'a flight at noon', background: true, args: {} },
  ]);
  expect(tools[0]?.ms).toBeGreaterThan(1000);
  expect(toldOf(placed)).toEqual(['tool.started', 'tool.ended']);
  nothingOfOurs(placed);
});

test('O-B8 the model has said it all already and answers the result with nothing: it is not asked again, no apology', async () => {
  const { opened, open } = gate<string>();
  await using placed = await place({
    agent: () => new WithTools([inBackground(opened)]),
    script: traveller,
    policy: { firstAudioMs: 500 },
  });
  placed.says(ASKED);
  const line = await placed.hears('I look for flights');
  await placed.until('it is said', () => line.isOver);
  open('covered');
  await placed.until('the model is asked', () => placed.llm.asked.includes('covered'));
  await new Promise((resolve) => setTimeout(resolve, 1200)); // longer than firstAudioMs: what the test is about
  expect(placed.llm.asked.filter((asked) => asked === 'covered')).toHaveLength(1);
  expect(placed.job.turns.isAnswerOwed()).toBe(false);
  expect(placed.of('error')).toEqual([]);
  nothingOfOurs(placed);
});

test('O-B8 the call ends while a tool works in the background: nobody waits for it, and the report says so', async () => {
  await using placed = await place({ agent: () => new WithTools([inBackground(never())]), script: traveller });
  placed.says(ASKED);
  const line = await placed.hears('I look for flights');
  await placed.until('it is said', () => line.isOver);
  placed.call.end('done');
  const { tools } = await placed.endedWell({});
  expect(tools).toMatchObject([
    { name: 'flights', status: 'abandoned', error: 'the call ended before it answered', background: true },
  ]);
  expect(effectsNamed(placed, 'close', 'settled')).toHaveLength(1);
});

test("O-B8 the model cancels background work with the SDK's own tools: all of it is in the report", async () => {
  await using placed = await place({
    agent: () => new WithTools([inBackground(never(), llm.ToolFlag.CANCELLABLE)]),
    script: (asked) => (asked === 'Stop.' ? { calls: ['lk_agents_get_running_tasks'] } : traveller(asked)),
  });
  placed.says(ASKED);
  await placed.hears('I look for flights');
  placed.says('Stop.');
  await placed.until('they are listed', () => statusesOf(placed, 'lk_agents_get_running_tasks').includes('settled'));
  expect(JSON.stringify(lastOf(placed, 'lk_agents_get_running_tasks')?.output)).toContain('flights');
  const callId = placed.of('tool').find(({ name }) => name === 'flights')?.call ?? '';
  const executor = Reflect.get(placed.job.session ?? {}, '_activity') as {
    _toolExecutor: { cancel(id: string): unknown };
  };
  await executor._toolExecutor.cancel(callId);
  await placed.until('it is cancelled', () => statusesOf(placed, 'flights').includes('abandoned'));
  expect(lastOf(placed, 'flights')).toMatchObject({ error: 'aborted', isBackground: true });
});
