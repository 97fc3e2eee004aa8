/** Who waits for whom: the ledger, fact by fact. W1 to W5. */
import { describe, expect, test } from 'vitest';
import { emptyLedger, isOwed, type Ledger, type SessionEvent, tell, type TurnFact } from '../../machines/index.ts';

/** What the machine is told, in words: `caller.waits llm`. */
function told(facts: readonly TurnFact[], from: Partial<Ledger> = {}): { events: string[]; ledger: Ledger } {
  let ledger: Ledger = { ...emptyLedger, ...from };
  const events: SessionEvent[] = [];
  for (const fact of facts) {
    const next = tell(ledger, fact);
    ledger = next.ledger;
    events.push(...next.events);
  }
  return {
    ledger,
    events: events.map((event) => ('awaits' in event ? `${event.type} ${event.awaits}` : event.type)),
  };
}

const speaks = (atMs = 0): TurnFact => ({ fact: 'caller.speaks', atMs });
const stopped = (atMs = 2000): TurnFact => ({ fact: 'caller.stopped', atMs });
const words: TurnFact = { fact: 'caller.words' };
const began: TurnFact = { fact: 'turn.began', turn: 't' };
const ended: TurnFact = { fact: 'turn.ended', turn: 't' };
const scheduled = (speech = 's'): TurnFact => ({ fact: 'speech.scheduled', speech, awaits: 'llm' });
const over = (speech = 's'): TurnFact => ({ fact: 'speech.ended', speech });
const token: TurnFact = { fact: 'answer.moved', awaits: 'tts' };
const heard: TurnFact = { fact: 'agent.heard', isLine: false };
const line: TurnFact = { fact: 'agent.heard', isLine: true };
const quiet: TurnFact = { fact: 'agent.quiet', isPaused: false };
const paused: TurnFact = { fact: 'agent.quiet', isPaused: true };
const works: TurnFact = { fact: 'tool.started', tool: 'x' };
const worked: TurnFact = { fact: 'tool.ended', tool: 'x' };
const turn = [speaks(), words, stopped(), began, scheduled(), ended];

describe('W1 an answer is owed', () => {
  test('from the hook of the turn on, until it is heard and over', () => {
    expect(told([...turn, token, heard, quiet, over()]).events).toEqual([
      'caller.speaks',
      'caller.acts',
      'caller.stopped',
      'caller.waits hook',
      'answer.moved llm',
      'answer.moved tts',
      'agent.audible',
      'caller.waits tts',
      'dialogue.moved',
    ]);
  });
  test('not from words: a late transcript moves nothing', () => {
    expect(told([words, words]).events).toEqual([]);
    expect(told([heard, quiet, words]).events).toEqual(['agent.audible', 'dialogue.moved']);
  });
  test('not where the hook refuses one, and not where no model answers', () => {
    const refused = [speaks(), words, stopped(), began, ended, { fact: 'answer.refused' } as const];
    expect(told(refused).events.slice(-3)).toEqual(['caller.waits hook', 'dialogue.moved', 'dialogue.moved']);
    const transcriber = { answersTurns: false };
    expect(told([speaks(), words, stopped(), began, ended], transcriber).events).toEqual([
      'caller.speaks',
      'caller.acts',
      'dialogue.moved',
    ]);
  });
  test('not where nothing can be heard', () => {
    expect(isOwed(told(turn, { isAudible: false }).ledger)).toBe(false);
    expect(told(turn, { isAudible: false }).events).not.toContain('caller.waits hook');
  });
  test('again after an announcement, while its tool runs, and the end of the tool is a step', () => {
    expect(told([...turn, token, heard, works, quiet, worked, token]).events.slice(-5)).toEqual([
      'tool.started',
      'caller.waits tool',
      'tool.ended',
      'answer.moved llm',
      'answer.moved tts',
    ]);
  });
  test('through an answer that came to nothing, until it is asked for again', () => {
    const empty: TurnFact = { fact: 'speech.empty', speech: 's' };
    expect(isOwed(told([...turn, empty]).ledger)).toBe(true);
    expect(told([...turn, empty, scheduled('again')]).events.slice(-1)).toEqual(['answer.moved llm']);
    expect(isOwed(told([...turn, empty, { fact: 'answer.refused' }]).ledger)).toBe(false);
  });
});

