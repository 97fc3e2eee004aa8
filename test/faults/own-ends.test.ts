/** How existing agents end their calls: by the SDK's own means, each of which is the application's request here. */
import { beta, getJobContext, type llm, voice } from '@livekit/agents';
import { RoomServiceClient } from 'livekit-server-sdk';
import { describe, expect, test } from 'vitest';
import { currentCall } from '../../src/livekit/current-call.ts';
import { type Placed, place, type Placing } from './harness.ts';
import { agent, answer, answered, effectsNamed, gate, LONG, resting, toolNamed, WithTools } from './plain.ts';

const BYE = 'Bye then.';
const texts = ({ heard }: Placed) => heard.map(({ text }) => text);
const sessionOf = ({ call }: Placed) => call.session as voice.AgentSession;
const messages = ({ of }: Placed) => of('log').map(({ message }) => message);

/** A call in which the model, told goodbye, calls this tool. */
const withTool = (execute: () => unknown, more: Partial<Placing> = {}): Promise<Placed> =>
  place({
    agent: () => new WithTools([toolNamed('finish', async () => execute())]),
    script: (asked) =>
      asked === BYE ? { calls: ['finish'] } : asked === 'finished' ? { say: 'All right.' } : answer(),
    ...more,
  });

/** The goodbye was heard to its end, one of everything was done, and the job was left last, with the true reason. */
async function parted(placed: Placed, wanted: Parameters<Placed['endedWell']>[0]) {
  const report = await placed.endedWell(wanted);
  const goodbye = placed.heard.at(-1);
  expect(goodbye).toMatchObject({ text: 'Goodbye now.', isOver: true, isCut: false });
  expect(report.alsoTriggered).toEqual([]);
  expect(report.errors).toEqual([]);
  for (const effect of ['hangUp', 'close', 'sendReport']) expect(effectsNamed(placed, effect)).toHaveLength(1);
  await placed.until('the job is left', () => placed.askedOfJob.length > 0);
  expect(placed.askedOfJob).toEqual([{ what: 'shutdown', with: report.end.reason }]);
  return report;
}

const client = () => new RoomServiceClient('http://127.0.0.1:9', 'key', 'secret');

describe('O-E1 to O-E5 each of the SDK’s ways ends the call as call.end does', () => {
  const ways: [how: string, (placed: Placed) => unknown, wanted: Parameters<Placed['endedWell']>[0]][] = [
    [
      'O-E1 ctx.shutdown',
      ({ context }) => context.shutdown('caller is done'),
      { reason: 'caller is done', strategy: 'leave' },
    ],
    ['O-E1 ctx.shutdown without a reason', ({ context }) => context.shutdown(), { strategy: 'leave' }],
    ['O-E2 session.shutdown', (placed) => sessionOf(placed).shutdown({ drain: true }), {}],
    [
      'O-E2 session.shutdown with a reason',
      (placed) => sessionOf(placed).shutdown({ reason: 'sold' }),
      { reason: 'sold' },
    ],
    ['O-E2 session.shutdown without drain', (placed) => sessionOf(placed).shutdown({ drain: false }), {}],
    ['session.close', (placed) => sessionOf(placed).close(), {}],
    ['O-E4 room.disconnect', ({ context }) => context.room.disconnect(), { strategy: 'leave' }],
    ['O-E5 ctx.deleteRoom', ({ context }) => context.deleteRoom(), {}],
    ['O-E5 RoomServiceClient.deleteRoom', () => client().deleteRoom('room'), {}],
    [
      'RoomServiceClient.removeParticipant',
      () => client().removeParticipant('room', 'caller'),
      { strategy: 'remove-caller' },
    ],
  ];

  test.each(ways)('%s, in a tool that awaits it', async (how, end, wanted) => {
    const placing: { placed?: Placed } = {};
    await using placed = await withTool(async () => {
      await end(placing.placed as Placed);
      return 'finished';
    });
    placing.placed = placed;
    placed.says(BYE);
    const detail = how.split(' ').find((word) => word.includes('.')) ?? '';
    await parted(placed, { reason: 'agent_ended', strategy: 'delete-room', detail, ...wanted });
    // It returned at once: what the model makes of it would be a word after the end.
    expect(placed.of('tool').map(({ status }) => status)).toEqual(['started', 'settled']);
    expect(placed.of('tool').at(-1)?.ms).toBeLessThan(500);
  });

  test.each(ways)(
    '%s, outside: it returns at once, and what it promises settles when all is over',
    async (_, end, wanted) => {
      await using placed = await place({ agent, script: answer });
      await answered(placed);
      await resting(placed);
      const returned = end(placed);
      if (returned instanceof Promise) {
        await returned;
        expect(placed.of('session.closed')).toHaveLength(1);
      }
      // What they do with it is over, or the job would wait for them.
      void placed.run.closed.then(() => placed.context.shutdown('they are done'));
      await parted(placed, { reason: 'agent_ended', strategy: 'delete-room', ...wanted });
    },
  );
});

