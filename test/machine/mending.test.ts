/** A session that fails in the middle of a call: mended once in a minute, and what cannot be mended ends as ever. */
import { expect, test } from 'vitest';
import { endOf } from '../../machines/index.ts';
import { done, failed, over, walk } from './walk.ts';

const mending = 'live.conversing.session.mending';
const waiting = 'live.conversing.dialogue.waiting.clock';
const end = endOf('system', 'model_failed', 'provider', 'llm: 503');
const fails = { type: 'session.failed', end, isMendable: true };
const waits = { type: 'caller.waits', awaits: 'llm', isTurn: true };
const toBundled = [
  waits,
  over('firstAudioMs', `${waiting}.unanswered`),
  failed(`${waiting}.fillingLive`), // the live voice does not work
];

test('a model that fails while the caller waits is asked again, and the caller goes on waiting by the same clock', () => {
  const { asked, context, isAt } = walk([waits, fails]);
  expect(asked).toEqual(['mend']);
  expect(context.end).toBeNull();
  expect(isAt(`${waiting}.unanswered`)).toBe(true);
  expect(walk([waits, fails, done(mending)]).isAt('live.conversing.session.mended')).toBe(true);
});

test('a second failure within a minute ends the call with the apology; after it, it is mended again', () => {
  const second = walk([waits, fails, done(mending), fails]);
  expect(second.isAt('runtimeFailed.live.unheard')).toBe(true);
  expect(second.context.end).toEqual(end);
  const later = walk([waits, fails, done(mending), over('mendAgainMs', 'live.conversing.session.mended'), fails]);
  expect(later.isAt(mending)).toBe(true);
});

test.each([
  ['fails', failed(mending)],
  ['is late', over('mendMs', mending)],
])('a mending that %s ends the call for the reason of the failure', (_how, event) => {
  const { context, isAt } = walk([waits, fails, event]);
  expect(context.end).toEqual(end);
  expect(isAt('runtimeFailed.live.unheard')).toBe(true);
});

test('while the caller is lost, a mending that fails lets go of a line on which nobody is', () => {
  const { context, isAt } = walk([{ type: 'caller.lost' }, fails, failed(mending)]);
  expect(isAt('exiting.hangingUp')).toBe(true);
  expect(context.end).toEqual(end);
});

test('a failure in the middle of the last filler is mended as well, and ends at once when it cannot be', () => {
  const { context, isAt } = walk([...toBundled, fails]);
  expect(isAt(mending)).toBe(true);
  expect(isAt(`${waiting}.fillingBundled`)).toBe(true);
  expect(context.end).toBeNull();
  expect(walk([...toBundled, fails, failed(mending)]).isAt('exiting.hangingUp')).toBe(true);
});

test('what cannot work a second time is not mended', () => {
  const final = { type: 'session.failed', end };
  expect(walk([waits, final]).isAt('runtimeFailed.live.unheard')).toBe(true);
  expect(walk([waits, fails, final]).isAt('runtimeFailed.live.unheard')).toBe(true); // nor in the middle of a mending
  expect(walk([...toBundled, final]).isAt('exiting.hangingUp')).toBe(true);
});

test('a start that fails is not mended: nobody has heard the agent yet', () => {
  const { isAt } = walk([fails], {}, 'ring');
  expect(isAt('startupFailed.live.unheard')).toBe(true);
});

test('whoever ends the call in the meantime ends it', () => {
  const { context, isAt } = walk([fails, { type: 'caller.left', end: endOf('caller', 'caller_hung_up') }]);
  expect(isAt('exiting.hangingUp')).toBe(true);
  expect(context.end?.reason).toBe('caller_hung_up');
  expect(context.alsoTriggered).toEqual([]);
});
