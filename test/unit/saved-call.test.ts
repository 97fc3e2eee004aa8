/**
 * A call that happened, as a test: what its session machine received, in order, and the states that it went through.
 * Saved by `lastword show ID --test FILE`. Names, numbers and texts were replaced.
 * `at`: milliseconds since it began; nothing waits for them. It may be edited.
 */
import { type Received, walkReceived } from 'lastword/machines';
import { expect, test } from 'vitest';

// prettier-ignore
const received: Received[] = [
  { at: 0, kind: "machine.began", data: {"machine":"session","input":{"policy":{"startMs":14000,"warmStartMs":6000,"connectMs":5000,"callerJoinMs":60000,"firstAudioMs":3000,"rungMs":1500,"fillerMs":3500,"turnMs":20000,"mendMs":4000,"mendAgainMs":60000,"toolMs":30000,"idleMs":15000,"nudges":2,"holdMs":120000,"transferMs":45000,"callerGraceMs":20000,"maxDurationMs":1800000,"windDownMs":30000,"drainMs":2000,"interruptMs":500,"goodbyeMs":8000,"apologyMs":6000,"hangUpMs":3000,"closeMs":3000,"reportMs":2000,"shutdownBudgetMs":25000,"beatMs":500,"unresponsiveMs":3000,"returnMs":2000,"verdictMs":250,"askMs":2000,"killMs":250,"probeMs":500,"takeoverMs":2000,"apologistMs":1000,"answerMs":45000,"sealMs":2000},"resumed":false,"elapsedMs":0,"greeting":"say","goodbye":true}} },
  { at: 50, kind: "effect", data: {"machine":"session","phase":"settled","state":"live.connecting.joining.connectingRoom","name":"connect"} },
  { at: 100, kind: "effect", data: {"machine":"session","phase":"settled","state":"live.connecting.joining.startingSession","name":"startSession"} },
  { at: 100, kind: "effect", data: {"machine":"session","phase":"settled","state":"live.connecting.awaitingCaller","name":"awaitCaller","output":{"identity":"identity-1"}} },
  { at: 200, kind: "event", data: {"type":"line.audible","line":"greeting","rung":"live"} },
  { at: 200, kind: "effect", data: {"machine":"session","phase":"settled","state":"live.greeting.words.speaking","name":"speak","line":"greeting","rung":"live","output":{"heardMs":0}} },
  { at: 1200, kind: "event", data: {"type":"dialogue.moved"} },
  { at: 1200, kind: "event", data: {"type":"caller.speaks"} },
  { at: 1200, kind: "event", data: {"type":"caller.stopped","endpointingMs":500} },
  { at: 1200, kind: "event", data: {"type":"caller.waits","awaits":"llm","isTurn":true} },
  { at: 4200, kind: "limit", data: {"machine":"session","limit":"firstAudioMs","state":"live.conversing.dialogue.waiting.clock.unanswered"} },
  { at: 4300, kind: "event", data: {"type":"line.audible","line":"filler","rung":"live"} },
  { at: 4300, kind: "effect", data: {"machine":"session","phase":"settled","state":"live.conversing.dialogue.waiting.clock.fillingLive","name":"speak","line":"filler","rung":"live","output":{"heardMs":0}} },
  { at: 6200, kind: "event", data: {"type":"answer.moved","awaits":"tts"} },
  { at: 6200, kind: "event", data: {"type":"agent.audible"} },
  { at: 6200, kind: "event", data: {"type":"dialogue.moved"} },
  { at: 6200, kind: "event", data: {"type":"transfer.requested","transfer":{"id":"id-2","how":"refer","to":"+15550100003"}} },
  { at: 6250, kind: "effect", data: {"machine":"session","phase":"settled","state":"live.conversing.transfer.asking","name":"transfer","output":{"outcome":"declined"}} },
  { at: 6700, kind: "event", data: {"type":"session.end","end":{"by":"agent","reason":"reason-4","fault":"none","detail":"detail-5"},"drain":true} },
  { at: 6710, kind: "effect", data: {"machine":"session","phase":"settled","state":"ending.draining","name":"drain"} },
  { at: 6720, kind: "effect", data: {"machine":"session","phase":"settled","state":"ending.interrupting","name":"interrupt"} },
  { at: 6820, kind: "event", data: {"type":"line.audible","line":"goodbye","rung":"live"} },
  { at: 7820, kind: "effect", data: {"machine":"session","phase":"settled","state":"exiting.saying","name":"speak","line":"goodbye","rung":"live","output":{"heardMs":1000}} },
  { at: 7840, kind: "effect", data: {"machine":"session","phase":"settled","state":"exiting.hangingUp","name":"hangUp","output":{"verified":true}} },
  { at: 7860, kind: "effect", data: {"machine":"session","phase":"settled","state":"reporting.closing","name":"close"} },
  { at: 7860, kind: "effect", data: {"machine":"session","phase":"settled","state":"reporting.sending","name":"sendReport"} },
];
// prettier-ignore
const path = [
  "live.connecting.joining.connectingRoom",
  "live.connecting.joining.startingSession",
  "live.connecting.awaitingCaller",
  "live.greeting.words.speaking + live.greeting.clock.unanswered + live.greeting.patience.answering",
  "live.conversing.dialogue.active.agentSpeaks + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.active.quiet + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.active.callerSpeaks + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.recognizing.endpointing + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.waiting.clock.unanswered + live.conversing.dialogue.waiting.patience.answering + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.waiting.clock.fillingLive + live.conversing.dialogue.waiting.patience.answering + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.waiting.clock.filled + live.conversing.dialogue.waiting.patience.answering + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.waiting.clock.moved + live.conversing.dialogue.waiting.patience.answering + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.active.agentSpeaks + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.active.quiet + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.active.quiet + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.asking + live.conversing.duration.open + live.conversing.session.whole",
  "live.conversing.dialogue.active.quiet + live.conversing.work.none + live.conversing.grant.none + live.conversing.transfer.none + live.conversing.duration.open + live.conversing.session.whole",
  "ending.draining",
  "ending.interrupting",
  "exiting.saying.unheard",
  "exiting.saying.playing",
  "exiting.hangingUp",
  "reporting.closing",
  "reporting.sending",
  "closed",
];

test('a call walks through the states that it walked through', () => {
  expect(walkReceived(received)).toEqual(path);
});
