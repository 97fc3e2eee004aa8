/** A provider that fails for good in the middle of a call: asked or opened once more before the call ends for it. */
import { APIStatusError, voice } from '@livekit/agents';
import { describe, expect, test } from 'vitest';
import { expectEndedWell } from '../contract/ended-well.ts';
import { place, type Placed } from './harness.ts';
import { SilentRealtime } from './models.ts';
import { agent, answer, answered } from './plain.ts';

const ASKED = 'What time is it?';
/** No error of an API: the SDK does not try again by itself, which takes it six seconds. */
const gone = () => new Error('planted');
const refused = () => new APIStatusError({ message: 'planted', options: { statusCode: 401 } });
const mends = ({ of }: Placed) => of('effect').filter(({ name, phase }) => name === 'mend' && phase === 'settled');
const modelFailed = { reason: 'model_failed', by: 'system', stage: 'conversing', goodbye: 'skipped' } as const;
/** The first question fails so often, with this; then it is answered. */
const failing = (times: number, error: Error) => {
  let asked = 0;
  return () => ((asked += 1) <= times ? { error } : { say: 'It is nine.' });
};

describe('T1 a model that fails for good', () => {
  test('is asked once more for the answer that it owes; the caller hears it, and the call goes on', async () => {
    await using placed = await place({ agent, script: failing(1, gone()) });
    placed.says(ASKED);
    await placed.hears('It is nine');
    await answered(placed);
    placed.call.end('done');
    const { errors, warnings } = await placed.endedWell({});
    expect(placed.llm.asked).toEqual([ASKED, ASKED, ASKED]);
    expect(mends(placed)).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(warnings).toMatchObject([{ component: 'llm', message: 'planted', recoverable: true }]);
  });

  test('a second time within a minute: the apology, and the report names it as often as it failed', async () => {
    await using placed = await place({ agent, script: failing(2, gone()) });
    placed.says(ASKED);
    const { errors } = await placed.endedWell({ ...modelFailed, fault: 'provider', apology: 'live' });
    expect(placed.llm.asked).toEqual([ASKED, ASKED]);
    expect(errors).toMatchObject([{ component: 'llm', recoverable: false, times: 2 }]);
  });

  test('because it refuses (401) is not asked again', async () => {
    await using placed = await place({ agent, script: failing(1, refused()) });
    placed.says(ASKED);
    await placed.endedWell({ ...modelFailed, fault: 'provider', apology: 'live' });
    expect(placed.llm.asked).toEqual([ASKED]);
    expect(mends(placed)).toEqual([]);
  });

  test('while its caller speaks again: what they say now is answered, and nothing beside it', async () => {
    await using placed = await place({ agent, script: failing(1, gone()) });
    placed.says(ASKED);
    await placed.until('it is being mended', () => placed.run.hasTag('mending'));
    placed.starts('And');
    await placed.until('it is mended', () => mends(placed).length === 1);
    placed.says('And the date?');
    await placed.hears('It is nine');
    placed.call.end('done');
    await placed.endedWell({});
    expect(placed.llm.asked).toEqual([ASKED, 'And the date?']);
  });
});

test('T8 a voice that gives no sound: the answer is asked for again, of a model that is told it was not heard', async () => {
  await using placed = await place({ agent, script: answer });
  placed.tts.isMute = true;
  placed.says(ASKED);
  await placed.until('it was tried', () => placed.tts.asked.length === 1);
  placed.tts.isMute = false;
  await placed.hears('It is nine');
  expect(placed.llm.instructed).toHaveLength(2);
  expect(placed.llm.instructed[0]).not.toContain('Nothing of your last answer was heard');
  expect(placed.llm.instructed[1]).toContain('Nothing of your last answer was heard');
  placed.call.end('done');
  await placed.endedWell({});
});

describe('T9 a recognition that reports an error, over which the SDK would close the session', () => {
  test('is opened again with the audio that follows: the session never closes, and the next question is answered', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    let closed = 0;
    placed.job.session?.on(voice.AgentSessionEventTypes.Close, () => (closed += 1));
    placed.ears.fail(gone());
    await placed.until('it is opened again', () => placed.ears.opened === 2);
    await answered(placed);
    expect(closed).toBe(0);
    expect(mends(placed)).toEqual([]); // there was nothing to mend for the machine
    placed.call.end('done');
    const { errors, warnings } = await placed.endedWell({});
    expect(errors).toEqual([]);
    expect(warnings).toMatchObject([{ component: 'stt', recoverable: true }]);
  });

  test('and again, without a word between them: the error branch', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    placed.ears.fail(gone());
    await placed.until('it is opened again', () => placed.ears.opened === 2);
    placed.ears.fail(gone());
    expectEndedWell({ reports: [await placed.report()] }, { ...modelFailed, fault: 'provider', apology: 'live' });
  });

  test('because it refuses (401) is not opened again', async () => {
    await using placed = await place({ agent, script: answer });
    await answered(placed);
    placed.ears.fail(refused());
    expectEndedWell({ reports: [await placed.report()] }, { ...modelFailed, fault: 'provider', apology: 'live' });
    expect(placed.ears.opened).toBe(1);
  });
});

describe('G7 a realtime model that is gone for good', () => {
  /** As a plugin tells of it, over the session that the SDK opened with the model. */
  const placedOn = async (goesElsewhere?: (signal: AbortSignal) => Promise<never>) => {
    const model = new SilentRealtime();
    const placed = await place({ agent, options: { llm: model }, policy: { mendMs: 500 } });
    if (goesElsewhere) placed.job.goesElsewhere = goesElsewhere;
    await placed.until('the greeting to be over', () => placed.run.hasTag('calm'));
    let closed = 0;
    placed.call.session?.on(voice.AgentSessionEventTypes.Close, () => (closed += 1));
    const fails = (error: Error) =>
      model.opened.at(-1)?.emit('error', {
        type: 'realtime_model_error',
        timestamp: 0,
        label: 'planted',
        error,
        recoverable: false,
      });
    return Object.assign(placed, { fails, closed: () => closed });
  };
  const isClosing = ({ call }: Placed) => (call.session as unknown as { closing: boolean }).closing;
  const late = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('nobody had it'))));

  test('is nobody’s end: another job is asked for, and the user’s `close` is not told meanwhile', async () => {
    const asked: AbortSignal[] = [];
    let meanwhile: unknown; // at the end of `mendMs`: the SDK's own field, for it takes long to tell of its close
    await using placed = await placedOn((signal) => {
      asked.push(signal);
      signal.addEventListener('abort', () => (meanwhile = [isClosing(placed), placed.closed()]), { once: true });
      return late(signal);
    });
    placed.fails(gone());
    await placed.until('another job is asked for', () => asked[0]);
    expect([placed.run.hasTag('mending'), asked[0]?.aborted]).toEqual([true, false]);
    const { errors } = await placed.endedWell({ ...modelFailed, fault: 'provider', apology: 'live' });
    expect([asked[0]?.aborted, meanwhile, errors[0]?.message]).toEqual([true, [false, 0], 'planted']);
  });

  test('ends the call with the apology where no other job may have it, or where the model refuses', async () => {
    await using alone = await placedOn();
    alone.fails(gone());
    await alone.endedWell({ ...modelFailed, fault: 'provider', apology: 'live' });
    await using denied = await placedOn(late);
    denied.fails(refused());
    await denied.endedWell({ ...modelFailed, fault: 'provider', apology: 'live' });
    expect([mends(alone), mends(denied)]).toEqual([[], []]);
  });
});
