/** What the user's code opened beside the call, and what becomes of it when the call is over. */
import { expect, test } from 'vitest';
import { place } from './harness.ts';
import { fails, never, WithTools } from './plain.ts';

const agent = () => new WithTools();

test('C16 what was opened beside the call is released after the hang-up, and what hangs or fails is named in the report', async () => {
  await using placed = await place({ agent, policy: { closeMs: 900 } });
  await placed.until('talking', () => placed.run.leaves().includes('live.conversing.dialogue.active.quiet'));
  const released: string[] = [];
  let heardBefore = -1;
  placed.call.onClose('booking', async () => {
    heardBefore = placed.hangUp()?.heard ?? -1;
    released.push('booking');
  });
  placed.call.onClose('recording', fails);
  placed.call.onClose('database', never);
  expect(() => placed.call.onClose('nothing', undefined as never)).toThrow(/expected a function, got nothing/);
  placed.call.end('done');
  const { end, errors, hangUp } = await placed.report();
  expect(end.reason).toBe('done');
  expect(hangUp?.outcome).toBe('verified');
  expect(released).toEqual(['booking']);
  expect(heardBefore).toBe(1); // the goodbye, and the caller was gone
  expect(errors).toMatchObject([
    { component: 'release recording', message: 'planted' },
    { component: 'release database', message: 'had not settled 810 ms after the hang-up' },
  ]);
});

test('C16 what is opened when the call is over already is released at once', async () => {
  await using placed = await place({ agent });
  placed.call.end('done');
  await placed.report();
  let isReleased = false;
  placed.call.onClose('late', () => (isReleased = true));
  expect(isReleased).toBe(true);
});
