/**
 * Who waits for whom: a ledger of what is owed, told from facts about both sides. A reducer, pure.
 *
 *   W1  An answer is owed from the entry of a turn's hook, or from a speech that was scheduled: never from words, and
 *       never from a speech that was only prepared. It is owed until that speech has ended, also between two parts of it
 *       (an announcement, a tool, the answer).
 *   W2  Who has the floor is derived, not remembered: the agent while it is heard, else the caller while they speak, else
 *       whoever is owed an answer. The machine is told when it changes, and of nothing else.
 *   W3  What an AgentTask interrupted waits for the task, not the caller for it: debts and tools below it do not count.
 *   W4  A speech that was paused (by what may have been an interruption) owes nothing until it goes on.
 *   W5  Sounds without words (a street, music on hold) count as speech for `noiseMs` since the last words or the last
 *       answer, not for ever: nobody is there who is only heard.
 *   W6  Silence tells nothing where nobody can hear it: what is said is only read, nothing listens to the caller, or work
 *       in the background is awaited by whoever has asked for it.
 */
import type { Awaited, SessionEvent } from './events.ts';

/** What a pipeline can do; it may change with each handoff. */
export type Pipeline = {
  /** Will a turn of the caller be answered by itself? False without a language model. */
  answersTurns: boolean;
  /** Does what it says become sound? False without a voice or an output: then nobody waits to hear anything. */
  isAudible: boolean;
  /** Does it find the caller's turns by itself? False for manual turns, which are owed from their commit on. */
  findsTurns: boolean;
  /** Is it known when the caller speaks? False for turns committed by hand where nothing listens before the commit. */
  hearsCaller: boolean;
  /** From the last sound to the turn, at most, in ms; null where a realtime model decides by itself. */
  endpointingMs: number | null;
};

export type TurnFact =
  | ({ fact: 'pipeline' } & Pipeline)
  | { fact: 'caller.speaks' | 'caller.stopped'; atMs: number } // sounds, by any clock that only goes forward
  | { fact: 'caller.words' } // understood, final or not
  | { fact: 'caller.acts' } // a key, a text, data
  | { fact: 'words.missed' } // recognition has ended, and there were none
  | { fact: 'turn.began' | 'turn.ended'; turn: string } // the hook of a turn; ended: with its answer, if there is one, scheduled
  | { fact: 'speech.scheduled'; speech: string; awaits: Awaited }
  | { fact: 'speech.ended'; speech: string }
  | { fact: 'speech.empty'; speech: string } // ended with nothing although it was owed: it is asked for once more
  | { fact: 'answer.refused' } // on purpose: nothing is owed
  | { fact: 'answer.moved'; awaits: Awaited } // a first token, a first sample: a step forward
  | { fact: 'agent.heard'; isLine: boolean } // a line that the machine asked for answers nothing
  | { fact: 'agent.quiet'; isPaused: boolean }
  | { fact: 'tool.started' | 'tool.ended'; tool: string }
  | { fact: 'work.began' | 'work.ended'; tool: string } // of a tool, in the background: no answer waits for it
  | { fact: 'task'; depth: number }; // how many AgentTasks are at work, one for the other

export type Ledger = Pipeline & {
  readonly isCallerSpeaking: boolean;
  readonly isUnderstood: boolean; // words since they began
  readonly isNoise: boolean; // they are heard, and have not been understood for too long
  readonly isClear: boolean; // what they said last was long enough to be speech
  readonly spokeAtMs: number;
  readonly noiseMs: number;
  readonly noiseSinceMs: number | null; // the first sound since words, or the agent's, were heard
  readonly heard: 'nobody' | 'agent' | 'line';
  readonly isPaused: boolean;
  /** Hooks of turns, speeches and tools that are at work, with the depth at which each began. */
  readonly turns: Readonly<Record<string, number>>;
  readonly speeches: Readonly<Record<string, number>>;
  readonly tools: Readonly<Record<string, number>>;
  readonly work: readonly string[]; // in the background
  readonly isEmpty: boolean; // an answer came to nothing, and is asked for again
  readonly awaits: Awaited;
  readonly depth: number;
};

