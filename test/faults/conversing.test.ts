/** What the user's own detectors find out: a machine that answered, hold music. */
import { expect, test } from 'vitest';
import { expectEndedWell } from '../contract/ended-well.ts';
import { place } from './harness.ts';
import { WithTools } from './plain.ts';

const agent = () => new WithTools();
const answer = () => ({ say: 'It is nine.' });
const MESSAGE = 'Please call us back.';

test('F5 a machine answered: the call ends as voicemail, with the message that was written for it and no other word', async () => {
  await using placed = await place({ agent, script: answer, voicemail: { goodbye: { say: MESSAGE } } });
  placed.says('What time is it?');
  await placed.hears('It is nine');
  placed.call.report('voicemail');
  const report = await placed.report();
  expectEndedWell(
    { reports: [report] },
    { reason: 'voicemail', by: 'caller', stage: 'conversing', fault: 'none', goodbye: 'played' },
  );
  expect(placed.heard.map(({ text }) => text)).toEqual(['It is nine.', MESSAGE]);
});

test('F5 a machine answered and nothing is to be left on it: no goodbye, although callers hear one', async () => {
  await using placed = await place({ agent, script: answer });
  placed.says('What time is it?');
  await placed.hears('It is nine');
  placed.call.report('voicemail');
  const report = await placed.report();
  expectEndedWell(
    { reports: [report] },
    { reason: 'voicemail', by: 'caller', stage: 'conversing', fault: 'none', goodbye: null },
  );
  expect(placed.heard).toHaveLength(1);
});

test('G3 hold music: nothing of it is answered, nobody is nudged, and the call ends as on_hold', async () => {
  await using placed = await place({ agent, script: answer, policy: { holdMs: 700, idleMs: 200, nudges: 5 } });
  placed.says('What time is it?');
  await placed.hears('It is nine');
  placed.call.report('hold_music');
  await placed.until('held', () => placed.run.leaves().includes('live.conversing.dialogue.held'));
  expect(placed.call.session?.input.audioEnabled).toBe(false);
  const report = await placed.report();
  expectEndedWell(
    { reports: [report] },
    { reason: 'on_hold', by: 'limit', stage: 'conversing', fault: 'caller', goodbye: null },
  );
  expect(placed.heard).toHaveLength(1);
});

test('G3 a human is back: the input is open again and the conversation goes on', async () => {
  await using placed = await place({ agent, script: answer, policy: { holdMs: 5000 } });
  placed.says('What time is it?');
  await placed.hears('It is nine');
  placed.call.report('hold_music');
  placed.call.report('human');
  await placed.until('talking', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  expect(placed.call.session?.input.audioEnabled).toBe(true);
  placed.says('And now?');
  await placed.until('the second answer', () => placed.heard.length === 2);
});

test('what is no finding is told in the log and changes nothing', async () => {
  await using placed = await place({ agent, script: answer });
  placed.says('What time is it?');
  await placed.hears('It is nine');
  const before = placed.run.leaves();
  placed.call.report('fax' as 'human');
  placed.call.report(undefined as unknown as 'human');
  expect(placed.run.leaves()).toEqual(before);
});

test('D2 an answer that ended while its caller was away: they are asked whether they are there, and nothing is blamed on the model', async () => {
  await using placed = await place({ agent, script: answer, policy: { firstAudioMs: 300 } });
  placed.says('What time is it?');
  await placed.until('waiting', () => placed.run.leaves().some((leaf) => leaf.includes('dialogue.waiting')));
  placed.isLost();
  await placed.until('the whole answer', () => placed.heard[0]?.isOver === true);
  await placed.until('told', () => placed.of('event').at(-1)?.type === 'dialogue.moved'); // after the loss
  placed.returns();
  await placed.hears('Are you still there?');
  placed.says('And now?');
  await placed.until('the second answer', () => placed.heard.filter(({ text }) => text.includes('nine')).length === 2);
  placed.leaves();
  expectEndedWell(
    { reports: [await placed.report()] },
    { reason: 'caller_hung_up', by: 'caller', stage: 'conversing', fault: 'none', goodbye: 'skipped' },
  );
});