describe('W2 the floor', () => {
  test('is the agent’s while it is heard, whoever else makes a sound', () => {
    expect(told([heard, speaks(), stopped(300), quiet]).events).toEqual(['agent.audible', 'dialogue.moved']);
    expect(told([heard, speaks(), quiet]).events).toEqual(['agent.audible', 'caller.speaks']);
  });
  test('a cough in the wait leaves the wait', () => {
    expect(told([...turn, speaks(3000), stopped(3300)]).events.slice(-2)).toEqual([
      'caller.speaks',
      'caller.waits llm',
    ]);
  });
  test('a short sound without words is no turn; clear speech is one, and so is a short word', () => {
    expect(told([speaks(), stopped(300)]).events).toEqual(['caller.speaks', 'dialogue.moved']);
    expect(told([speaks(), stopped(1000)]).events).toEqual(['caller.speaks', 'caller.stopped']);
    expect(told([speaks(), words, stopped(300)]).events).toEqual(['caller.speaks', 'caller.acts', 'caller.stopped']);
  });
  test('manual turns expect nothing until they are committed', () => {
    const manual = { findsTurns: false };
    expect(told([speaks(), words, stopped()], manual).events.at(-1)).toBe('dialogue.moved');
    expect(told([speaks(), words, stopped(), began], manual).events.at(-1)).toBe('caller.waits hook');
  });
  test('where nothing listens to the caller before the commit, the machine is told that no silence is one', () => {
    const byHand = { answersTurns: true, isAudible: true, findsTurns: false, hearsCaller: false, endpointingMs: 3000 };
    const pipeline: TurnFact = { fact: 'pipeline', ...byHand };
    expect(tell(emptyLedger, pipeline).events).toEqual([{ type: 'silence.switched', counts: false }]);
  });
  test('O-B8 while work in the background is awaited, no silence tells anything', () => {
    const [workBegan, workEnded] = [
      { fact: 'work.began', tool: 'flights' },
      { fact: 'work.ended', tool: 'flights' },
    ] as const;
    const { ledger, events } = tell(emptyLedger, workBegan);
    expect(events).toEqual([{ type: 'silence.switched', counts: false }]);
    expect(tell(ledger, workEnded).events).toEqual([{ type: 'silence.switched', counts: true }]);
  });
  test('O-A2 a hook that outlasts the first tokens of an answer: its end is a step forward', () => {
    expect(told([speaks(), words, stopped(), began, token, scheduled()]).events.slice(-2)).toEqual([
      'answer.moved tts',
      'answer.moved llm',
    ]);
  });
  test('O-A4 the first token of a greeting that the machine asked for is told: somebody waits, though nothing is owed', () => {
    expect(told([token]).events).toEqual(['answer.moved tts']);
  });
  test('a line of ours answers nothing, and what was owed is owed after it', () => {
    expect(told([line, quiet]).events).toEqual(['dialogue.moved']);
    expect(told([...turn, line, quiet]).events.slice(-1)).toEqual(['caller.waits llm']);
  });
  test('clear speech in which no words were found is told where nothing is owed', () => {
    const missed: TurnFact = { fact: 'words.missed' };
    expect(told([speaks(), stopped(), missed]).events.at(-1)).toBe('words.missed');
    expect(told([...turn, missed]).events.at(-1)).not.toBe('words.missed');
    expect(told([missed], { findsTurns: false }).events).toEqual([]);
  });
  test('a key is a sign of life', () => {
    expect(told([{ fact: 'caller.acts' }]).events).toEqual(['caller.acts']);
  });
});

describe('W3 an AgentTask', () => {
  const task = (depth: number): TurnFact => ({ fact: 'task', depth });
  test('suspends what was owed and what ran below it', () => {
    const { events, ledger } = told([...turn, works, task(1)]);
    expect(events.slice(-2)).toEqual(['tool.ended', 'dialogue.moved']);
    expect(isOwed(ledger)).toBe(false);
  });
  test('owes its own answers, and what it suspended is owed when it is over', () => {
    const inTask = [...turn, works, task(1), scheduled('own')];
    expect(isOwed(told(inTask).ledger)).toBe(true);
    expect(told([...inTask, heard, quiet, over('own')]).events.at(-1)).toBe('dialogue.moved');
    expect(told([...inTask, heard, quiet, over('own'), task(0)]).events.slice(-2)).toEqual([
      'tool.started',
      'caller.waits llm',
    ]);
  });
});

describe('W4 a pause', () => {
  test('owes nothing; the speech that goes on is heard again, and what is cut is over', () => {
    expect(told([scheduled(), heard, paused]).events.slice(-1)).toEqual(['dialogue.moved']);
    expect(told([scheduled(), heard, paused, heard]).events.slice(-1)).toEqual(['agent.audible']);
    expect(told([scheduled(), heard, paused, began]).events.slice(-1)).toEqual(['caller.waits hook']);
  });
});

describe('W5 noise', () => {
  const noise = { noiseMs: 10_000 };
  test('holds the floor for so long, and not for ever', () => {
    const street = [speaks(0), stopped(300), speaks(9000), stopped(9300)];
    expect(told(street, noise).events.filter((type) => type === 'caller.speaks')).toHaveLength(2);
    expect(told([...street, speaks(10_001), stopped(12_000)], noise).events).toEqual(told(street, noise).events);
  });
  test('ends with words, and with an answer', () => {
    const long = [speaks(0), stopped(300), speaks(11_000)];
    expect(told([...long, words], noise).events.slice(-1)).toEqual(['caller.speaks']);
    expect(told([speaks(0), stopped(300), heard, quiet, speaks(11_000)], noise).events.at(-1)).toBe('caller.speaks');
  });
});
