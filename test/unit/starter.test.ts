/** In a process that another one forked, as vitest's are: the channel to it is what is looked at. */
import { expect, it, vi } from 'vitest';
import { whenStarterIsGone } from '../../src/link/starter.ts';

it('who waits for its starter may end before it, and who forgets it is held by the channel as before', () => {
  const { channel } = process;
  if (!channel) throw new Error('this process has no channel');
  expect(process.listenerCount('message'), 'somebody listens').toBeGreaterThan(0);
  const listening = process.listenerCount('disconnect');
  const [holds, lets] = [vi.spyOn(channel, 'ref'), vi.spyOn(channel, 'unref')];
  const forget = whenStarterIsGone(() => undefined);
  expect(lets).toHaveBeenCalledTimes(1);
  expect(process.listenerCount('disconnect')).toBe(listening + 1);
  forget();
  expect(process.listenerCount('disconnect')).toBe(listening);
  expect(holds).toHaveBeenCalledTimes(1);
});