export const emptyLedger: Ledger = Object.freeze({
  answersTurns: true,
  isAudible: true,
  findsTurns: true,
  hearsCaller: true,
  endpointingMs: 3000,
  isCallerSpeaking: false,
  isUnderstood: false,
  isNoise: false,
  isClear: false,
  spokeAtMs: 0,
  noiseMs: 60_000,
  noiseSinceMs: null,
  heard: 'nobody',
  isPaused: false,
  turns: {},
  speeches: {},
  tools: {},
  work: [],
  isEmpty: false,
  awaits: 'llm',
  depth: 0,
});

/** Shorter sounds without words (a cough, a door) are no turn, and nobody misses an answer to them. */
export const CLEAR_SPEECH_MS = 1000;

type Floor = 'agent' | 'line' | 'caller' | 'waits' | 'free';
type Told = { ledger: Ledger; events: SessionEvent[] };

const countsIn = (all: Readonly<Record<string, number>>, depth: number): boolean =>
  Object.values(all).some((each) => each >= depth);
const without = <Value>(all: Readonly<Record<string, Value>>, name: string): Record<string, Value> =>
  Object.fromEntries(Object.entries(all).filter(([each]) => each !== name));

/** Pure. Is the caller owed an answer, whoever speaks at the moment? */
export const isOwed = (ledger: Ledger): boolean =>
  ledger.isAudible &&
  !ledger.isPaused &&
  ((ledger.answersTurns && countsIn(ledger.turns, ledger.depth)) ||
    ledger.isEmpty ||
    countsIn(ledger.speeches, ledger.depth));

const floorOf = (ledger: Ledger): Floor => {
  if (ledger.heard !== 'nobody') return ledger.heard;
  if (ledger.isCallerSpeaking) return 'caller';
  return isOwed(ledger) ? 'waits' : 'free';
};

/** W6. */
const isSilenceTold = ({ isAudible, hearsCaller, work }: Ledger): boolean =>
  isAudible && hearsCaller && work.length === 0;

const isWorking = ({ tools, depth }: Ledger): boolean => countsIn(tools, depth);

/** Pure. What is known after a fact, and what the machine has to be told of it, in order. */
export function tell(before: Ledger, fact: TurnFact): Told {
  const ledger = after(before, fact);
  const events: SessionEvent[] = [];
  if (isWorking(before) !== isWorking(ledger)) events.push({ type: isWorking(ledger) ? 'tool.started' : 'tool.ended' });
  if (isSilenceTold(before) !== isSilenceTold(ledger))
    events.push({ type: 'silence.switched', counts: isSilenceTold(ledger) });
  const was = floorOf(before);
  const is = floorOf(ledger);
  if (fact.fact === 'caller.acts') events.push({ type: 'caller.acts' });
  if (was !== is) events.push(...floorEvents(ledger, fact, was, is));
  else if (is === 'caller' && fact.fact === 'caller.words') events.push({ type: 'caller.acts' });
  else if (is === 'agent' && fact.fact === 'agent.heard') events.push({ type: 'agent.audible' });
  else if (is === 'waits' && isStep(before, ledger, fact)) events.push({ type: 'answer.moved', awaits: ledger.awaits });
  else if (is === 'free' && fact.fact === 'answer.refused') events.push({ type: 'dialogue.moved' });
  // Of a line that the machine asked for, as the greeting is: nothing is owed here, and somebody waits all the same.
  else if (is === 'free' && fact.fact === 'answer.moved') events.push({ type: 'answer.moved', awaits: fact.awaits });
  const isMissed = fact.fact === 'words.missed' && ledger.isClear && !ledger.isUnderstood;
  if (isMissed && is === 'free' && ledger.findsTurns && ledger.isAudible) events.push({ type: 'words.missed' });
  return { ledger, events };
}

/** Each step forward begins a new wait: what was waited for has come, and the next is under way. */
const isStep = (before: Ledger, ledger: Ledger, { fact }: TurnFact): boolean =>
  fact === 'answer.moved' ||
  fact === 'tool.ended' ||
  // A hook may last longer than the first tokens of an answer that is prepared meanwhile.
  (fact === 'speech.scheduled' && (before.awaits === 'hook' || countsIn(before.turns, before.depth))) ||
  (fact === 'speech.scheduled' && before.isEmpty);

