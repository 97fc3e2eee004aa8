/** A call of so many entries: turn after turn of a real machine on the virtual clock. */
import type { Entry } from '../../src/journal/entry.ts';
import { VirtualSession } from '../contract/virtual-session.ts';

export async function longCall(count: number): Promise<Entry[]> {
  const call = await new VirtualSession({ policy: { maxDurationMs: 7_200_000 } }).converse();
  while (call.entries.length < count) {
    call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
    await call.clock.advance(800);
    call.send({ type: 'agent.audible' });
    await call.clock.advance(1_500);
    call.send({ type: 'dialogue.moved' });
    call.note('item', {
      id: `i${call.entries.length}`,
      role: 'assistant',
      text: 'A sentence of the usual length, said to somebody.',
      interrupted: false,
      createdAt: 1,
    });
  }
  return call.entries;
}
