/**
 * Two clocks of a world in which everything takes a millisecond, put back between the observers and the machine. With
 * either of them the lane has to be red: `planted.test.ts` holds it to that, and `LASTWORD_PLANT=filled` (or `idle`)
 * plants one into every call of the lane.
 *
 *   filled   silence is failure: whoever is owed an answer waits for one filler and as long again, whatever is at work
 *   idle     who is heard is remembered, and not asked: the agent's first sound begins the caller's quiet, and a tool
 *            that runs is no life
 */
import { endOf, type SessionEvent } from '../../../machines/index.ts';

export type Plant = 'filled' | 'idle';
export const plants: readonly Plant[] = ['filled', 'idle'];
type Send = (event: SessionEvent) => void;
type Clock = { setTimeout: (fire: () => void, ms: number) => unknown; clearTimeout: (timer: never) => void };

/** Three seconds, a filler, and three more. */
const FILLED_MS = 6200;

export function planted(plant: Plant | undefined, send: Send, time: Clock = globalThis): Send {
  if (plant === 'idle') {
    return (event) => {
      if (event.type === 'tool.started' || event.type === 'tool.ended') return;
      send(event);
      if (event.type === 'agent.audible') send({ type: 'dialogue.moved' });
    };
  }
  if (plant !== 'filled') return send;
  let clock: unknown;
  const gone = endOf('system', 'model_failed', 'provider', 'planted: no answer in time');
  return (event) => {
    if (event.type === 'caller.waits')
      clock ??= time.setTimeout(() => send({ type: 'session.failed', end: gone }), FILLED_MS);
    else if (event.type !== 'answer.moved' && event.type !== 'tool.started' && event.type !== 'tool.ended') {
      time.clearTimeout(clock as never);
      clock = undefined;
    }
    send(event);
  };
}
