/** The ledger at work: what the SDK says becomes facts, each in the journal, and latencies. */
import { expect, test } from 'vitest';
import { Turns } from '../../src/livekit/observe/turns.ts';

function watched() {
  const sent: string[] = [];
  const noted: [string, unknown][] = [];
  let now = 0;
  const turns = new Turns({
    send: (event) => sent.push(event.type),
    recorder: { append: (kind, data) => noted.push([kind, data]) },
    now: () => now,
  });
  const of = (kind: string) => noted.filter(([each]) => each === kind).map(([, data]) => data);
  return { sent, of, turns, advance: (ms: number) => (now += ms) };
}

test('O2 the latency of a turn runs from the last sound of the caller to the first sound of the answer', () => {
  const { sent, of, turns, advance } = watched();
  turns.userState('speaking');
  advance(1500);
  turns.userState('listening');
  advance(800);
  const ended = turns.turnBegan();
  turns.tell({ fact: 'speech.scheduled', speech: 's', awaits: 'llm' });
  ended();
  advance(700);
  turns.audible(false);
  expect(of('latency')).toEqual([{ measure: 'turn', ms: 1500 }]);
  expect(sent).toEqual(['caller.speaks', 'caller.stopped', 'caller.waits', 'answer.moved', 'agent.audible']);
});

test('a turn that is refused on purpose has no latency', () => {
  const { of, turns } = watched();
  const ended = turns.turnBegan();
  ended();
  turns.answerRefused();
  turns.audible(false);
  expect(of('latency')).toEqual([]);
});

test('O1 what changes nothing is not in the journal', () => {
  const { of, turns } = watched();
  turns.tell({ fact: 'tool.ended', tool: 'never started' });
  expect(of('fact')).toEqual([]);
  turns.tell({ fact: 'tool.started', tool: 'look up' });
  expect(of('fact')).toEqual([{ fact: 'tool.started', tool: 'look up' }]);
});

test('away is listening: the SDK says so after a while of silence', () => {
  const { sent, turns } = watched();
  turns.userState('away');
  expect(sent).toEqual([]);
});

test('a speech that goes on after a pause is heard again', () => {
  const { sent, turns } = watched();
  turns.tell({ fact: 'speech.scheduled', speech: 's', awaits: 'tts' });
  turns.audible(false);
  turns.agentHeard(false, true);
  turns.agentHeard(true);
  turns.agentHeard(true);
  expect(sent).toEqual(['caller.waits', 'agent.audible', 'dialogue.moved', 'agent.audible']);
});
