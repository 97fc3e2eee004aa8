import { expect, test } from 'vitest';
import { Turns } from '../../src/livekit/observe/turns.ts';

function watched() {
  const sent: string[] = [];
  const latencies: number[] = [];
  let now = 0;
  const turns = new Turns(
    (event) => sent.push(event.type),
    (ms) => latencies.push(ms),
    () => now,
  );
  return { sent, latencies, turns, advance: (ms: number) => (now += ms) };
}

test('an answered turn: the caller waits from the words to the first audio, and that is its latency', () => {
  const { sent, latencies, turns, advance } = watched();
  turns.userState('speaking');
  turns.userState('listening');
  turns.understood();
  advance(300);
  turns.agentState('listening', 'thinking');
  advance(500);
  turns.audible(false);
  turns.agentState('speaking', 'listening');
  expect(sent).toEqual(['dialogue.moved', 'caller.waits', 'agent.audible', 'dialogue.moved']);
  expect(latencies).toEqual([800]);
});

test('O1 a cough owes no answer', () => {
  const { sent, turns } = watched();
  turns.userState('speaking');
  turns.userState('listening');
  expect(sent).toEqual(['dialogue.moved']);
});

test('O2 a silent turn still owes its answer, and noise does not make it forgotten', () => {
  const { sent, turns } = watched();
  turns.understood();
  turns.agentState('listening', 'thinking');
  turns.agentState('thinking', 'listening'); // the model failed: nothing was said
  expect(sent).toEqual(['caller.waits']);
  turns.userState('speaking');
  turns.userState('listening');
  expect(sent.at(-1)).toBe('caller.waits');
});

test('O2 a reply that leads to a tool owes the rest of the answer', () => {
  const { sent, turns } = watched();
  turns.understood();
  turns.audible(false);
  turns.agentState('speaking', 'thinking');
  expect(sent).toEqual(['caller.waits', 'agent.audible', 'caller.waits']);
});

test('words that are understood while the agent speaks start no clock: they interrupt, or they are nothing', () => {
  const { sent, turns } = watched();
  turns.audible(false);
  turns.understood();
  expect(sent).toEqual(['agent.audible']);
});

test('an agent that chose silence owes nothing any more', () => {
  const { sent, turns } = watched();
  turns.understood();
  turns.answeredBySilence();
  turns.userState('listening');
  expect(sent).toEqual(['caller.waits', 'dialogue.moved']);
});

test('O3 a nudge is no answer and ends no turn, also when a model had to think of it', () => {
  const { sent, turns } = watched();
  turns.ourLineAsked(true);
  turns.agentState('listening', 'thinking');
  turns.audible(true);
  turns.agentState('speaking', 'listening');
  expect(sent).toEqual([]);
});

test('who still talks keeps the idle clock from running: the caller, or the agent, but not a line of ours', () => {
  const { sent, turns } = watched();
  turns.keepAlive();
  expect(sent).toEqual([]);
  turns.userState('speaking');
  turns.keepAlive();
  expect(sent).toEqual(['dialogue.moved', 'dialogue.moved']);
  turns.userState('listening');
  turns.audible(false);
  turns.keepAlive();
  expect(sent.slice(2)).toEqual(['agent.audible', 'agent.audible']);
});

test('an answer is owed until it is heard, and is asked for again once: new words are a new answer', () => {
  const { turns } = watched();
  expect(turns.isAnswerOwed()).toBe(false);
  turns.understood();
  expect([turns.isAnswerOwed(), turns.askAgain(), turns.askAgain()]).toEqual([true, true, false]);
  turns.userState('speaking');
  expect(turns.isAnswerOwed()).toBe(false); // the caller goes on: that turn will be answered
  turns.userState('listening');
  turns.understood();
  expect([turns.isAnswerOwed(), turns.askAgain()]).toEqual([true, true]);
  turns.audible(false);
  expect([turns.isAnswerOwed(), turns.askAgain()]).toEqual([false, true]);
});