test('O-E2 shutdown drains: what plays may finish, and is cut without it', async () => {
  for (const drain of [true, false]) {
    await using placed = await place({ agent, script: () => ({ say: LONG.slice(0, 90) }) });
    placed.says('Talk.');
    const talk = await placed.hears('This goes on');
    sessionOf(placed).shutdown({ drain });
    await placed.endedWell({ reason: 'agent_ended' });
    expect(talk.isCut).toBe(!drain);
  }
});

describe('W6 a farewell of the application’s own is heard whole before the call ends', () => {
  const farewell = LONG; // 3.6 s, with 1 s to drain
  const say = () => currentCall().session?.say(farewell, { allowInterruptions: false });

  test.each([
    ['session.shutdown', () => currentCall().session?.shutdown()],
    ['session.shutdown and close', async () => (currentCall().session?.shutdown(), currentCall().session?.close())],
    ['ctx.shutdown', () => getJobContext().shutdown('done')],
    ['room.disconnect', () => currentCall().room.disconnect()],
  ])('%s in a tool, and the model has no word after it', async (_, end) => {
    await using placed = await withTool(
      async () => {
        say();
        await end();
        return 'finished';
      },
      { goodbye: 'none' },
    );
    placed.says(BYE);
    const { alsoTriggered } = await placed.endedWell({ reason: expect.any(String) as never, goodbye: null });
    expect(placed.heard).toMatchObject([{ text: farewell, isOver: true, isCut: false }]);
    expect(alsoTriggered).toEqual([]);
    expect(placed.llm.asked).toEqual([BYE]);
  });

  test('a caller who leaves in the middle of it has hung up', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    await resting(placed);
    sessionOf(placed).say(farewell);
    sessionOf(placed).shutdown();
    await placed.hears('This goes on');
    placed.leaves();
    await placed.endedWell({
      reason: 'caller_hung_up',
      by: 'caller',
      goodbye: 'skipped',
      fault: expect.anything() as never,
    });
  });
});

test('W2 a later call without drain cuts nothing, and its reason is told', async () => {
  await using placed = await place({ agent, script: () => ({ say: LONG.slice(0, 90) }) });
  placed.says('Talk.');
  const talk = await placed.hears('This goes on');
  sessionOf(placed).shutdown();
  sessionOf(placed).shutdown({ drain: false, reason: 'later' });
  const { alsoTriggered } = await placed.endedWell({ reason: 'agent_ended' });
  expect(talk).toMatchObject({ isOver: true, isCut: false });
  expect(alsoTriggered.map(({ reason }) => reason)).toEqual(['later']);
});

test('O-E3 shutdown and then an awaited close, in a tool: it returns at once, and nothing is shortened', async () => {
  await using placed = await withTool(async () => {
    const session = currentCall().session as voice.AgentSession;
    session.shutdown();
    await session.close();
    return 'finished';
  });
  placed.says(BYE);
  await parted(placed, { reason: 'agent_ended', detail: 'session.shutdown' });
  expect(effectsNamed(placed, 'drain', 'settled')).toHaveLength(1);
  expect(messages(placed)).toContain('asked for an end that is under way');
  expect(texts(placed)).toEqual(['Goodbye now.']);
});

test('a close that nobody’s tool awaits settles when all is over, and what is asked afterwards works', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  await resting(placed);
  await sessionOf(placed).close();
  expect(placed.of('session.closed')).toHaveLength(1);
  expect(sessionOf(placed).history.items.length).toBeGreaterThan(0);
  const report = placed.context.makeSessionReport();
  expect(report.chatHistory.items.length).toBe(sessionOf(placed).history.items.length);
  // The process stays for what they do with it, until they say that they are done.
  expect(placed.askedOfJob).toEqual([]);
  placed.context.shutdown('mine');
  await placed.until('the job is left', () => placed.askedOfJob.length > 0);
  expect(placed.askedOfJob).toEqual([{ what: 'shutdown', with: 'agent_ended' }]);
});

test('in a hook a close returns at once as well', async () => {
  const { opened, open } = gate<boolean>();
  class Leaving extends WithTools {
    override async onUserTurnCompleted() {
      await this.session.close();
      open(placed.run.hasTag('released'));
    }
  }
  await using placed = await place({ agent: () => new Leaving(), script: answer });
  placed.says(BYE);
  expect(await opened).toBe(false);
  await parted(placed, { reason: 'agent_ended' });
});