const floorEvents = (ledger: Ledger, fact: TurnFact, was: Floor, is: Floor): SessionEvent[] => {
  switch (is) {
    case 'agent':
      return [{ type: 'agent.audible' }];
    case 'line':
      return []; // the machine knows: it asked for it
    case 'caller':
      return [{ type: 'caller.speaks' }];
    case 'waits':
      return [{ type: 'caller.waits', awaits: ledger.awaits, isTurn: countsIn(ledger.turns, ledger.depth) }];
    case 'free': {
      const isSpeech = fact.fact === 'caller.stopped' && (ledger.isUnderstood || ledger.isClear);
      const isAnswered = ledger.findsTurns && ledger.answersTurns && ledger.isAudible;
      if (was !== 'caller' || !isSpeech || !isAnswered) return [{ type: 'dialogue.moved' }];
      return [{ type: 'caller.stopped', endpointingMs: ledger.endpointingMs }];
    }
  }
};

const after = (ledger: Ledger, fact: TurnFact): Ledger => {
  switch (fact.fact) {
    case 'pipeline': {
      const { answersTurns, isAudible, findsTurns, hearsCaller, endpointingMs } = fact;
      return { ...ledger, answersTurns, isAudible, findsTurns, hearsCaller, endpointingMs };
    }
    case 'caller.speaks': {
      const noiseSinceMs = ledger.noiseSinceMs ?? fact.atMs;
      const isNoise = fact.atMs - noiseSinceMs > ledger.noiseMs; // W5
      return {
        ...ledger,
        isCallerSpeaking: !isNoise,
        isNoise,
        isUnderstood: false,
        spokeAtMs: fact.atMs,
        noiseSinceMs,
      };
    }
    case 'caller.stopped':
      return {
        ...ledger,
        isCallerSpeaking: false,
        isNoise: false,
        isClear: !ledger.isNoise && fact.atMs - ledger.spokeAtMs >= CLEAR_SPEECH_MS,
      };
    case 'caller.words': {
      const isCallerSpeaking = ledger.isCallerSpeaking || ledger.isNoise;
      return { ...ledger, isCallerSpeaking, isNoise: false, isUnderstood: true, noiseSinceMs: null };
    }
    case 'turn.began':
      return { ...ledger, turns: { ...ledger.turns, [fact.turn]: ledger.depth }, isPaused: false, awaits: 'hook' };
    case 'turn.ended':
      return { ...ledger, turns: without(ledger.turns, fact.turn) };
    case 'speech.scheduled':
      return {
        ...ledger,
        speeches: { ...ledger.speeches, [fact.speech]: ledger.depth },
        isEmpty: false,
        isPaused: false,
        awaits: fact.awaits,
      };
    case 'speech.ended':
      return { ...ledger, speeches: without(ledger.speeches, fact.speech), isPaused: false };
    case 'speech.empty':
      return { ...ledger, speeches: without(ledger.speeches, fact.speech), isEmpty: true };
    case 'answer.refused':
      return { ...ledger, isEmpty: false };
    case 'answer.moved':
      return { ...ledger, awaits: fact.awaits };
    case 'agent.heard':
      return fact.isLine
        ? { ...ledger, heard: 'line', isPaused: false }
        : { ...ledger, heard: 'agent', isPaused: false, noiseSinceMs: null };
    case 'agent.quiet':
      return { ...ledger, heard: 'nobody', isPaused: fact.isPaused };
    case 'tool.started':
      return { ...ledger, tools: { ...ledger.tools, [fact.tool]: ledger.depth }, awaits: 'tool' };
    case 'tool.ended':
      return { ...ledger, tools: without(ledger.tools, fact.tool), awaits: 'llm' };
    case 'work.began':
      return { ...ledger, work: [...ledger.work, fact.tool] };
    case 'work.ended':
      return { ...ledger, work: ledger.work.filter((each) => each !== fact.tool) };
    case 'task':
      return { ...ledger, depth: fact.depth };
    case 'caller.acts':
    case 'words.missed':
      return ledger;
  }
};
