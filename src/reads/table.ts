/** All that can be asked, by name: for the command line, the page, the export, and machines. */
import type { z } from 'zod';
import type { AnswerOf } from './answers.ts';
import { readCalls } from './calls.ts';
import { readWhy } from './why.ts';
import { readEntries } from './entries.ts';
import { readEntry } from './entry.ts';
import { readState } from './state.ts';
import { readLanes } from './lanes.ts';
import { readDifference } from './diff.ts';
import { readDeliveries } from './deliveries.ts';
import { readLedger } from './ledger.ts';
import { readMoves } from './moves.ts';
import { readModel } from './model.ts';
import { readReport } from './report.ts';
import { fork } from './fork.ts';
import { savedTest } from './saved-test.ts';
import { questions, type Asked, type QuestionName } from './questions.ts';
import { refusedQuestion } from './refusal.ts';
import type { Source } from './source.ts';

type Read<Name extends QuestionName> = {
  summary: string;
  asked: (typeof questions)[Name];
  /** `asked` as its schema gives it. @throws ReadError, JournalError, StoreError */
  read(source: Source, asked: Asked<Name>): Promise<AnswerOf[Name]>;
};

export const reads: { readonly [Name in QuestionName]: Read<Name> } = {
  calls: { summary: 'Calls, living and over.', asked: questions.calls, read: readCalls },
  why: { summary: 'Why a call ended, each word with its proof.', asked: questions.why, read: readWhy },
  entries: { summary: 'What happened in a call, in order.', asked: questions.entries, read: readEntries },
  entry: { summary: 'One entry, whole.', asked: questions.entry, read: readEntry },
  state: { summary: 'Where the machines of a call were at an entry.', asked: questions.state, read: readState },
  moves: { summary: 'Each transition of its machines, as it was written.', asked: questions.moves, read: readMoves },
  lanes: { summary: 'Who was audible when, and what ran.', asked: questions.lanes, read: readLanes },
  diff: { summary: 'Two calls side by side.', asked: questions.diff, read: readDifference },
  deliveries: {
    summary: 'Deliveries, with their attempts.',
    asked: questions.deliveries,
    read: readDeliveries,
  },
  ledger: { summary: 'Accepted, sealed, delivered: do they agree?', asked: questions.ledger, read: readLedger },
  model: { summary: 'What the model saw at a request.', asked: questions.model, read: readModel },
  report: { summary: 'The report, sealed or as far as it goes.', asked: questions.report, read: readReport },
  test: { summary: 'A call as a test.', asked: questions.test, read: savedTest },
  fork: {
    summary: 'A call on another way: with events left out, changed or put in.',
    asked: questions.fork,
    read: fork,
  },
};

/** *Pure.* What came from outside as the question has it. @throws ReadError `BAD_QUESTION` */
export const askedOf = <Name extends QuestionName>(name: Name, given: unknown): Asked<Name> => {
  const schema = questions[name] as z.ZodObject;
  const parsed = schema.strict().safeParse(given ?? {});
  if (parsed.success) return parsed.data as Asked<Name>;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map(String);
  const inner = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  const fields = Object.keys(schema.shape).join(', ');
  throw refusedQuestion(
    [name, ...path].join('.'),
    issue?.message ?? 'a question',
    path.reduce(inner, given),
    `its fields are ${fields}`,
  );
};

const isName = (name: string): name is QuestionName => Object.hasOwn(reads, name);

/** *Effect.* Any question of the table, as it came from outside. @throws ReadError, JournalError, StoreError */
export const ask = async (source: Source, name: string, given: unknown): Promise<AnswerOf[QuestionName]> => {
  if (!isName(name))
    throw refusedQuestion('read', `one of ${Object.keys(reads).join(', ')}`, name, 'choose one of them');
  const read = reads[name] as Read<QuestionName>;
  return await read.read(source, askedOf(name, given) as never);
};