describe('what is none of ours goes by untouched', () => {
  test('another session closes by itself, and another room is deleted', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    const other = new voice.AgentSession({});
    await other.close();
    other.shutdown();
    await placed.context.deleteRoom('another-room');
    expect(placed.askedOfJob).toEqual([{ what: 'deleteRoom', with: 'another-room' }]);
    await expect(client().deleteRoom('another-room')).rejects.toThrow();
    await expect(client().removeParticipant('room', 'somebody else')).rejects.toThrow();
    const elsewhere = new RoomServiceClient('http://127.0.0.1:8', 'key', 'secret');
    await expect(elsewhere.deleteRoom('room')).rejects.toThrow();
    expect(placed.run.hasTag('live')).toBe(true);
  });

  test('a session that the SDK closes for an error is no request of the application', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    await resting(placed);
    sessionOf(placed)._closeSoon({ reason: voice.CloseReason.ERROR });
    const { end } = await placed.report();
    expect(end).toMatchObject({ by: 'system', reason: 'model_failed' });
  });

  test('the SDK finishes the job: its close and its disconnect lead where they always led', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    placed.call.end('done');
    await placed.run.closed;
    await sessionOf(placed).close();
    await placed.context.room.disconnect();
    expect(placed.askedOfJob.map(({ what }) => what)).toContain('disconnect');
    const { alsoTriggered } = await placed.endedWell({});
    expect(alsoTriggered).toEqual([]);
  });
});

describe('what becomes of the room', () => {
  const hangUp = { normal: 'remove-caller' } as const;
  test('W4 the definition’s word on normal ends holds for ctx.shutdown, too; ctx.deleteRoom deletes', async () => {
    const ways = [
      [({ context }: Placed) => context.shutdown('done'), 'remove-caller'],
      [({ context }: Placed) => context.deleteRoom(), 'delete-room'],
    ] as const;
    for (const [end, strategy] of ways) {
      await using placed = await place({ agent, script: answer, hangUp });
      await answered(placed);
      void end(placed);
      expect((await placed.report()).hangUp).toMatchObject({ strategy, outcome: 'verified' });
    }
  });

  test('W4 ctx.shutdown and a deletion beside it: the room is deleted, once, and by us', async () => {
    await using placed = await withTool(async () => {
      const { context } = currentCall();
      context.shutdown('done');
      await context.deleteRoom();
    });
    placed.says(BYE);
    await parted(placed, { reason: 'done', strategy: 'delete-room' });
  });

  test('W4 ctx.shutdown, and a deletion in what follows the end: it is carried out', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    placed.context.shutdown('done');
    await placed.run.closed;
    await placed.context.deleteRoom();
    expect(placed.askedOfJob).toContainEqual({ what: 'deleteRoom', with: 'room' });
    expect((await placed.endedWell({ strategy: 'leave' })).alsoTriggered).toEqual([]);
  });

  test('W4 a strategy that was chosen holds against later deletions', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    placed.call.end('done', { hangUp: 'leave' });
    await placed.context.deleteRoom();
    await placed.context.deleteRoom();
    await placed.endedWell({ strategy: 'leave' });
    expect(placed.askedOfJob.map(({ what }) => what)).not.toContain('deleteRoom');
  });

  test('a listener of Close that shuts the job down, deletes the room and sends its own report: nothing twice, nothing lost', async () => {
    const { opened, open } = gate();
    const sent: unknown[] = [];
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    sessionOf(placed).on(voice.AgentSessionEventTypes.Close, async () => {
      const { context } = placed;
      await context.deleteRoom();
      context.shutdown('closed');
      await opened;
      sent.push(context.makeSessionReport().jobId);
    });
    placed.call.end('done');
    await placed.run.closed;
    expect(placed.askedOfJob).toEqual([]); // the job waits for the listener
    open();
    await placed.until('the job is left', () => placed.askedOfJob.length > 0);
    expect(sent).toEqual([placed.call.id]);
    expect(placed.askedOfJob).toEqual([{ what: 'shutdown', with: 'done' }]);
    const { alsoTriggered } = await placed.endedWell({});
    expect(alsoTriggered).toEqual([]);
  });
});

describe('O-E7 call.end chooses how the caller is let go', () => {
  test.each(['leave', 'delete-room', 'remove-sip', 'remove-caller'] as const)('%s', async (hangUp) => {
    await using placed = await place({ agent, script: answer, hangUp: { normal: 'remove-caller' } });
    await answered(placed);
    placed.call.end('done', { hangUp });
    await placed.endedWell({ strategy: hangUp });
    expect(placed.of('session.closed')[0]?.end.hangUp).toBe(hangUp); // whoever takes over after a crash finds it
  });

  test('any other word is refused with what was expected, and the call ends all the same', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    placed.call.end('done', { hangUp: 'delete' as never });
    const { errors } = await placed.endedWell({ strategy: 'delete-room' });
    expect(errors).toMatchObject([
      { message: `call.end: hangUp: expected one of delete-room, remove-sip, remove-caller, leave, got "delete"` },
    ]);
  });
});

describe('O-E6 the SDK’s createEndCallTool', () => {
  const FAREWELL = 'It was nice to talk to you.';
  const called = (options: Parameters<typeof beta.createEndCallTool>[0] = {}, more: Partial<Placing> = {}) =>
    place({
      agent: () => new WithTools([beta.createEndCallTool(options)] as llm.ToolContextLike),
      script: (asked) =>
        asked === BYE ? { calls: ['end_call'] } : asked === 'say goodbye to the user' ? { say: FAREWELL } : answer(),
      ...more,
    });

  test('its farewell is the goodbye and is heard whole; ours is skipped, with why; nothing is deleted twice', async () => {
    await using placed = await called();
    placed.says(BYE);
    const report = await placed.endedWell({
      reason: 'agent_ended',
      detail: 'createEndCallTool',
      goodbye: 'skipped',
      strategy: 'delete-room',
    });
    expect(report.goodbye?.why).toBe("the model's own farewell was the goodbye");
    expect(placed.heard).toMatchObject([{ text: FAREWELL, isOver: true, isCut: false }]);
    // As after a goodbye of ours: the ear is a little behind. 100 ms, by a clock that looks a little later than this one.
    expect((placed.hangUp()?.at ?? 0) - (placed.heard[0]?.overAt ?? Infinity)).toBeGreaterThanOrEqual(80);
    expect(report.alsoTriggered).toEqual([]);
    await placed.until('the job is left', () => placed.askedOfJob.length > 0);
    await Promise.all(placed.context.shutdownCallbacks.map((callback) => callback()));
    expect(placed.askedOfJob).toEqual([{ what: 'shutdown', with: 'agent_ended' }]);
  });

  test('without a farewell ours is said', async () => {
    await using placed = await called({ endInstructions: null });
    placed.says(BYE);
    await placed.endedWell({ reason: 'agent_ended', goodbye: 'played' });
    expect(texts(placed)).toEqual(['Goodbye now.']);
  });

  test('with deleteRoom: false the room is left to the others', async () => {
    await using placed = await called({ deleteRoom: false });
    placed.says(BYE);
    await placed.endedWell({ reason: 'agent_ended', goodbye: 'skipped', strategy: 'leave' });
  });

  test('its callback obeys a strategy that was chosen', async () => {
    await using placed = await called({}, { hangUp: { normal: 'leave' } });
    placed.says(BYE);
    await placed.endedWell({ reason: 'agent_ended', goodbye: 'skipped', strategy: 'leave' });
    await placed.until('the job is left', () => placed.askedOfJob.length > 0);
    await Promise.all(placed.context.shutdownCallbacks.map((callback) => callback()));
    expect(placed.askedOfJob.map(({ what }) => what)).not.toContain('deleteRoom');
    expect(messages(placed)).toContain('a deletion of the room was not carried out: the call was hung up on already');
  });

  test('its hooks are told, and what they throw takes nothing from the end', async () => {
    const told: string[] = [];
    await using placed = await called({
      onToolCalled: () => void told.push('called'),
      onToolCompleted: () => {
        told.push('completed');
        throw new Error('planted');
      },
    });
    placed.says(BYE);
    await placed.report();
    expect(told).toEqual(['called', 'completed']);
    expect((await placed.report()).end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  });
});

test('getJobContext in a tool is the call’s own context, so what is asked of it is seen', async () => {
  await using placed = await withTool(() => getJobContext().shutdown('from the SDK'));
  placed.says(BYE);
  await parted(placed, { reason: 'from the SDK', strategy: 'leave' });
});

test('session.close where nothing is left to say closes at once: an agent that was to be next is not entered', async () => {
  const entered: string[] = [];
  class Next extends voice.Agent {
    override async onEnter(): Promise<void> {
      entered.push('next');
    }
  }
  await using placed = await place({ agent, script: () => ({ say: LONG }), goodbye: 'none' });
  placed.says('Talk.');
  const talk = await placed.hears('This goes on');
  const session = sessionOf(placed);
  session.updateAgent(new Next({ instructions: 'None.' }));
  await session.close();
  expect(placed.of('session.closed')).toHaveLength(1);
  void placed.run.closed.then(() => placed.context.shutdown('they are done'));
  const report = await placed.endedWell({ reason: 'agent_ended', goodbye: null });
  expect(talk.isCut).toBe(true);
  expect(entered).toEqual([]);
  expect(report.errors).toEqual([]);
  expect(effectsNamed(placed, 'hangUp')).toHaveLength(1);
});
